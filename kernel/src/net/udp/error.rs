//! What can go wrong with datagrams.

use core::fmt;
use core::net::SocketAddrV4;

/// Why nothing was received though something arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiveError {
    /// There is no memory for the datagram. It is lost; the next may be received.
    OutOfMemory,
    /// The datagram is longer than the buffer given for it. It is lost; the next may be received.
    Truncated {
        /// Bytes in the buffer.
        buffer: usize,
    },
}

/// Why a datagram was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The send queue of the socket on this port is full for now.
    QueueFull {
        /// The socket's own port.
        port: u16,
    },
    /// The payload is longer than can be sent, ever.
    TooLong {
        /// Bytes in the payload.
        length: usize,
        /// The most there may be.
        maximum: usize,
    },
    /// The destination has no port, or an address that no other machine can have.
    Unaddressable(SocketAddrV4),
    /// No route leads to the destination: it is not on this machine's network, and there is no gateway.
    NoRoute(SocketAddrV4),
    /// This machine has no address yet, or no longer.
    NoAddress,
    /// There is no memory for the datagram.
    OutOfMemory,
}

impl fmt::Display for ReceiveError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory => f.write_str("no memory for a received datagram"),
            Self::Truncated { buffer } => {
                write!(
                    f,
                    "a received datagram is longer than the buffer of {buffer} bytes for it"
                )
            }
        }
    }
}

impl core::error::Error for ReceiveError {}

impl fmt::Display for SendError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueueFull { port } => {
                write!(
                    f,
                    "the send queue of UDP port {port} is full; await send_to for room"
                )
            }
            Self::TooLong { length, maximum } => {
                write!(
                    f,
                    "a datagram of {length} bytes is too long; {maximum} is the most"
                )
            }
            Self::Unaddressable(to) => write!(f, "no datagram can be sent to {to}"),
            Self::NoRoute(to) => write!(f, "no route to {to}; configure a gateway"),
            Self::NoAddress => {
                f.write_str("no address to send a datagram from; await configured first")
            }
            Self::OutOfMemory => f.write_str("no memory for a datagram to send"),
        }
    }
}

impl core::error::Error for SendError {}
