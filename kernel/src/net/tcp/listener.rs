//! Waiting for connections.

use alloc::vec::Vec;
use core::cell::RefCell;
use core::future::poll_fn;
use core::task::{Context, Poll};

use smoltcp::socket::tcp::State;

use super::stream::TcpStream;
use crate::net::error::BindError;
use crate::net::protocols::SocketId;
use crate::net::stack::Stack;

/// A TCP port that takes connections. Dropping it frees the port and refuses those not accepted.
///
/// One task at a time may wait to accept.
pub struct TcpListener {
    stack: &'static Stack,
    port: u16,
    backlog: usize,
    /// Each listens, or has a connection that was not accepted yet.
    sockets: RefCell<Vec<SocketId>>,
}

impl TcpListener {
    pub(in crate::net) fn bind(
        stack: &'static Stack,
        port: u16,
        backlog: usize,
    ) -> Result<Self, BindError> {
        let port = stack.claim_tcp_port(port)?;
        let backlog = backlog.max(1);
        let listener = Self {
            stack,
            port,
            backlog,
            sockets: RefCell::default(),
        };
        listener.fill()?;
        stack.inner.borrow_mut().protocols.listen(port)?;
        Ok(listener)
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
        let accepted = self.take_connection(context);
        // Where sockets are short the backlog is, for now, as long as it can be.
        let filled = self.fill();
        match accepted {
            Some(handle) => Poll::Ready(Ok(TcpStream::new(self.stack, handle))),
            None if self.sockets.borrow().is_empty() => {
                Poll::Ready(filled.and(Err(BindError::TooManySockets)))
            }
            None => {
                self.register(context);
                Poll::Pending
            }
        }
    }

    /// Takes out a connection; what ended before it was accepted listens again.
    fn take_connection(&self, context: &mut Context<'_>) -> Option<SocketId> {
        let mut inner = self.stack.inner.borrow_mut();
        let mut handles = self.sockets.borrow_mut();
        let position = handles.iter().position(|handle| {
            let socket = inner.protocols.tcp(*handle);
            match socket.state() {
                State::Listen | State::SynReceived => {}
                State::Closed | State::TimeWait => {
                    // A closed socket listens on any port but 0.
                    let _ = socket.listen(self.port);
                }
                _ => return true,
            }
            socket.register_recv_waker(context.waker());
            false
        })?;
        Some(handles.swap_remove(position))
    }

    fn register(&self, context: &mut Context<'_>) {
        let mut inner = self.stack.inner.borrow_mut();
        for handle in self.sockets.borrow().iter() {
            let socket = inner.protocols.tcp(*handle);
            socket.register_recv_waker(context.waker());
        }
    }

    /// Makes up the number of sockets that listen.
    fn fill(&self) -> Result<(), BindError> {
        let mut handles = self.sockets.borrow_mut();
        while handles.len() < self.backlog {
            handles.try_reserve(1).map_err(|_| BindError::OutOfMemory)?;
            let mut socket = super::socket()?;
            // A new socket listens on any port but 0.
            let _ = socket.listen(self.port);
            handles.push(self.stack.inner.borrow_mut().protocols.add(socket)?);
        }
        Ok(())
    }
}

impl Drop for TcpListener {
    fn drop(&mut self) {
        let inner = &mut *self.stack.inner.borrow_mut();
        inner.protocols.listen_no_more(self.port);
        for handle in self.sockets.borrow().iter() {
            inner.protocols.tcp(*handle).abort();
            inner.protocols.close(*handle);
        }
    }
}
