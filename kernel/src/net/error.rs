//! What can go wrong when a socket is made. Errors of its use stand beside the socket.

use core::fmt;

use super::buffer::OutOfMemory;

/// The most sockets of UDP and pings at a time, and the most connections of TCP.
pub const SOCKETS: usize = 64;

/// Why there is no socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindError {
    /// Another socket has the port.
    PortTaken(u16),
    /// Every port from 49152 on is taken.
    NoFreePort,
    /// There are as many sockets as there may be.
    TooManySockets,
    /// There is no memory for the socket's queues.
    OutOfMemory,
}

impl fmt::Display for BindError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortTaken(port) => {
                write!(
                    f,
                    "port {port} is taken by another socket; drop that one first"
                )
            }
            Self::NoFreePort => f.write_str("no port from 49152 on is free; name one below"),
            Self::TooManySockets => {
                write!(f, "there are {SOCKETS} sockets already; drop one first")
            }
            Self::OutOfMemory => f.write_str("no memory for the queues of another socket"),
        }
    }
}

impl core::error::Error for BindError {}

impl From<OutOfMemory> for BindError {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}
