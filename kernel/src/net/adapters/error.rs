//! The common error type of the implemented network traits.

use core::fmt;
use core::net::IpAddr;

use embedded_io_async::{Error, ErrorKind};

#[cfg(feature = "ipv6")]
use crate::net::Ipv6Error;
use crate::net::{BindError, ConnectError, ReceiveError, ResolveError, SendError, TcpError};

/// An error of a socket or a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetError {
    /// No socket was opened.
    Bind(BindError),
    /// No connection was established.
    Connect(ConnectError),
    /// The connection can no longer be used.
    Tcp(TcpError),
    /// A datagram could not be received.
    Receive(ReceiveError),
    /// A datagram could not be sent.
    Send(SendError),
    /// A name was not resolved.
    Resolve(ResolveError),
    /// The address is not an IPv4 address, and the feature `ipv6` is off.
    NotIpv4(IpAddr),
    /// The address to listen on is not this machine's.
    NotOwn(IpAddr),
    /// The operation with this name is not supported.
    Unsupported(&'static str),
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
            #[cfg(feature = "ipv6")]
            Self::Connect(ConnectError::Ipv6(
                Ipv6Error::NoAddress | Ipv6Error::Unaddressable(_),
            )) => ErrorKind::AddrNotAvailable,
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
                    "{address} is not an IPv4 address; others need the feature `ipv6`"
                )
            }
            Self::NotOwn(address) => write!(
                f,
                "{address} is not this machine's address; listen on 0.0.0.0 for any"
            ),
            Self::Unsupported(what) => write!(f, "{what} is not supported"),
        }
    }
}

impl core::error::Error for NetError {}
