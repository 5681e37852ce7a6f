//! Datagrams for a machine that does not answer.
//!
//! smoltcp asks for a neighbour's hardware address once a second and holds the datagram back until
//! there is an answer, and with it all that the same socket queued behind. A stranger could so
//! silence a server for good by naming a source that does not exist. UDP promises no delivery: what
//! stays in the way is dropped, and counted.

use alloc::vec::Vec;

use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::{Socket, udp};

use crate::net::buffer::{self, Queue};
use crate::net::statistics::Counters;

/// How long a datagram may be in the way of others, in nanoseconds: its neighbour was asked for
/// twice.
const GIVE_UP_AFTER: u64 = 2_000_000_000;

/// The sockets whose queue does not move, and since when.
#[derive(Default)]
pub(super) struct Unreachable {
    waiting: Vec<(SocketHandle, u64)>,
}

impl Unreachable {
    /// Notes which sockets kept something though all that could be sent was. Where `quiet`, none
    /// did.
    pub(super) fn observe(&mut self, now: u64, quiet: bool, sockets: &SocketSet<'static>) {
        if quiet {
            self.waiting.clear();
            return;
        }
        for (handle, socket) in sockets.iter() {
            let Socket::Udp(socket) = socket else {
                continue;
            };
            let known = self
                .waiting
                .iter()
                .position(|(waiting, _)| *waiting == handle);
            match (holds(socket), known) {
                (true, None) if self.waiting.try_reserve(1).is_ok() => {
                    self.waiting.push((handle, now));
                }
                (false, Some(index)) => {
                    self.waiting.swap_remove(index);
                }
                _ => {}
            }
        }
    }

    /// Empties the queues that have waited too long.
    pub(super) fn give_up(
        &mut self,
        now: u64,
        sockets: &mut SocketSet<'static>,
        counters: &Counters,
    ) {
        self.waiting.retain(|(handle, since)| {
            if now.saturating_sub(*since) < GIVE_UP_AFTER {
                return true;
            }
            if let Some((_, Socket::Udp(socket))) = sockets
                .iter_mut()
                .find(|(candidate, _)| candidate == handle)
                && holds(socket)
            {
                empty_send_queue(socket);
                counters.unreachable.set(counters.unreachable.get() + 1);
            }
            false
        });
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
