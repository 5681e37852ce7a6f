//! The counts of each network.

use super::Network;
use crate::net::{Statistics, TcpStatistics};

/// The counts of one network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NetworkStatistics {
    /// The network's name.
    pub name: &'static str,
    /// The counts of its stack.
    pub net: Statistics,
    /// The counts of its TCP.
    pub tcp: TcpStatistics,
    /// The counts of its IPv6.
    #[cfg(feature = "ipv6")]
    pub ipv6: crate::net::Ipv6Statistics,
}

impl Network {
    /// Returns the counts of the network so far.
    #[must_use]
    pub fn statistics(&self) -> NetworkStatistics {
        NetworkStatistics {
            name: self.name,
            net: self.net.statistics(),
            tcp: self.net.tcp_statistics(),
            #[cfg(feature = "ipv6")]
            ipv6: self.net.ipv6_statistics(),
        }
    }
}
