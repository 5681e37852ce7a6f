//! A connection, as a stream of bytes each way.

use core::fmt;
use core::future::poll_fn;
use core::net::SocketAddrV4;
use core::task::{Context, Poll};
use core::time::Duration;

use embedded_io_async::{Error, ErrorKind, ErrorType, Read, Write};
use smoltcp::socket::tcp::{self, State};

use super::{TCP_CONNECT_TIMEOUT, TCP_TIMEOUT};
use crate::net::endpoint::address;
use crate::net::error::BindError;
use crate::net::protocols::SocketId;
use crate::net::stack::Stack;

/// A TCP connection.
///
/// Reading and writing may be cancelled: what was not returned was not read, and what was not
/// counted was not written. A dropped connection still sends what was written, then closes; use
/// [`close`](Self::close) to know that it arrived, [`abort`](Self::abort) to be rid of it.
pub struct TcpStream {
    stack: &'static Stack,
    handle: SocketId,
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
    pub(super) fn new(stack: &'static Stack, handle: SocketId) -> Self {
        Self { stack, handle }
    }

    pub(in crate::net) async fn connect(
        stack: &'static Stack,
        remote: SocketAddrV4,
    ) -> Result<Self, ConnectError> {
        let socket = super::socket().map_err(BindError::from)?;
        let port = stack.claim_tcp_port(0)?;
        let stream = Self::new(stack, stack.inner.borrow_mut().protocols.add_tcp(socket)?);
        stack
            .inner
            .borrow_mut()
            .protocols
            .connect(stream.handle, port, remote)
            .map_err(|_| ConnectError::Unaddressable(remote))?;
        let started = stack.now.get();
        poll_fn(|context| {
            stream.with(|socket| match socket.state() {
                State::SynSent | State::SynReceived => {
                    socket.register_recv_waker(context.waker());
                    Poll::Pending
                }
                State::Closed => {
                    let waited = Duration::from_nanos(stack.now.get().saturating_sub(started));
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
        self.with(|socket| socket.remote_endpoint()).map(address)
    }

    /// Sends an empty segment after each `interval` of silence, and gives the connection up after
    /// [`TCP_TIMEOUT`] without an answer. None, as at the start, lets it be silent for ever.
    pub fn set_keep_alive(&mut self, interval: Option<Duration>) {
        self.with(|socket| {
            socket.set_keep_alive(interval.map(Into::into));
            socket.set_timeout(interval.map(|_| TCP_TIMEOUT.into()));
        });
        self.touch();
    }

    /// Says that nothing more will be written. What the peer still writes can be read.
    pub fn shut_down(&mut self) {
        self.with(|socket| {
            socket.close();
            socket.set_timeout(Some(TCP_TIMEOUT.into()));
        });
        self.touch();
    }

    /// Shuts down, and waits until the peer has acknowledged all that was written.
    ///
    /// # Errors
    ///
    /// The connection broke, and what was written may not have arrived.
    pub async fn close(mut self) -> Result<(), TcpError> {
        self.shut_down();
        poll_fn(|context| {
            self.with(|socket| match socket.state() {
                State::FinWait1 | State::Closing | State::LastAck => {
                    socket.register_send_waker(context.waker());
                    Poll::Pending
                }
                State::Closed if socket.send_queue() > 0 => Poll::Ready(Err(TcpError::Reset)),
                _ => Poll::Ready(Ok(())),
            })
        })
        .await
    }

    /// Ends the connection at once. What is queued is lost, and the peer's reads fail.
    pub fn abort(self) {
        self.with(tcp::Socket::abort);
        self.touch();
    }

    fn with<R>(&self, act: impl FnOnce(&mut tcp::Socket<'static>) -> R) -> R {
        act(self.stack.inner.borrow_mut().protocols.tcp(self.handle))
    }

    /// Has the stack look at the connection in this turn.
    fn touch(&self) {
        self.stack.inner.borrow_mut().protocols.touch(self.handle);
    }

    fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, TcpError>> {
        let result = self.with(|socket| match socket.recv_slice(buffer) {
            Ok(0) => {
                socket.register_recv_waker(context.waker());
                Poll::Pending
            }
            Ok(read) => Poll::Ready(Ok(read)),
            Err(tcp::RecvError::Finished) => Poll::Ready(Ok(0)),
            Err(tcp::RecvError::InvalidState) => Poll::Ready(Err(TcpError::Reset)),
        });
        if result.is_ready() {
            // The window grew.
            self.touch();
        }
        result
    }

    fn poll_write(&self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, TcpError>> {
        let result = self.with(|socket| match socket.send_slice(bytes) {
            Ok(0) => {
                socket.register_send_waker(context.waker());
                Poll::Pending
            }
            Ok(written) => {
                socket.set_timeout(Some(TCP_TIMEOUT.into()));
                Poll::Ready(Ok(written))
            }
            Err(tcp::SendError::InvalidState) => Poll::Ready(Err(broken(socket))),
        });
        if result.is_ready() {
            self.touch();
        }
        result
    }

    fn poll_flush(&self, context: &mut Context<'_>) -> Poll<Result<(), TcpError>> {
        self.with(|socket| {
            if socket.send_queue() == 0 {
                Poll::Ready(Ok(()))
            } else if socket.state() == State::Closed {
                Poll::Ready(Err(TcpError::Reset))
            } else {
                socket.register_send_waker(context.waker());
                Poll::Pending
            }
        })
    }
}

impl Drop for TcpStream {
    fn drop(&mut self) {
        let inner = &mut *self.stack.inner.borrow_mut();
        let socket = inner.protocols.tcp(self.handle);
        socket.close();
        // From here on nobody else would end it.
        socket.set_keep_alive(None);
        socket.set_timeout(Some(TCP_CONNECT_TIMEOUT.into()));
        inner.protocols.close(self.handle);
    }
}

impl ErrorType for TcpStream {
    type Error = TcpError;
}

impl Read for TcpStream {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TcpError> {
        if buffer.is_empty() {
            return Ok(0);
        }
        poll_fn(|context| self.poll_read(context, buffer)).await
    }
}

impl Write for TcpStream {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, TcpError> {
        if bytes.is_empty() {
            return Ok(0);
        }
        poll_fn(|context| self.poll_write(context, bytes)).await
    }

    /// Waits until the peer has acknowledged all that was written.
    async fn flush(&mut self) -> Result<(), TcpError> {
        poll_fn(|context| self.poll_flush(context)).await
    }
}

fn broken(socket: &tcp::Socket<'static>) -> TcpError {
    match socket.state() {
        State::Closed => TcpError::Reset,
        _ => TcpError::ShutDown,
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
