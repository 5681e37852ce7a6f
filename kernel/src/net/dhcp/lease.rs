//! Checks leases and computes their times.

use core::net::Ipv4Addr;

use super::SECOND;
use super::message::Answer;
use crate::net::address::{is_host, is_peer};
use crate::net::cidr::Ipv4Cidr;
use crate::net::configuration::Configuration;
use crate::time::NEVER;

/// The length of a lease if the server does not state it, in seconds.
const LEASE: u32 = 120;
/// The shortest accepted lease, in seconds; a shorter one would be renewed all the time.
const SHORTEST: u32 = 8;

/// A DHCP lease.
#[derive(Clone, Copy)]
pub(super) struct Lease {
    pub(super) address: Ipv4Addr,
    pub(super) server: Ipv4Addr,
    /// When to renew the lease with its server, when to renew it with any server, and when it ends,
    /// in nanoseconds.
    pub(super) renew: u64,
    pub(super) rebind: u64,
    pub(super) expires: u64,
}

impl Lease {
    pub(super) const NONE: Self = Self {
        address: Ipv4Addr::UNSPECIFIED,
        server: Ipv4Addr::UNSPECIFIED,
        renew: NEVER,
        rebind: NEVER,
        expires: NEVER,
    };

    /// Returns the lease in the answer to a request sent at `asked`, in nanoseconds (RFC 2131,
    /// 4.4.1). The server is `server` unless the answer names another one.
    pub(super) fn new(answer: &Answer, server: Ipv4Addr, asked: u64) -> Self {
        let (address, server) = (answer.address, answer.server.unwrap_or(server));
        let lease = answer.lease.unwrap_or(LEASE);
        // RFC 2131, 3.3: an unlimited lease.
        if lease == u32::MAX {
            return Self {
                address,
                server,
                ..Self::NONE
            };
        }
        let rebind = answer.rebind.filter(|time| *time < lease);
        let rebind = rebind.unwrap_or(lease - lease.div_ceil(8));
        let renew = answer.renew.filter(|time| *time <= rebind);
        let renew = renew.unwrap_or(lease / 2).min(rebind);
        let after = |seconds: u32| asked.saturating_add(u64::from(seconds) * SECOND);
        Self {
            address,
            server,
            renew: after(renew),
            rebind: after(rebind),
            expires: after(lease),
        }
    }
}

/// Returns the configuration in an answer, or the reason why it is not usable. The server is not
/// trusted.
pub(super) fn accept(answer: &Answer) -> Result<Configuration, &'static str> {
    let prefix = answer.mask.and_then(prefix);
    let address = Ipv4Cidr::new(
        answer.address,
        prefix.unwrap_or_else(|| prefix_of_class(answer.address)),
    );
    if !is_host(answer.address, address) {
        return Err("the offered address cannot be a machine's");
    }
    if answer.lease.is_some_and(|lease| lease < SHORTEST) {
        return Err("the offered lease is shorter than 8 s");
    }
    // The router counts as on the link even with a prefix of 32 bits, as clouds assign it.
    let gateway = answer.router.filter(|router| is_peer(*router, address));
    let mut configuration = Configuration::new(address, gateway);
    configuration.dns = answer.dns;
    configuration.routes = answer.routes;
    for route in &mut configuration.routes {
        let usable = |gateway: Ipv4Addr| gateway.is_unspecified() || is_peer(gateway, address);
        route.take_if(|route| !usable(route.gateway));
    }
    Ok(configuration)
}

/// Returns the prefix length of a mask; `None` if its bits are not contiguous or all 0.
fn prefix(mask: Ipv4Addr) -> Option<u8> {
    let bits = mask.to_bits();
    let ones = bits.leading_ones();
    (ones > 0 && ones == bits.count_ones()).then_some(ones as u8)
}

/// Returns the prefix length of an address by its class (RFC 791, 2.3).
fn prefix_of_class(address: Ipv4Addr) -> u8 {
    match address.octets()[0] {
        0..128 => 8,
        128..192 => 16,
        _ => 24,
    }
}
