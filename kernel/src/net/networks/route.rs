//! Which network leads to an address.

use core::cmp::Reverse;
use core::net::{IpAddr, Ipv4Addr};

use super::{Network, Networks};
use crate::net::Net;
use crate::net::address::is_unicast;
use crate::net::configuration::Configuration;

impl Networks {
    /// Returns the network that leads to an address, as connections and datagrams of this handle
    /// choose it. `None` if none does.
    ///
    /// Networks with a link come before those without. Among them, the longest matching prefix
    /// decides: that of the network's own addresses, of a route, or 0 for its gateway. Then the
    /// smallest [metric](Network::metric), then the order of [`iter`](Self::iter). A multicast or
    /// broadcast address is on every network, and a link-local IPv6 address on every network with
    /// IPv6, so the metric decides; use [`Network::net`] to choose another.
    #[must_use]
    pub fn route(&self, to: IpAddr) -> Option<Network> {
        let ranked = self.iter().filter_map(|network| {
            let prefix = prefix(network.net, to.to_canonical())?;
            let is_up = network.net.link_is_up();
            Some(((is_up, prefix, Reverse(network.metric)), network))
        });
        let best = ranked.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, network)| network)
    }

    /// Whether any network has an IPv4 address.
    pub(super) fn has_address(&self) -> bool {
        let mut all = self.iter();
        all.any(|network| network.net.configuration().is_some())
    }
}

/// Returns the length of the prefix by which a network leads to an address.
fn prefix(net: Net, to: IpAddr) -> Option<u8> {
    match to {
        IpAddr::V4(to) => ipv4_prefix(&net.configuration()?, to),
        #[cfg(feature = "ipv6")]
        IpAddr::V6(to) => net.ipv6_prefix_to(to),
        #[cfg(not(feature = "ipv6"))]
        IpAddr::V6(_) => None,
    }
}

fn ipv4_prefix(known: &Configuration, to: Ipv4Addr) -> Option<u8> {
    if to.is_multicast() || to.is_broadcast() {
        return Some(0);
    }
    if !is_unicast(to.to_bits()) {
        return None;
    }
    let own = Some(known.address).filter(|own| own.contains_addr(&to));
    let routes = known.routes().map(|route| route.to);
    let routes = routes.filter(|network| network.contains_addr(&to));
    let prefixes = own
        .into_iter()
        .chain(routes)
        .map(|network| network.prefix_len());
    prefixes.chain(known.gateway.map(|_| 0)).max()
}
