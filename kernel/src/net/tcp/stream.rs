//! A connection as a stream of bytes in each direction.

use core::fmt;
use core::future::poll_fn;
use core::net::SocketAddrV4;
use core::task::{Context, Poll};
use core::time::Duration;

use embedded_io_async::{Error, ErrorKind};

use crate::net::connections::{
    Connection, ConnectionId, Connections, Ended, Progress, State, TCP_CONNECT_TIMEOUT, queue_size,
};
use crate::net::error::BindError;
use crate::net::stack::Stack;

/// A TCP connection.
///
/// Reads and writes can be cancelled: bytes that were not returned have not been read, and bytes
/// that were not counted have not been written. A dropped connection still sends what was written,
/// then closes, unless the peer is silent for [`TCP_LINGER`](crate::net::TCP_LINGER)
/// ([`TCP_CONNECT_TIMEOUT`] once all data is acknowledged) or closing takes longer than
/// [`TCP_TIMEOUT`](crate::net::TCP_TIMEOUT). [`close`](Self::close) waits until the data has
/// arrived; [`abort`](Self::abort) ends the connection at once.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// use core::net::{Ipv4Addr, SocketAddrV4};
/// use embedded_io_async::{Read, Write};
///
/// let server = SocketAddrV4::new(Ipv4Addr::new(10, 0, 2, 2), 7);
/// let mut stream = kernel.net()?.tcp_connect(server).await?;
/// stream.write_all(b"hello").await?;
/// let mut answer = [0; 5];
/// stream.read_exact(&mut answer).await?;
/// stream.close().await?;
/// # Ok(())
/// # }
/// ```
pub struct TcpStream {
    pub(in crate::net) stack: &'static Stack,
    id: ConnectionId,
}

/// The reason why a connection can no longer be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpError {
    /// The peer reset the connection.
    Reset,
    /// The peer owed an answer and was silent for too long; see
    /// [`TCP_TIMEOUT`](crate::net::TCP_TIMEOUT) and [`TcpStream::set_keep_alive`].
    TimedOut,
    /// This machine lost the address that the connection uses.
    AddressLost,
    /// This side was shut down earlier.
    ShutDown,
}

/// The reason why a connection was not established.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// The machine rejected the connection: no program listens on the port.
    Refused(SocketAddrV4),
    /// No machine answered in time.
    TimedOut(SocketAddrV4),
    /// The address is not that of another machine: it is this machine's own, in 127/8, multicast,
    /// broadcast or reserved; or the port is 0.
    Unaddressable(SocketAddrV4),
    /// This machine has no address, or lost it while connecting.
    NoAddress,
    /// The address is outside this machine's network, and there is no gateway.
    NoRoute(SocketAddrV4),
    /// No socket could be opened.
    Socket(BindError),
    /// Nothing can be sent to the IPv6 address.
    #[cfg(feature = "ipv6")]
    Ipv6(crate::net::Ipv6Error),
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
        poll_fn(|context| {
            stream.with(|connection| match connection.state() {
                State::SynSent | State::SynReceived => {
                    connection.reader().sleep(context.waker());
                    Poll::Pending
                }
                State::Closed => Poll::Ready(Err(match connection.ended() {
                    Ended::Reset => ConnectError::Refused(remote),
                    Ended::TimedOut => ConnectError::TimedOut(remote),
                    Ended::AddressLost => ConnectError::NoAddress,
                })),
                _ => Poll::Ready(Ok(())),
            })
        })
        .await?;
        Ok(stream)
    }

    /// Returns the peer's address and port; `None` once the connection is over.
    pub fn peer(&self) -> Option<SocketAddrV4> {
        self.with(|connection| connection.peer())
    }

    /// Probes the peer after each `interval` of silence, at least a second, and gives the
    /// connection up after four more intervals without an answer ([`TcpError::TimedOut`]). The
    /// default is [`TCP_KEEP_ALIVE`](crate::net::TCP_KEEP_ALIVE). `None` allows unlimited silence.
    pub fn set_keep_alive(&self, interval: Option<Duration>) {
        let nanoseconds = |interval: Duration| u64::try_from(interval.as_nanos());
        let interval = interval.map(|interval| nanoseconds(interval).unwrap_or(u64::MAX));
        let now = self.stack.time();
        self.with(|connection| connection.set_keep_alive(interval, now));
        self.touch();
    }

    /// Reads without a copy: waits for data, passes it to `take`, and consumes the number of bytes
    /// that `take` returns. The data may be only the start of what has arrived; it is empty if the
    /// peer has shut down. Returns the other value that `take` returns.
    ///
    /// # Errors
    ///
    /// If the connection broke.
    ///
    /// # Panics
    ///
    /// If `take` uses the network: the data is in the network's own memory.
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
                Err(Progress::Broken) => return Poll::Ready(Err(broken(connection))),
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

    /// Shuts down the writing side. Data that the peer still sends can be read.
    pub fn shut_down(&self) {
        self.with(Connection::shut_down);
        self.touch();
    }

    /// Shuts down, and waits until the peer has acknowledged everything that was written.
    ///
    /// # Errors
    ///
    /// If the connection broke; the last written data may not have arrived.
    pub async fn close(self) -> Result<(), TcpError> {
        self.shut_down();
        poll_fn(|context| self.poll_closed(context)).await
    }

    /// Ends the connection at once. Queued data is lost, and the peer's reads fail.
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

    /// Makes the stack check the connection for segments to send in this turn.
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
            Progress::Broken => Poll::Ready(Err(broken(connection))),
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
            Progress::Broken => Poll::Ready(Err(broken(connection))),
        }
    }

    pub(super) fn poll_flush(&self, context: &mut Context<'_>) -> Poll<Result<(), TcpError>> {
        self.with(|connection| {
            if connection.unacknowledged() == 0 {
                Poll::Ready(Ok(()))
            } else if connection.state() == State::Closed {
                Poll::Ready(Err(broken(connection)))
            } else {
                connection.writer().sleep(context.waker());
                Poll::Pending
            }
        })
    }
}

