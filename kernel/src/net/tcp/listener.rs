//! Accepts connections.

use core::future::poll_fn;
use core::task::{Context, Poll};

use super::stream::TcpStream;
use crate::net::connections::queue_size;
use crate::net::error::BindError;
use crate::net::stack::Stack;

/// A TCP port that accepts connections. Dropping it frees the port and ends connections that were
/// not accepted.
///
/// Only one task at a time can wait to accept.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// use embedded_io_async::Write;
///
/// let listener = kernel.net()?.tcp_listen(80)?;
/// loop {
///     let mut stream = listener.accept().await?;
///     // A connection that fails must not end the server.
///     let _ = stream.write_all(b"one connection at a time\r\n").await;
/// }
/// # }
/// ```
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

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sets the queue size of future connections, for each direction, in bytes. The default,
    /// [`TCP_QUEUE`](crate::net::TCP_QUEUE), is also the maximum. The size is rounded up to a power
    /// of two, at least 2 KiB. A larger queue allows a higher data rate.
    pub fn set_queue(&self, bytes: usize) {
        let connections = &mut self.stack.inner().connections;
        connections.set_queue(self.port, queue_size(bytes));
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    ///
    /// Never, at present: if there is no memory or no socket, a request is dropped, and the peer
    /// tries again.
    pub async fn accept(&self) -> Result<TcpStream, BindError> {
        poll_fn(|context| self.poll_accept(context)).await
    }

    pub(in crate::net) fn poll_accept(
        &self,
        context: &mut Context<'_>,
    ) -> Poll<Result<TcpStream, BindError>> {
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
