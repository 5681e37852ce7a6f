//! What can be asked and set of a connection without reading or writing.

use core::future::poll_fn;
use core::net::SocketAddrV4;
use core::task::{Context, Poll};
use core::time::Duration;

use super::stream::{TcpError, TcpStream, broken};
use crate::net::connections::{Progress, State};

impl TcpStream {
    /// Waits until reading would not wait: something arrived, or the peer writes no more.
    ///
    /// # Errors
    ///
    /// The connection broke.
    pub async fn readable(&self) -> Result<(), TcpError> {
        poll_fn(|context| self.poll_first(context, |_| ())).await
    }

    /// Copies the first of what arrived to `buffer` and leaves it to be read; waits until there is
    /// something. Returns how many bytes, at most as many as lie in one piece: 0 where the peer writes
    /// no more, or the buffer is empty.
    ///
    /// # Errors
    ///
    /// The connection broke.
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

    /// Shows the first of what arrived to `look`, and nothing where the peer writes no more.
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

    /// Whether reading would not wait.
    ///
    /// # Errors
    ///
    /// The connection broke.
    pub fn is_readable(&self) -> Result<bool, TcpError> {
        self.with(|connection| match connection.first() {
            Ok(_) | Err(Progress::Ended) => Ok(true),
            Err(Progress::Broken) => Err(broken(connection)),
            Err(_) => Ok(false),
        })
    }

    /// Whether writing would not wait.
    ///
    /// # Errors
    ///
    /// The connection broke, or this side was shut down.
    pub fn is_writable(&self) -> Result<bool, TcpError> {
        self.with(|connection| match connection.write(&[]) {
            Progress::Ended => Err(TcpError::ShutDown),
            Progress::Broken => Err(broken(connection)),
            _ => Ok(connection.room() > 0),
        })
    }

    /// This end of the connection; none once the connection is over.
    pub fn local(&self) -> Option<SocketAddrV4> {
        let configuration = *self.stack.configuration.borrow();
        let address = configuration?.address.address();
        self.with(|connection| connection.peer().map(|_| connection.local_port()))
            .map(|port| SocketAddrV4::new(address, port))
    }

    /// Whether less than a whole segment is sent at once though the peer still owes an acknowledgement.
    /// It is not at first: it waits for that acknowledgement, so that many small writes go in few
    /// segments (RFC 9293, 3.7.4).
    pub fn set_no_delay(&self, no_delay: bool) {
        self.with(|connection| connection.set_no_delay(no_delay));
        self.touch();
    }

    /// How long the peer may owe an acknowledgement before the connection is given up:
    /// [`TCP_TIMEOUT`](crate::net::TCP_TIMEOUT) if nothing else is said. RFC 9293, 3.8.3 wants at least
    /// 100 seconds where it is not known better.
    pub fn set_timeout(&self, timeout: Duration) {
        let nanoseconds = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        self.with(|connection| connection.set_patience(nanoseconds));
        self.touch();
    }

    /// Waits until the peer has acknowledged all that was written before this side was shut down.
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
