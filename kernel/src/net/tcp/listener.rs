//! Waiting for connections.

use core::future::poll_fn;
use core::task::{Context, Poll};

use smoltcp::socket::tcp::State;

use super::TCP_CONNECT_TIMEOUT;
use super::stream::TcpStream;
use crate::net::error::BindError;
use crate::net::protocols::{Protocols, SocketId};
use crate::net::stack::Stack;

/// A TCP port that takes connections. Dropping it frees the port and refuses those not accepted.
///
/// One task at a time may wait to accept.
pub struct TcpListener {
    stack: &'static Stack,
    port: u16,
    backlog: usize,
}

impl TcpListener {
    pub(in crate::net) fn bind(
        stack: &'static Stack,
        port: u16,
        backlog: usize,
    ) -> Result<Self, BindError> {
        let port = stack.claim_tcp_port(port)?;
        let protocols = &mut stack.inner.borrow_mut().protocols;
        protocols.listen(port)?;
        let backlog = backlog.max(1);
        if let Err(error) = fill(protocols, port, backlog) {
            protocols.stop_listening(port);
            return Err(error);
        }
        Ok(Self {
            stack,
            port,
            backlog,
        })
    }

    /// The port listened on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next connection.
    ///
    /// # Errors
    ///
    /// There is no socket left to listen with, or no memory for one.
    pub async fn accept(&self) -> Result<TcpStream, BindError> {
        poll_fn(|context| self.poll_accept(context)).await
    }

    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<Result<TcpStream, BindError>> {
        let protocols = &mut self.stack.inner.borrow_mut().protocols;
        let accepted = self.take_connection(protocols);
        // Where sockets are short the backlog is, for now, as long as it can be.
        let filled = fill(protocols, self.port, self.backlog);
        if let Some(socket) = accepted {
            return Poll::Ready(Ok(TcpStream::new(self.stack, socket)));
        }
        if protocols.backlog(self.port).is_empty() {
            return Poll::Ready(filled.and(Err(BindError::TooManySockets)));
        }
        let mut position = 0;
        while let Some(socket) = protocols.backlog(self.port).get(position).copied() {
            protocols.tcp(socket).register_recv_waker(context.waker());
            position += 1;
        }
        Poll::Pending
    }

    /// Takes out a connection; what ended before it was accepted listens again.
    fn take_connection(&self, protocols: &mut Protocols) -> Option<SocketId> {
        let mut position = 0;
        while let Some(id) = protocols.backlog(self.port).get(position).copied() {
            let socket = protocols.tcp(id);
            match socket.state() {
                State::Listen | State::SynReceived => {}
                State::Closed | State::TimeWait => {
                    socket.set_timeout(Some(TCP_CONNECT_TIMEOUT.into()));
                    // A closed socket listens on any port but 0.
                    let _ = socket.listen(self.port);
                    protocols.touch(id);
                }
                _ => {
                    protocols.take_from_backlog(self.port, id);
                    return Some(id);
                }
            }
            position += 1;
        }
        None
    }
}

impl Drop for TcpListener {
    fn drop(&mut self) {
        let protocols = &mut self.stack.inner.borrow_mut().protocols;
        protocols.stop_listening(self.port);
    }
}

/// Makes up the number of sockets that listen.
fn fill(protocols: &mut Protocols, port: u16, backlog: usize) -> Result<(), BindError> {
    while protocols.backlog(port).len() < backlog {
        let mut socket = super::socket()?;
        // A new socket listens on any port but 0.
        let _ = socket.listen(port);
        protocols.add_to_backlog(port, socket)?;
    }
    Ok(())
}
