//! Which network leads to an address.

use core::cmp::Reverse;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};

use super::{Network, Networks};
use crate::net::address::is_unicast;
use crate::net::configuration::Configuration;
use crate::net::{Net, SendError};

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

    /// Returns the network that leads to an address: the one whose [number](Network::number) is the scope
    /// of a link-local address of IPv6 (RFC 4007), and otherwise that of [`route`](Self::route).
    pub(in crate::net) fn route_to(&self, to: SocketAddr) -> Option<Network> {
        match to {
            SocketAddr::V6(v6) if v6.scope_id() != 0 && is_of_link(*v6.ip()) => {
                let mut all = self.iter();
                all.find(|network| network.number() == v6.scope_id())
            }
            _ => self.route(to.ip()),
        }
    }

    /// Returns the address with the network as its scope, if it has one.
    #[cfg(any(feature = "edge-nal", feature = "sntpc"))]
    pub(in crate::net) fn scoped(&self, of: SocketAddr, network: Option<Network>) -> SocketAddr {
        match (of, network) {
            (SocketAddr::V6(mut of), Some(network)) if is_of_link(*of.ip()) => {
                of.set_scope_id(network.number());
                of.into()
            }
            _ => of,
        }
    }

    /// Returns why nothing can be sent to an address to which no network leads.
    #[cfg(feature = "edge-nal")]
    pub(in crate::net) fn no_route_to(&self, to: SocketAddr) -> crate::net::NetError {
        match to.ip().to_canonical() {
            IpAddr::V4(ip) => self.no_ipv4_route(SocketAddrV4::new(ip, to.port())).into(),
            #[cfg(feature = "ipv6")]
            IpAddr::V6(ip) => SendError::from(self.no_ipv6_route(ip)).into(),
            #[cfg(not(feature = "ipv6"))]
            ip @ IpAddr::V6(_) => crate::net::NetError::NotIpv4(ip),
        }
    }

    /// Returns why nothing can be sent to an IPv4 address to which no network leads.
    pub(super) fn no_ipv4_route(&self, to: SocketAddrV4) -> SendError {
        if !self.has_address() {
            SendError::NoAddress
        } else if is_unicast(to.ip().to_bits()) {
            SendError::NoRoute(to)
        } else {
            SendError::Unaddressable(to)
        }
    }

    /// Whether any network has an IPv4 address.
    pub(super) fn has_address(&self) -> bool {
        let mut all = self.iter();
        all.any(|network| network.net.configuration().is_some())
    }
}

/// Whether the address is unique on one link only, so that it needs a scope.
fn is_of_link(address: Ipv6Addr) -> bool {
    // The scopes of groups of an interface and of a link (RFC 4291, 2.7).
    let is_group = matches!(address.octets(), [0xff, flags, ..] if matches!(flags & 0xf, 1 | 2));
    address.is_unicast_link_local() || is_group
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
