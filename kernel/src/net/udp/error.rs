//! Errors of UDP sockets.

use core::fmt;
use core::net::SocketAddrV4;

/// The reason why a datagram was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiveError {
    /// There is no memory for the datagram. It is lost; the next one can be received.
    OutOfMemory,
    /// The datagram is longer than the buffer. It is lost; the next one can be received.
    Truncated {
        /// The size of the buffer in bytes.
        buffer: usize,
    },
}

/// The reason why a datagram was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The socket's send queue is full.
    QueueFull {
        /// The socket's port.
        port: u16,
    },
    /// The payload is longer than any that can be sent.
    TooLong {
        /// The length of the payload in bytes.
        length: usize,
        /// The largest possible length in bytes.
        maximum: usize,
    },
    /// The destination has no port, or no other machine can have its address.
    Unaddressable(SocketAddrV4),
    /// There is no route to the destination: it is not on this machine's network, and there is no
    /// gateway.
    NoRoute(SocketAddrV4),
    /// This machine has no address.
    NoAddress,
    /// There is no memory for the datagram.
    OutOfMemory,
    /// Nothing can be sent to the IPv6 address.
    #[cfg(feature = "ipv6")]
    Ipv6(crate::net::Ipv6Error),
}

impl fmt::Display for ReceiveError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory => f.write_str("no memory for a received datagram"),
            Self::Truncated { buffer } => {
                write!(
                    f,
                    "a received datagram is longer than the buffer of {buffer} bytes"
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
                    "the send queue of UDP port {port} is full; `send_to` waits for room"
                )
            }
            Self::TooLong { length, maximum } => {
                write!(
                    f,
                    "a datagram of {length} bytes is too long; the maximum is {maximum}"
                )
            }
            Self::Unaddressable(to) => write!(f, "no datagram can be sent to {to}"),
            Self::NoRoute(to) => write!(f, "no route to {to}; configure a gateway"),
            Self::NoAddress => {
                f.write_str("this machine has no address yet; wait for `Net::configured` first")
            }
            Self::OutOfMemory => f.write_str("no memory for a datagram to send"),
            #[cfg(feature = "ipv6")]
            Self::Ipv6(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for SendError {}
