//! Waiting for connections.

use core::future::poll_fn;
use core::task::{Context, Poll};

use super::stream::TcpStream;
use crate::net::connections::queue_size;
use crate::net::error::BindError;
use crate::net::stack::Stack;

/// A TCP port that takes connections. Dropping it frees the port and ends those not accepted.
///
/// One task at a time may wait to accept.
pub struct TcpListener {
    stack: &'static Stack,
    port: u16,
}

impl TcpListener {
    pub(in crate::net) fn bind(
        stack: &'static Stack,
        port: u16,
        backlog: usize,
    ) -> Result<Self, BindError> {
        let port = stack.claim_tcp_port(port)?;
        let connections = &mut stack.inner().connections;
        connections.listen(port, backlog.max(1))?;
        Ok(Self { stack, port })
    }

    /// The port listened on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How large the queues of the connections that come about from now on are, each way:
    /// [`TCP_QUEUE`](crate::net::TCP_QUEUE) if nothing else is said, which is the most. It is rounded up
    /// to a power of two, and to 2 KiB. The more a peer may send at a time, the
    /// faster it is.
    pub fn set_queue(&self, bytes: usize) {
        let connections = &mut self.stack.inner().connections;
        connections.set_queue(self.port, queue_size(bytes));
    }

    /// The next connection.
    ///
    /// # Errors
    ///
    /// None at present: a request for which there is no memory or no socket is dropped, and the peer
    /// tries again.
    pub async fn accept(&self) -> Result<TcpStream, BindError> {
        poll_fn(|context| self.poll_accept(context)).await
    }

    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<Result<TcpStream, BindError>> {
        let connections = &mut self.stack.inner().connections;
        match connections.accept(self.port, context.waker()) {
            Some(id) => Poll::Ready(Ok(TcpStream::new(self.stack, id))),
            None => Poll::Pending,
        }
    }
}

impl Drop for TcpListener {
    fn drop(&mut self) {
        let connections = &mut self.stack.inner().connections;
        connections.stop_listening(self.port, self.stack.time());
    }
}
