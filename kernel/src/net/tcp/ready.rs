//! Operations on a connection other than reading and writing.

use core::future::poll_fn;
use core::net::SocketAddrV4;
use core::task::{Context, Poll};
use core::time::Duration;

use super::stream::{TcpError, TcpStream, broken};
use crate::net::connections::{Progress, State};

impl TcpStream {
    /// Waits until a read would return at once: there is data, or the peer has shut down.
    ///
    /// # Errors
    ///
    /// If the connection broke.
    pub async fn readable(&self) -> Result<(), TcpError> {
        poll_fn(|context| self.poll_first(context, |_| ())).await
    }

    /// Waits for data, and copies its start to `buffer` without consuming it. Returns the number of
    /// bytes, which may be fewer than there are; 0 if the peer has shut down or the buffer is
    /// empty.
    ///
    /// # Errors
    ///
    /// If the connection broke.
    pub async fn peek(&self, buffer: &mut [u8]) -> Result<usize, TcpError> {
        poll_fn(|context| {
            self.poll_first(context, |bytes| {
                let count = bytes.len().min(buffer.len());
                buffer[..count].copy_from_slice(&bytes[..count]);
                count
            })
        })
        .await
    }

    /// Calls `look` with the start of the received data; it is empty if the peer has shut down.
    fn poll_first<R>(
        &self,
        context: &mut Context<'_>,
        look: impl FnOnce(&[u8]) -> R,
    ) -> Poll<Result<R, TcpError>> {
        self.with(|connection| match connection.first() {
            Ok(bytes) => Poll::Ready(Ok(look(bytes))),
            Err(Progress::Ended) => Poll::Ready(Ok(look(&[]))),
            Err(Progress::Broken) => Poll::Ready(Err(broken(connection))),
            Err(_) => {
                connection.reader().sleep(context.waker());
                Poll::Pending
            }
        })
    }

    /// Returns whether a read would return at once.
    ///
    /// # Errors
    ///
    /// If the connection broke.
    pub fn is_readable(&self) -> Result<bool, TcpError> {
        self.with(|connection| match connection.first() {
            Ok(_) | Err(Progress::Ended) => Ok(true),
            Err(Progress::Broken) => Err(broken(connection)),
            Err(_) => Ok(false),
        })
    }

    /// Returns whether a write would return at once.
    ///
    /// # Errors
    ///
    /// If the connection broke, or this side was shut down.
    pub fn is_writable(&self) -> Result<bool, TcpError> {
        self.with(|connection| match connection.write(&[]) {
            Progress::Ended => Err(TcpError::ShutDown),
            Progress::Broken => Err(broken(connection)),
            _ => Ok(connection.room() > 0),
        })
    }

    /// Returns this machine's address and port of the connection; `None` once the connection is
    /// over.
    pub fn local(&self) -> Option<SocketAddrV4> {
        let configuration = *self.stack.configuration.borrow();
        let address = configuration?.address.address();
        self.with(|connection| connection.peer().map(|_| connection.local_port()))
            .map(|port| SocketAddrV4::new(address, port))
    }

    /// Sets whether less than a full segment is sent at once even while the peer owes an
    /// acknowledgement. By default it waits for the acknowledgement, so that many small writes use
    /// few segments (RFC 9293, 3.7.4).
    pub fn set_no_delay(&self, no_delay: bool) {
        self.with(|connection| connection.set_no_delay(no_delay));
        self.touch();
    }

    /// Sets how long the peer may owe an acknowledgement before the connection is given up. The
    /// default is [`TCP_TIMEOUT`](crate::net::TCP_TIMEOUT). RFC 9293, 3.8.3 requires at least 100
    /// seconds, unless the app chooses another time.
    pub fn set_timeout(&self, timeout: Duration) {
        let nanoseconds = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        self.with(|connection| connection.set_patience(nanoseconds));
        self.touch();
    }

    /// Waits until the peer has acknowledged everything that was written before the shutdown.
    pub(in crate::net) fn poll_closed(
        &self,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), TcpError>> {
        self.with(|connection| match connection.state() {
            State::FinWait1 | State::Closing | State::LastAck => {
                connection.writer().sleep(context.waker());
                Poll::Pending
            }
            State::Closed if connection.unacknowledged() > 0 => {
                Poll::Ready(Err(broken(connection)))
            }
            _ => Poll::Ready(Ok(())),
        })
    }
}
