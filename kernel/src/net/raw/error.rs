//! Errors of raw sockets.

use core::fmt;
use core::net::IpAddr;

/// The reason why a raw socket was not opened, or a packet not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawError {
    /// The kernel handles this protocol alone: TCP, UDP or ICMPv6.
    OfKernel(u8),
    /// Another raw socket has this protocol.
    ProtocolTaken(u8),
    /// There is no memory for the socket or the packet.
    OutOfMemory,
    /// This machine has no address yet.
    NoAddress,
    /// No packet can be sent to the address.
    Unaddressable(IpAddr),
    /// There is no route: the address is not on this machine's network, and there is no gateway.
    NoRoute(IpAddr),
    /// The payload does not fit in one packet.
    TooLong {
        /// The length of the payload, in bytes.
        length: usize,
        /// The longest payload, in bytes.
        maximum: usize,
    },
    /// Too many packets are waiting to be sent.
    QueueFull,
    /// Nothing can be sent to the IPv6 address.
    #[cfg(feature = "ipv6")]
    Ipv6(crate::net::Ipv6Error),
}

impl fmt::Display for RawError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfKernel(protocol) => write!(
                f,
                "the kernel handles protocol {protocol} alone; use its own sockets"
            ),
            Self::ProtocolTaken(protocol) => write!(
                f,
                "protocol {protocol} is in use by another raw socket; drop that socket first"
            ),
            Self::OutOfMemory => f.write_str("no memory for a raw socket or its packet"),
            Self::NoAddress => {
                f.write_str("this machine has no address yet; wait for `Net::configured` first")
            }
            Self::Unaddressable(to) => write!(f, "no packet can be sent to {to}"),
            Self::NoRoute(to) => write!(f, "no route to {to}; configure a gateway"),
            Self::TooLong { length, maximum } => write!(
                f,
                "a payload of {length} bytes does not fit in one packet, which holds {maximum}"
            ),
            Self::QueueFull => f.write_str("too many packets are waiting to be sent; try later"),
            #[cfg(feature = "ipv6")]
            Self::Ipv6(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for RawError {}

#[cfg(feature = "ipv6")]
impl From<crate::net::Ipv6Error> for RawError {
    fn from(error: crate::net::Ipv6Error) -> Self {
        Self::Ipv6(error)
    }
}
