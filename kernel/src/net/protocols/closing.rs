//! Connections whose owner is gone, and the timeouts of those that have one.

use smoltcp::socket::Socket;
use smoltcp::socket::tcp::{self, State};

use super::Protocols;
use super::sockets::{Slot, SocketId, Sockets};

impl Protocols {
    /// Takes over a connection whose owner is gone: what is queued is sent, the peer is told, and
    /// the socket freed.
    pub(in crate::net) fn close(&mut self, socket: SocketId) {
        self.sockets.slot(socket.0).orphan = true;
        self.sockets.touch(socket.0);
    }
}

impl Slot {
    /// Lets a connection with nothing under way be silent for as long as it likes. smoltcp's
    /// timeout, once set, would end it. A peer that is asked for a sign of life owes an answer.
    #[inline]
    pub(super) fn relax(&mut self) {
        if let Some(Socket::Tcp(socket)) = self.any()
            && matches!(socket.state(), State::Established | State::CloseWait)
            && socket.send_queue() == 0
            && socket.timeout().is_some()
            && socket.keep_alive().is_none()
        {
            socket.set_timeout(None);
        }
    }
}

impl Sockets {
    /// Frees a connection without an owner once it is over and the peer was told where it had to be;
    /// where `anyway`, also one that could not tell its peer.
    #[inline]
    pub(super) fn free_if_over(&mut self, index: usize, anyway: bool) -> bool {
        let slot = self.slot(index);
        if !slot.orphan {
            return false;
        }
        let Some(Socket::Tcp(socket)) = slot.any() else {
            return false;
        };
        let over = is_gone(socket) || anyway && socket.state() == State::Closed;
        if over {
            self.remove(index);
        }
        over
    }

    /// Frees connections without an owner that only wait for strays (TIME-WAIT), since somebody
    /// needs a socket.
    pub(super) fn hurry(&mut self) {
        for index in 0..self.slots() {
            let slot = self.slot(index);
            if slot.orphan
                && let Some(Socket::Tcp(socket)) = slot.any()
                && (is_gone(socket) || socket.state() == State::TimeWait)
            {
                self.remove(index);
            }
        }
    }
}

/// Whether the connection is over, and the peer was told where it had to be.
fn is_gone(socket: &tcp::Socket<'static>) -> bool {
    socket.state() == State::Closed && socket.remote_endpoint().is_none()
}
