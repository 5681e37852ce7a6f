//! Connections whose owner is gone, and the timeouts of those that have one.

use alloc::vec::Vec;

use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::Socket;
use smoltcp::socket::tcp::{self, State};

/// The connections that still say goodbye.
#[derive(Default)]
pub(super) struct Closing {
    sockets: Vec<SocketHandle>,
}

impl Closing {
    /// Takes over a connection: what is queued is sent, the peer is told, and the socket freed.
    pub(super) fn take(&mut self, handle: SocketHandle, sockets: &mut SocketSet<'static>) {
        if !gone(sockets.get(handle)) && self.sockets.try_reserve(1).is_ok() {
            self.sockets.push(handle);
        } else {
            sockets.remove(handle);
        }
    }

    /// Frees the sockets that are done.
    pub(super) fn reap(&mut self, sockets: &mut SocketSet<'static>) {
        self.free(sockets, gone);
    }

    /// Frees also those that could not tell their peer. Called after all that can be sent was.
    pub(super) fn give_up(&mut self, sockets: &mut SocketSet<'static>) {
        self.free(sockets, |socket| socket.state() == State::Closed);
    }

    /// Frees also those that only wait for strays of a closed connection (TIME-WAIT), since
    /// somebody needs a socket.
    pub(super) fn hurry(&mut self, sockets: &mut SocketSet<'static>) {
        self.free(sockets, |socket| {
            gone(socket) || socket.state() == State::TimeWait
        });
    }

    /// Lets connections with nothing under way be silent for as long as they like. smoltcp's
    /// timeout, once set, would end them.
    pub(super) fn relax(&self, sockets: &mut SocketSet<'static>) {
        for (_, socket) in sockets.iter_mut() {
            if let Socket::Tcp(socket) = socket
                && matches!(socket.state(), State::Established | State::CloseWait)
                && socket.send_queue() == 0
            {
                socket.set_timeout(None);
            }
        }
    }

    fn free(
        &mut self,
        sockets: &mut SocketSet<'static>,
        done: impl Fn(&tcp::Socket<'static>) -> bool,
    ) {
        self.sockets.retain(|handle| {
            let done = done(sockets.get(*handle));
            if done {
                sockets.remove(*handle);
            }
            !done
        });
    }
}

/// Whether the connection is over, and the peer was told where it had to be.
fn gone(socket: &tcp::Socket<'static>) -> bool {
    socket.state() == State::Closed && socket.remote_endpoint().is_none()
}
