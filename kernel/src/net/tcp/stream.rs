//! A connection, as a stream of bytes each way.

use core::fmt;
use core::future::poll_fn;
use core::net::SocketAddrV4;
use core::task::{Context, Poll};
use core::time::Duration;

use embedded_io_async::{Error, ErrorKind};

use crate::net::connections::{
    Connection, ConnectionId, Progress, State, TCP_CONNECT_TIMEOUT, queue_size,
};
use crate::net::error::BindError;
use crate::net::stack::Stack;

/// A TCP connection.
///
/// Reading and writing may be cancelled: what was not returned was not read, and what was not
/// counted was not written. A dropped connection still sends what was written, then closes, unless the
/// peer is silent for [`TCP_CONNECT_TIMEOUT`] or the whole takes longer than
/// [`TCP_TIMEOUT`](crate::net::TCP_TIMEOUT). Use [`close`](Self::close) to know that it arrived,
/// [`abort`](Self::abort) to be rid of it.
pub struct TcpStream {
    pub(super) stack: &'static Stack,
    id: ConnectionId,
}

/// Why a connection is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpError {
    /// The peer ended it, it was silent for too long, or this machine lost its address.
    Reset,
    /// This side was shut down before.
    ShutDown,
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// Nobody listens there.
    Refused(SocketAddrV4),
    /// Nobody answered in time.
    TimedOut(SocketAddrV4),
    /// There is no such peer, or this machine has no address yet.
    Unaddressable(SocketAddrV4),
    /// There is no socket for it.
    Socket(BindError),
}

impl TcpStream {
    pub(super) fn new(stack: &'static Stack, id: ConnectionId) -> Self {
        Self { stack, id }
    }

    pub(in crate::net) async fn connect(
        stack: &'static Stack,
        remote: SocketAddrV4,
        queue: usize,
    ) -> Result<Self, ConnectError> {
        let port = stack.claim_tcp_port(0)?;
        let stream = Self::new(stack, begin(stack, port, remote, queue)?);
        let started = stack.time();
        poll_fn(|context| {
            stream.with(|connection| match connection.state() {
                State::SynSent | State::SynReceived => {
                    connection.reader().sleep(context.waker());
                    Poll::Pending
                }
                State::Closed => {
                    let waited = Duration::from_nanos(stack.time().saturating_sub(started));
                    Poll::Ready(Err(if waited >= TCP_CONNECT_TIMEOUT {
                        ConnectError::TimedOut(remote)
                    } else {
                        ConnectError::Refused(remote)
                    }))
                }
                _ => Poll::Ready(Ok(())),
            })
        })
        .await?;
        Ok(stream)
    }

    /// The peer; none once the connection is over.
    pub fn peer(&self) -> Option<SocketAddrV4> {
        self.with(|connection| connection.peer())
    }

    /// Sends an empty segment after each `interval` of silence, which counts as a second where it is
    /// shorter, and gives the connection up after [`TCP_TIMEOUT`](crate::net::TCP_TIMEOUT) without an
    /// answer. None, as at the start, lets it be silent for ever.
    pub fn set_keep_alive(&self, interval: Option<Duration>) {
        let nanoseconds = |interval: Duration| u64::try_from(interval.as_nanos());
        let interval = interval.map(|interval| nanoseconds(interval).unwrap_or(u64::MAX));
        let now = self.stack.time();
        self.with(|connection| connection.set_keep_alive(interval, now));
        self.touch();
    }

    /// Reads without a copy: waits until something arrived, shows it to `take`, and counts as read as
    /// many bytes as that returns. It is shown as much as lies in one piece, and nothing at all once
    /// the peer writes no more. Returns what else `take` returns.
    ///
    /// # Errors
    ///
    /// The connection broke.
    ///
    /// # Panics
    ///
    /// `take` uses the network: what it is shown is the network's own memory.
    pub async fn read_with<R>(
        &mut self,
        take: impl FnOnce(&[u8]) -> (usize, R),
    ) -> Result<R, TcpError> {
        let mut take = Some(take);
        poll_fn(|context| {
            let connections = &mut self.stack.inner().connections;
            let connection = connections.get(self.id);
            let bytes = match connection.first() {
                Ok(bytes) => bytes,
                Err(Progress::Ended) => &[],
                Err(Progress::Broken) => return Poll::Ready(Err(TcpError::Reset)),
                Err(_) => {
                    connection.reader().sleep(context.waker());
                    return Poll::Pending;
                }
            };
            let Some(take) = take.take() else {
                return Poll::Pending;
            };
            let (count, result) = take(bytes);
            let count = count.min(bytes.len());
            connection.skip(count);
            if connection.has_much_more_room() {
                connections.touch(self.id);
            }
            Poll::Ready(Ok(result))
        })
        .await
    }

