//! Multicast groups on all networks.

use core::net::Ipv4Addr;

use super::Networks;
use crate::net::NotAGroup;

impl Networks {
    /// Joins a multicast group on all networks; see [`Net::join`](crate::net::Net::join). Its datagrams
    /// arrive at the sockets of their port, such as [`udp`](Self::udp).
    ///
    /// A datagram to a group leaves by one network: see [`route`](Self::route). To send it by another,
    /// use a socket of [`Network::net`](super::Network::net).
    ///
    /// # Errors
    ///
    /// If `group` is no multicast group.
    pub fn join(&self, group: Ipv4Addr) -> Result<(), NotAGroup> {
        self.iter()
            .try_for_each(|network| network.net().join(group))
    }

    /// Leaves a multicast group on all networks. Does nothing where it was not joined.
    pub fn leave(&self, group: Ipv4Addr) {
        self.iter().for_each(|network| network.net().leave(group));
    }

    /// Joins a multicast group of IPv6 on all networks; see [`join`](Self::join).
    ///
    /// # Errors
    ///
    /// If `group` is no multicast group.
    #[cfg(feature = "ipv6")]
    pub fn join_ipv6(&self, group: core::net::Ipv6Addr) -> Result<(), crate::net::Ipv6Error> {
        self.iter()
            .try_for_each(|network| network.net().join_ipv6(group))
    }

    /// Leaves a multicast group of IPv6 on all networks. Does nothing where it was not joined.
    #[cfg(feature = "ipv6")]
    pub fn leave_ipv6(&self, group: core::net::Ipv6Addr) {
        self.iter()
            .for_each(|network| network.net().leave_ipv6(group));
    }
}
