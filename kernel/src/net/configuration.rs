//! What the network is reached by: the address, the routes and the name servers in force.

use core::fmt;
use core::net::Ipv4Addr;

use super::cidr::Ipv4Cidr;

/// The most name servers that are remembered.
pub(super) const NAME_SERVERS: usize = 3;
/// The most routes beside that to everything.
pub(super) const ROUTES: usize = 4;

/// A way to a network that is not the machine's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The network.
    pub to: Ipv4Cidr,
    /// The router to it; unspecified where its machines are on the link themselves.
    pub gateway: Ipv4Addr,
}

/// What the network is reached by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// This machine's address, and the length of its network's prefix.
    pub address: Ipv4Cidr,
    /// The router to everything that no other route leads to. It is on the link, also where its address
    /// is not on the machine's own network.
    pub gateway: Option<Ipv4Addr>,
    pub(super) routes: [Option<Route>; ROUTES],
    pub(super) dns: [Option<Ipv4Addr>; NAME_SERVERS],
}

impl Configuration {
    /// An address, and a router to everything outside its network.
    pub(super) const fn new(address: Ipv4Cidr, gateway: Option<Ipv4Addr>) -> Self {
        Self {
            address,
            gateway,
            routes: [None; ROUTES],
            dns: [None; NAME_SERVERS],
        }
    }

    /// The name servers, the preferred one first.
    pub fn dns(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.dns.iter().flatten().copied()
    }

    /// The routes beside the machine's own network and the gateway.
    pub fn routes(&self) -> impl Iterator<Item = Route> + '_ {
        self.routes.iter().flatten().copied()
    }

    /// Who frames for `peer` are handed to: the peer itself, or a router. None where there is no way.
    pub(super) fn next_hop(&self, peer: Ipv4Addr) -> Option<Ipv4Addr> {
        if self.address.contains_addr(&peer) {
            return Some(peer);
        }
        let leads_there = |route: &Route| route.to.contains_addr(&peer);
        let routes = self.routes().filter(leads_there);
        match routes.max_by_key(|route| route.to.prefix_len()) {
            Some(route) if route.gateway.is_unspecified() => Some(peer),
            Some(route) => Some(route.gateway),
            None => self.gateway,
        }
    }

    /// Whether `address` can be one of a machine on the link.
    pub(super) fn is_on_link(&self, address: Ipv4Addr) -> bool {
        self.next_hop(address) == Some(address)
            || self.gateway == Some(address)
            || self.routes().any(|route| route.gateway == address)
    }
}

impl fmt::Display for Configuration {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        if let Some(gateway) = self.gateway {
            write!(f, ", gateway {gateway}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_exact_route_is_taken() {
        let at = |last| Ipv4Addr::new(10, 0, 2, last);
        let mut known = Configuration::new(Ipv4Cidr::new(at(15), 24), Some(at(2)));
        let route = |address: [u8; 4], prefix, gateway| Route {
            to: Ipv4Cidr::new(address.into(), prefix),
            gateway,
        };
        known.routes[0] = Some(route([172, 16, 0, 0], 12, at(3)));
        known.routes[2] = Some(route([172, 16, 7, 0], 24, at(4)));
        known.routes[3] = Some(route([169, 254, 0, 0], 16, Ipv4Addr::UNSPECIFIED));
        for (to, hop) in [
            ([10, 0, 2, 99], at(99)),
            ([8, 8, 8, 8], at(2)),
            ([172, 16, 1, 1], at(3)),
            ([172, 16, 7, 1], at(4)),
            ([169, 254, 1, 1], [169, 254, 1, 1].into()),
        ] {
            assert_eq!(known.next_hop(to.into()), Some(hop), "{to:?}");
        }
        assert!(known.is_on_link([169, 254, 1, 1].into()) && !known.is_on_link([8; 4].into()));
        known.gateway = None;
        assert_eq!(known.next_hop([8; 4].into()), None);
    }
}
