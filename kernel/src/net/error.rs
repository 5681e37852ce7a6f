//! Errors in opening a socket. Errors in using one are defined next to the socket.

use core::fmt;

use super::buffer::OutOfMemory;

/// The largest number of UDP sockets and pings together, and of TCP connections.
pub const SOCKETS: usize = 64;

/// The reason why a socket was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindError {
    /// Another socket uses the port.
    PortTaken(u16),
    /// All ports from 49152 on are in use.
    NoFreePort,
    /// The largest number of sockets is in use.
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
                    "port {port} is in use by another socket; drop that socket first"
                )
            }
            Self::NoFreePort => f.write_str("no port from 49152 on is free; choose a lower one"),
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
