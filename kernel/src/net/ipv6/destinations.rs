//! What the resolver asks: the name servers of IPv6, and which addresses this machine can reach.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::configuration::NAME_SERVERS;
use crate::net::Net;

impl Net {
    /// Returns the [stand-ins](Self::stand_in) of the name servers that routers advertise (RFC 8106)
    /// or `ip6=` names, without those that cannot be reached now.
    pub(in crate::net) fn ipv6_name_servers(&self) -> impl Iterator<Item = Ipv4Addr> + use<> {
        let mut stand_ins = [None; NAME_SERVERS];
        for (place, server) in stand_ins.iter_mut().zip(self.ipv6_configuration().dns()) {
            *place = self.stand_in(IpAddr::V6(server)).ok();
        }
        stand_ins.into_iter().flatten()
    }

    /// Returns this machine's address for packets to `to`; `None` if it has none or there is no
    /// route.
    pub(in crate::net) fn ipv6_source(&self, to: Ipv6Addr) -> Option<Ipv6Addr> {
        let now = self.stack.now.get();
        let source = self.stack.neighbours.ipv6.with(|state| {
            state.host.next_hop(to)?;
            state.host.source(to, now)
        });
        source.flatten()
    }
}