/// Returns why a connection broke.
#[cold]
pub(super) fn broken(connection: &Connection) -> TcpError {
    match connection.ended() {
        Ended::Reset => TcpError::Reset,
        Ended::TimedOut => TcpError::TimedOut,
        Ended::AddressLost => TcpError::AddressLost,
    }
}

/// Starts a connection from the local port `port`.
fn begin(
    stack: &'static Stack,
    port: u16,
    remote: SocketAddrV4,
    queue: usize,
) -> Result<ConnectionId, ConnectError> {
    let connections = &mut stack.inner().connections;
    #[cfg(feature = "ipv6")]
    if crate::net::ipv6::is_stand_in(*remote.ip()) {
        let unknown = ConnectError::Unaddressable(remote);
        stack.check_ipv6(*remote.ip()).ok_or(unknown)??;
        if remote.port() == 0 {
            return Err(unknown);
        }
        return start(stack, connections, port, remote, queue);
    }
    if stack.configuration.borrow().is_none() {
        return Err(ConnectError::NoAddress);
    }
    if !connections.is_peer(remote) {
        return Err(ConnectError::Unaddressable(remote));
    }
    if connections.next_on_the_way(*remote.ip()).is_none() {
        return Err(ConnectError::NoRoute(remote));
    }
    start(stack, connections, port, remote, queue)
}

/// Starts a connection to an address to which there is a route.
fn start(
    stack: &'static Stack,
    connections: &mut Connections,
    port: u16,
    remote: SocketAddrV4,
    queue: usize,
) -> Result<ConnectionId, ConnectError> {
    if !connections.has_room(stack.time()) {
        return Err(BindError::TooManySockets.into());
    }
    let id = connections.connect(port, remote, queue_size(queue));
    Ok(id.map_err(BindError::from)?)
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
            Self::TimedOut => ErrorKind::TimedOut,
            Self::AddressLost => ErrorKind::AddrNotAvailable,
            Self::ShutDown => ErrorKind::BrokenPipe,
        }
    }
}

impl fmt::Display for TcpError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reset => "the peer reset the connection",
            Self::TimedOut => "the connection timed out: the peer does not respond",
            Self::AddressLost => "the connection broke: this machine lost its address",
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
            Self::Unaddressable(remote) => {
                write!(f, "{remote} is not an address of another machine")
            }
            Self::NoAddress => f.write_str("this machine has no address to connect from"),
            Self::NoRoute(remote) => write!(
                f,
                "no route to {remote}: it is outside this network, and there is no gateway"
            ),
            Self::Socket(error) => write!(f, "connect: {error}"),
            #[cfg(feature = "ipv6")]
            Self::Ipv6(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ConnectError {}
