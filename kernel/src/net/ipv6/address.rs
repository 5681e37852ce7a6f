//! Kinds of IPv6 addresses (RFC 4291), and the hardware addresses of groups (RFC 2464, 7).

use core::net::Ipv6Addr;

use crate::net::packet::Mac;

/// The group of all nodes on the link.
pub(super) const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// The group of all routers on the link.
pub(super) const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
/// The group of all routers that support MLDv2 (RFC 3810, 5.2.14).
pub(super) const ALL_MLD_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);

/// Returns the address with the interface identifier of `mac` after `prefix` (RFC 4291, appendix
/// A).
pub(super) fn from_mac(prefix: Ipv6Addr, mac: [u8; 6]) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac;
    let identifier = u64::from_be_bytes([a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
    Ipv6Addr::from_bits(prefix.to_bits() >> 64 << 64 | u128::from(identifier))
}

/// Returns the group in which a machine with `address` hears solicitations (RFC 4291, 2.7.1).
pub(super) fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    const PREFIX: u128 = 0xff02_0000_0000_0000_0000_0001_ff00_0000;
    Ipv6Addr::from_bits(PREFIX | address.to_bits() & 0x00ff_ffff)
}

/// Returns the hardware address of a group.
pub(super) fn group_mac(group: Ipv6Addr) -> [u8; 6] {
    let [.., a, b, c, d] = group.octets();
    [0x33, 0x33, a, b, c, d]
}

/// Returns the hardware address in the bytes.
pub(super) fn mac(bytes: [u8; 6]) -> Option<Mac> {
    Some(Mac::new(bytes)).filter(|mac| mac.is_unicast())
}

/// Returns whether one machine on some link can have the address: it is not unspecified, loopback,
/// multicast or an IPv4 address.
pub(super) fn is_unicast(address: Ipv6Addr) -> bool {
    // ::/96 and ::ffff:0:0/96 are for IPv4 addresses and for special ones.
    let high = address.to_bits() >> 32;
    !address.is_multicast() && high != 0 && high != 0xffff
}

/// Returns whether packets to or from the address stay on the link.
pub(super) fn is_of_link(address: Ipv6Addr) -> bool {
    address.is_unicast_link_local() || address.is_multicast() && address.octets()[1] & 0xf <= 2
}

/// Returns the number of leading bits that two addresses have in common.
pub(super) fn common(one: Ipv6Addr, other: Ipv6Addr) -> u32 {
    (one.to_bits() ^ other.to_bits()).leading_zeros()
}

/// Returns whether the addresses have the same first `length` bits.
pub(super) fn is_in(address: Ipv6Addr, prefix: Ipv6Addr, length: u8) -> bool {
    common(address, prefix) >= u32::from(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Ipv6Addr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_follow_from_the_hardware_address() {
        // The example of RFC 4291, appendix A, and one of QEMU's.
        let own = from_mac(at("fe80::"), [0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde]);
        assert_eq!(own, at("fe80::3656:78ff:fe9a:bcde"));
        let own = from_mac(at("fec0::ffff"), [0x52, 0x54, 0, 0x12, 0x34, 0x56]);
        assert_eq!(own, at("fec0::5054:ff:fe12:3456"));
        assert_eq!(solicited_node(own), at("ff02::1:ff12:3456"));
        assert_eq!(
            group_mac(solicited_node(own)),
            [0x33, 0x33, 0xff, 0x12, 0x34, 0x56]
        );
    }

    #[test]
    fn only_a_machine_has_a_unicast_address() {
        for text in ["::", "::1", "ff02::1", "::ffff:10.0.2.2", "::10.0.2.2"] {
            assert!(!is_unicast(at(text)), "{text}");
        }
        for text in ["fe80::1", "2001:db8::1", "fec0::2", "64:ff9b::1"] {
            assert!(is_unicast(at(text)), "{text}");
        }
        assert!(is_of_link(at("ff02::fb")) && is_of_link(at("ff01::1")));
        assert!(!is_of_link(at("ff05::2")) && !is_of_link(at("fec0::1")));
        assert!(is_in(at("2001:db8::1"), at("2001:db8::"), 64));
        assert!(!is_in(at("2001:db8:0:1::"), at("2001:db8::"), 64));
        assert!(is_in(at("fe80::1"), at("2001::"), 0));
    }
}