    /// Says that nothing more will be written. What the peer still writes can be read.
    pub fn shut_down(&self) {
        self.with(Connection::shut_down);
        self.touch();
    }

    /// Shuts down, and waits until the peer has acknowledged all that was written.
    ///
    /// # Errors
    ///
    /// The connection broke, and what was written may not have arrived.
    pub async fn close(self) -> Result<(), TcpError> {
        self.shut_down();
        poll_fn(|context| self.poll_closed(context)).await
    }

    /// Ends the connection at once. What is queued is lost, and the peer's reads fail.
    pub fn abort(self) {
        self.break_off();
    }

    pub(in crate::net) fn break_off(&self) {
        self.with(Connection::abort);
        self.touch();
    }

    #[inline]
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut Connection) -> R) -> R {
        act(self.stack.inner().connections.get(self.id))
    }

    /// Has the stack look at the connection in this turn.
    #[inline]
    pub(super) fn touch(&self) {
        self.stack.inner().connections.touch(self.id);
    }

    #[inline]
    pub(super) fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, TcpError>> {
        let connections = &mut self.stack.inner().connections;
        let connection = connections.get(self.id);
        match connection.read(buffer) {
            Progress::Bytes(count) => {
                if connection.has_much_more_room() {
                    connections.touch(self.id);
                }
                Poll::Ready(Ok(count))
            }
            Progress::Wait => {
                connection.reader().sleep(context.waker());
                Poll::Pending
            }
            Progress::Ended => Poll::Ready(Ok(0)),
            Progress::Broken => Poll::Ready(Err(TcpError::Reset)),
        }
    }

    #[inline]
    pub(super) fn poll_write(
        &self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, TcpError>> {
        let connections = &mut self.stack.inner().connections;
        let connection = connections.get(self.id);
        match connection.write(bytes) {
            Progress::Bytes(count) => {
                connections.touch(self.id);
                Poll::Ready(Ok(count))
            }
            Progress::Wait => {
                connection.writer().sleep(context.waker());
                Poll::Pending
            }
            Progress::Ended => Poll::Ready(Err(TcpError::ShutDown)),
            Progress::Broken => Poll::Ready(Err(TcpError::Reset)),
        }
    }

    pub(super) fn poll_flush(&self, context: &mut Context<'_>) -> Poll<Result<(), TcpError>> {
        self.with(|connection| {
            if connection.unacknowledged() == 0 {
                Poll::Ready(Ok(()))
            } else if connection.state() == State::Closed {
                Poll::Ready(Err(TcpError::Reset))
            } else {
                connection.writer().sleep(context.waker());
                Poll::Pending
            }
        })
    }
}

/// Begins a connection from `port`.
fn begin(
    stack: &'static Stack,
    port: u16,
    remote: SocketAddrV4,
    queue: usize,
) -> Result<ConnectionId, ConnectError> {
    let connections = &mut stack.inner().connections;
    if !connections.has_room() {
        return Err(BindError::TooManySockets.into());
    }
    let id = connections
        .connect(port, remote, queue_size(queue))
        .map_err(BindError::from)?;
    id.ok_or(ConnectError::Unaddressable(remote))
}

impl Drop for TcpStream {
    fn drop(&mut self) {
        let connections = &mut self.stack.inner().connections;
        connections.leave(self.id, self.stack.time());
    }
}

impl Error for TcpError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Reset => ErrorKind::ConnectionReset,
            Self::ShutDown => ErrorKind::BrokenPipe,
        }
    }
}

impl fmt::Display for TcpError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reset => "the connection was reset, timed out, or lost its address",
            Self::ShutDown => "this side of the connection was shut down; nothing more is sent",
        })
    }
}

impl core::error::Error for TcpError {}

impl From<BindError> for ConnectError {
    fn from(error: BindError) -> Self {
        Self::Socket(error)
    }
}

impl fmt::Display for ConnectError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(remote) => write!(f, "{remote} refused the connection"),
            Self::TimedOut(remote) => {
                write!(f, "{remote} did not answer within {TCP_CONNECT_TIMEOUT:?}")
            }
            Self::Unaddressable(remote) => write!(
                f,
                "no connection to {remote} is possible: it is no peer, or there is no address yet"
            ),
            Self::Socket(error) => write!(f, "connect: {error}"),
        }
    }
}

impl core::error::Error for ConnectError {}
