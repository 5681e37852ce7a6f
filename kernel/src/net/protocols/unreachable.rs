//! Datagrams for a machine that does not answer.
//!
//! smoltcp asks for a neighbour's hardware address once a second and holds the datagram back until
//! there is an answer, and with it all that the same socket queued behind. A stranger could so
//! silence a server for good by naming a source that does not exist. UDP promises no delivery: what
//! stays in the way is dropped, and counted.

use smoltcp::socket::{Socket, udp};

use super::sockets::Slot;
use crate::net::buffer::{self, Queue};
use crate::net::statistics::{Counters, count};

/// How long a datagram may be in the way of others, in nanoseconds: its neighbour was asked for
/// twice.
const GIVE_UP_AFTER: u64 = 2_000_000_000;

impl Slot {
    /// Notes whether the socket kept something though all that could be sent was.
    pub(super) fn observe(&mut self, now: u64) {
        let holds = matches!(self.any(), Some(Socket::Udp(socket)) if holds(socket));
        if !holds {
            self.stuck_since = None;
        } else if self.stuck_since.is_none() {
            self.stuck_since = Some(now);
        }
    }

    /// Empties the queue that has waited too long.
    pub(super) fn give_up(&mut self, now: u64, counters: &Counters) {
        let Some(since) = self.stuck_since else {
            return;
        };
        if now.saturating_sub(since) < GIVE_UP_AFTER {
            return;
        }
        self.stuck_since = None;
        if let Some(Socket::Udp(socket)) = self.any()
            && holds(socket)
        {
            empty_send_queue(socket);
            count(&counters.unreachable);
        }
    }
}

/// Whether something waits to be sent. Empty datagrams show once they fill the queue.
fn holds(socket: &udp::Socket<'static>) -> bool {
    socket.send_queue() > 0 || !socket.can_send()
}

/// smoltcp empties both queues of a socket or neither, so what was received moves to a new socket.
fn empty_send_queue(socket: &mut udp::Socket<'static>) {
    let port = socket.endpoint();
    let receive = Queue {
        datagrams: socket.packet_recv_capacity(),
        bytes: socket.payload_recv_capacity(),
    };
    let send = Queue {
        datagrams: socket.packet_send_capacity(),
        bytes: socket.payload_send_capacity(),
    };
    if let (Ok(mut received), Ok(to_send)) = (buffer::datagrams(receive), buffer::datagrams(send)) {
        while let Ok((payload, from)) = socket.recv() {
            if let Ok(room) = received.enqueue(payload.len(), from) {
                room.copy_from_slice(payload);
            }
        }
        // Closing wakes whoever waits.
        socket.close();
        *socket = udp::Socket::new(received, to_send);
    } else {
        socket.close();
    }
    // A closed socket takes any port but 0.
    let _ = socket.bind(port);
}
