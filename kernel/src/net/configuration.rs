//! The network configuration: address, routes and name servers.

use core::fmt;
use core::net::Ipv4Addr;

use super::cidr::Ipv4Cidr;

/// The largest number of name servers.
pub(super) const NAME_SERVERS: usize = 3;
/// The largest number of routes in addition to the default route.
pub(super) const ROUTES: usize = 4;

/// A route to another network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The network that the route leads to.
    pub to: Ipv4Cidr,
    /// The router; unspecified if the network's machines are on the link.
    pub gateway: Ipv4Addr,
}

/// The network configuration.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// let configuration = kernel.net()?.configured().await;
/// vmos::println!("address {}", configuration.address);
/// for server in configuration.dns() {
///     vmos::println!("name server {server}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// This machine's address and the prefix length of its network.
    pub address: Ipv4Cidr,
    /// The router for everything that no other route covers. It is on the link, even if its address
    /// is not on the machine's own network.
    pub gateway: Option<Ipv4Addr>,
    pub(super) routes: [Option<Route>; ROUTES],
    pub(super) dns: [Option<Ipv4Addr>; NAME_SERVERS],
}

impl Configuration {
    /// Returns a configuration with an address and, if any, a router to other networks.
    pub(super) const fn new(address: Ipv4Cidr, gateway: Option<Ipv4Addr>) -> Self {
        Self {
            address,
            gateway,
            routes: [None; ROUTES],
            dns: [None; NAME_SERVERS],
        }
    }

    /// Returns the name servers in order of preference.
    pub fn dns(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.dns.iter().flatten().copied()
    }

    /// Returns the routes in addition to the machine's own network and the gateway.
    pub fn routes(&self) -> impl Iterator<Item = Route> + '_ {
        self.routes.iter().flatten().copied()
    }

    /// Returns the next hop for `peer`: the peer itself or a router; `None` if there is no route.
    pub(super) fn next_hop(&self, peer: Ipv4Addr) -> Option<Ipv4Addr> {
        // The longest prefix counts, also inside the machine's own network (RFC 3442).
        let least = match self.address.contains_addr(&peer) {
            true => self.address.prefix_len() + 1,
            false => 0,
        };
        let leads_there =
            |route: &Route| route.to.prefix_len() >= least && route.to.contains_addr(&peer);
        let routes = self.routes().filter(leads_there);
        match routes.max_by_key(|route| route.to.prefix_len()) {
            Some(route) if route.gateway.is_unspecified() => Some(peer),
            Some(route) => Some(route.gateway),
            None if least > 0 => Some(peer),
            None => self.gateway,
        }
    }

    /// Returns whether `address` can belong to a machine on the link.
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
    fn the_longest_prefix_wins() {
        let at = |last| Ipv4Addr::new(10, 0, 2, last);
        let mut known = Configuration::new(Ipv4Cidr::new(at(15), 24), Some(at(2)));
        let route = |address: [u8; 4], prefix, gateway| Route {
            to: Ipv4Cidr::new(address.into(), prefix),
            gateway,
        };
        known.routes[0] = Some(route([172, 16, 0, 0], 12, at(3)));
        known.routes[2] = Some(route([172, 16, 7, 0], 24, at(4)));
        known.routes[3] = Some(route([169, 254, 0, 0], 16, Ipv4Addr::UNSPECIFIED));
        known.routes[1] = Some(route([10, 0, 2, 128], 25, at(5)));
        for (to, hop) in [
            ([10, 0, 2, 99], at(99)),
            ([10, 0, 2, 200], at(5)),
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
