//! The one error that these traits have for everything.

use core::fmt;
use core::net::{IpAddr, SocketAddr, SocketAddrV4};

use embedded_io_async::{Error, ErrorKind};

use crate::net::{BindError, ConnectError, ReceiveError, ResolveError, SendError, TcpError};

/// What can go wrong with a socket, from its making to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetError {
    /// There is no such socket.
    Bind(BindError),
    /// There is no connection.
    Connect(ConnectError),
    /// The connection is of no more use.
    Tcp(TcpError),
    /// A datagram could not be received.
    Receive(ReceiveError),
    /// A datagram could not be sent.
    Send(SendError),
    /// A name has no address.
    Resolve(ResolveError),
    /// The address is not one of IPv4.
    NotIpv4(IpAddr),
    /// The address to listen at is not one of this machine.
    NotOwn(IpAddr),
    /// What was asked for cannot be done.
    Unsupported(&'static str),
}

/// The address as one of IPv4.
pub(super) fn ipv4(address: SocketAddr) -> Result<SocketAddrV4, NetError> {
    match address {
        SocketAddr::V4(address) => Ok(address),
        SocketAddr::V6(address) => Err(NetError::NotIpv4(IpAddr::V6(*address.ip()))),
    }
}

macro_rules! from {
    ($($name:ident($error:ty)),*) => {$(
        impl From<$error> for NetError {
            fn from(error: $error) -> Self {
                Self::$name(error)
            }
        }
    )*};
}

from!(
    Bind(BindError),
    Connect(ConnectError),
    Tcp(TcpError),
    Receive(ReceiveError),
    Send(SendError),
    Resolve(ResolveError)
);

impl Error for NetError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Tcp(error) => error.kind(),
            Self::Connect(ConnectError::Refused(_)) => ErrorKind::ConnectionRefused,
            Self::Connect(ConnectError::TimedOut(_)) | Self::Resolve(ResolveError::NoAnswer) => {
                ErrorKind::TimedOut
            }
            Self::Connect(ConnectError::Unaddressable(_))
            | Self::Send(SendError::NoAddress | SendError::Unaddressable(_))
            | Self::NotOwn(_) => ErrorKind::AddrNotAvailable,
            Self::Bind(BindError::PortTaken(_) | BindError::NoFreePort) => ErrorKind::AddrInUse,
            Self::Bind(BindError::OutOfMemory) => ErrorKind::OutOfMemory,
            Self::NotIpv4(_) | Self::Unsupported(_) => ErrorKind::Unsupported,
            Self::Resolve(_) => ErrorKind::NotFound,
            _ => ErrorKind::Other,
        }
    }
}

impl fmt::Display for NetError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind(error) => error.fmt(f),
            Self::Connect(error) => error.fmt(f),
            Self::Tcp(error) => error.fmt(f),
            Self::Receive(error) => error.fmt(f),
            Self::Send(error) => error.fmt(f),
            Self::Resolve(error) => error.fmt(f),
            Self::NotIpv4(address) => {
                write!(
                    f,
                    "{address} is no address of IPv4, which is all there is here"
                )
            }
            Self::NotOwn(address) => write!(
                f,
                "{address} is not this machine's address; listen at 0.0.0.0 for any"
            ),
            Self::Unsupported(what) => write!(f, "{what} is not supported"),
        }
    }
}

impl core::error::Error for NetError {}
