//! The addresses of a name in both versions, in the order in which to try them.

use core::cmp::Reverse;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ResolveError;
use super::message::ADDRESSES;
use crate::net::Net;

/// The addresses of a name, of both versions, in the order in which to try them. There is at least
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    all: [Option<IpAddr>; 2 * ADDRESSES],
}

impl Addresses {
    /// Returns the address to try first.
    #[must_use]
    pub fn first(&self) -> Option<IpAddr> {
        self.iter().next()
    }

    /// Returns the addresses in the order in which to try them.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + use<> {
        self.all.into_iter().flatten()
    }

    /// Sorts addresses by falling rank; those of the same rank keep the order of the servers.
    fn sorted(addresses: impl Iterator<Item = IpAddr>, rank: impl Fn(IpAddr) -> Rank) -> Self {
        let mut all = [None; 2 * ADDRESSES];
        for (place, address) in all.iter_mut().zip(addresses) {
            *place = Some(address);
        }
        all.sort_by_key(|address| Reverse(address.map(&rank)));
        Self { all }
    }
}

/// The rank of a destination; the highest is tried first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// This machine has no address or no route for it.
    Unreachable,
    /// This machine's address is of another kind: for example, one of a local network for a
    /// destination on the Internet (RFC 6724, 6, rule 5).
    Mismatched,
    /// An IPv6 address of a local network or of a transition mechanism, whose precedence is below
    /// that of IPv4 (RFC 6724, 2.1).
    LowIpv6,
    Ipv4,
    Ipv6,
}

/// Returns the rank of an IPv6 destination for which this machine uses the address `source`.
fn rank(destination: Ipv6Addr, source: Option<Ipv6Addr>) -> Rank {
    match source {
        None => Rank::Unreachable,
        Some(source) if kind(source) != kind(destination) => Rank::Mismatched,
        Some(_) if kind(destination) == Kind::Ordinary => Rank::Ipv6,
        Some(_) => Rank::LowIpv6,
    }
}

/// The kinds of IPv6 addresses that the table of RFC 6724, 2.1, labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ordinary,
    /// 2002::/16 (RFC 3056).
    SixToFour,
    /// 2001::/32 (RFC 4380).
    Teredo,
    /// fc00::/7 (RFC 4193).
    UniqueLocal,
    /// fec0::/10, which QEMU's user network advertises (RFC 3879).
    SiteLocal,
}

fn kind(address: Ipv6Addr) -> Kind {
    match address.segments() {
        [0x2002, ..] => Kind::SixToFour,
        [0x2001, 0, ..] => Kind::Teredo,
        [0xfc00..=0xfdff, ..] => Kind::UniqueLocal,
        [0xfec0..=0xfeff, ..] => Kind::SiteLocal,
        _ => Kind::Ordinary,
    }
}

impl Net {
    /// Returns the addresses of a name in both versions, up to 8 of each. Asks the name servers like
    /// [`resolve`](Self::resolve), for IPv4 and then for IPv6 addresses. An address in place of a name
    /// is returned as it is. Results are not cached.
    ///
    /// The order follows RFC 6724, 6, in short: addresses that this machine can reach from an address
    /// of the same kind, IPv6 before IPv4, and IPv4 before IPv6 addresses of local networks
    /// (fc00::/7, fec0::/10); then those that it can reach otherwise; then all others. Try them in this
    /// order.
    ///
    /// # Errors
    ///
    /// If the name has no address, or no server could be asked.
    ///
    /// ```no_run
    /// # use core::net::SocketAddr;
    /// # use vmos::{Kernel, Result};
    /// # async fn example(kernel: Kernel) -> Result<()> {
    /// let net = kernel.net()?;
    /// for address in net.resolve_any("example.org").await?.iter() {
    ///     if let Ok(stream) = net.tcp_connect_any(SocketAddr::new(address, 80)).await {
    ///         break;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn resolve_any(&self, name: &str) -> Result<Addresses, ResolveError> {
        if let Ok(address) = name.parse() {
            let one = core::iter::once(address);
            return Ok(Addresses::sorted(one, |_| Rank::Ipv4));
        }
        let ipv4 = self.look_up::<Ipv4Addr>(name).await;
        let ipv6 = match ipv4 {
            // The servers would not answer the second question either.
            Err(ResolveError::NotAName | ResolveError::NoServer | ResolveError::NoAnswer) => {
                Err(ResolveError::Unknown)
            }
            _ => self.look_up::<Ipv6Addr>(name).await,
        };
        let (ipv4, ipv6) = match (ipv4, ipv6) {
            (Err(ResolveError::Unknown), Err(error)) | (Err(error), Err(_)) => return Err(error),
            (ipv4, ipv6) => (ipv4.unwrap_or_default(), ipv6.unwrap_or_default()),
        };
        let ipv4 = ipv4.into_iter().flatten().map(IpAddr::V4);
        let ipv6 = ipv6.into_iter().flatten().map(IpAddr::V6);
        Ok(Addresses::sorted(ipv4.chain(ipv6), |address| {
            self.rank(address)
        }))
    }

    /// Returns the rank of a destination now.
    fn rank(&self, address: IpAddr) -> Rank {
        match address {
            IpAddr::V4(address) => {
                let configuration = self.configuration();
                match configuration.and_then(|known| known.next_hop(address)) {
                    Some(_) => Rank::Ipv4,
                    None => Rank::Unreachable,
                }
            }
            IpAddr::V6(address) => rank(address, self.ipv6_source(address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn destinations_are_ranked_by_the_address_that_reaches_them() {
        let at = |text: &str| text.parse::<Ipv6Addr>().unwrap();
        let (global, local, site) = (at("2001:db8::1"), at("fd00::1"), at("fec0::1"));
        for (destination, source, expected) in [
            (at("2001:db8:1::1"), Some(global), Rank::Ipv6),
            (at("2001:db8:1::1"), Some(local), Rank::Mismatched),
            (at("2001:db8:1::1"), Some(site), Rank::Mismatched),
            (at("fd00:1::1"), Some(local), Rank::LowIpv6),
            (at("fec0::2"), Some(site), Rank::LowIpv6),
            (at("2002:1::1"), Some(global), Rank::Mismatched),
            (at("2001:0:1::1"), Some(global), Rank::Mismatched),
            (at("2001:db8:1::1"), None, Rank::Unreachable),
        ] {
            assert_eq!(rank(destination, source), expected, "{destination}");
        }
    }

    #[test]
    fn addresses_of_the_same_rank_keep_their_order() {
        let all = ["192.0.2.2", "192.0.2.1", "2001:db8::2", "2001:db8::1"];
        let all: Vec<IpAddr> = all.iter().map(|text| text.parse().unwrap()).collect();
        let sorted = Addresses::sorted(all.iter().copied(), |address| match address {
            IpAddr::V4(_) => Rank::Ipv4,
            IpAddr::V6(_) => Rank::Ipv6,
        });
        let expected = [all[2], all[3], all[0], all[1]];
        assert_eq!(sorted.iter().collect::<Vec<_>>(), expected);
        assert_eq!(sorted.first(), Some(all[2]));
    }
}
