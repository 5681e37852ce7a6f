//! An address with the prefix length of its network.

use core::fmt;
use core::net::Ipv4Addr;

/// An IPv4 address and the prefix length of its network in bits (RFC 4632, 3.1).
///
/// ```
/// use core::net::Ipv4Addr;
/// use vmos::net::Ipv4Cidr;
///
/// let cidr = Ipv4Cidr::new(Ipv4Addr::new(10, 0, 2, 15), 24);
/// assert!(cidr.contains_addr(&Ipv4Addr::new(10, 0, 2, 2)));
/// assert_eq!(cidr.broadcast(), Some(Ipv4Addr::new(10, 0, 2, 255)));
/// assert_eq!(cidr.to_string(), "10.0.2.15/24");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Cidr {
    address: Ipv4Addr,
    prefix_len: u8,
}

impl Ipv4Cidr {
    /// Returns the address with a prefix of `prefix_len` bits; more than 32 means 32.
    #[must_use]
    pub const fn new(address: Ipv4Addr, prefix_len: u8) -> Self {
        Self {
            address,
            prefix_len: if prefix_len < 32 { prefix_len } else { 32 },
        }
    }

    /// Returns the address.
    #[must_use]
    pub const fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Returns the prefix length in bits, at most 32.
    #[must_use]
    pub const fn prefix_len(&self) -> u8 {
        self.prefix_len
    }

    /// Returns the mask of the prefix.
    pub(super) const fn mask(&self) -> u32 {
        !(u32::MAX as u64 >> self.prefix_len) as u32
    }

    /// Returns whether `address` is on the network.
    #[must_use]
    pub const fn contains_addr(&self, address: &Ipv4Addr) -> bool {
        (self.address.to_bits() ^ address.to_bits()) & self.mask() == 0
    }

    /// Returns the network's broadcast address; `None` if the prefix is longer than 30 bits (RFC
    /// 3021, 2.1).
    #[must_use]
    pub const fn broadcast(&self) -> Option<Ipv4Addr> {
        if self.prefix_len > 30 {
            return None;
        }
        Some(Ipv4Addr::from_bits(self.address.to_bits() | !self.mask()))
    }
}

impl fmt::Display for Ipv4Cidr {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_the_addresses_with_the_same_prefix() {
        let address = Ipv4Addr::new(10, 0, 2, 15);
        for (prefix, last, broadcast) in [
            (0, [255, 255, 255, 255], true),
            (8, [10, 255, 255, 255], true),
            (24, [10, 0, 2, 255], true),
            (30, [10, 0, 2, 15], true),
            (31, [10, 0, 2, 15], false),
            (32, [10, 0, 2, 15], false),
        ] {
            let network = Ipv4Cidr::new(address, prefix);
            let last = Ipv4Addr::from(last);
            assert_eq!(network.broadcast(), broadcast.then_some(last), "/{prefix}");
            assert!(network.contains_addr(&last), "/{prefix}");
            let behind = Ipv4Addr::from_bits(last.to_bits().wrapping_add(1));
            assert_eq!(network.contains_addr(&behind), prefix == 0, "/{prefix}");
        }
    }
}
