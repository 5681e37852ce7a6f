//! Addresses that another machine has, or claims to have.
//!
//! One forged answer to the check of an address must not leave the machine without it. An address
//! that this machine derives itself gets another, random interface identifier (RFC 7217, 6), which
//! an attacker learns only once it is checked. The pauses before the checks double up to a minute,
//! so an attacker that answers all of them makes this machine send little, and the machine has an
//! address a minute after the last forged answer. A static address is not used until the link comes
//! up again.
//!
//! RFC 4862, 5.4.5, stops IPv6 if the identifier is made of a hardware address, because two machines
//! have that hardware address then. That is not the case here: the answer has another sender.

use core::net::Ipv6Addr;

use super::{Host, Origin, SECOND, State};
use crate::time::NEVER;

/// The pause before the check of the first other address, in nanoseconds (RFC 7217, 7:
/// `IDGEN_DELAY`).
const PAUSE: u64 = SECOND;
/// How often the pause doubles at most.
const DOUBLINGS: u8 = 6;

/// What follows once another machine has an address that was being checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net::ipv6) enum Instead {
    /// This address is checked at this time, in nanoseconds.
    Another(Ipv6Addr, u64),
    Nothing,
}

impl Host {
    /// Records that another machine has the address, which is not used any more. Returns what
    /// follows; `None` if the address was not being checked. `random` is the next identifier.
    pub(in crate::net::ipv6) fn duplicate(
        &mut self,
        ip: Ipv6Addr,
        random: u64,
        now: u64,
    ) -> Option<Instead> {
        let mut all = self.addresses.iter_mut().flatten();
        let one = all.find(|one| one.ip == ip)?;
        if !matches!(one.state, State::Tentative(_) | State::Again(_)) {
            return None;
        }
        if one.origin == Origin::Static {
            one.state = State::Duplicate;
            one.next = NEVER;
            return Some(Instead::Nothing);
        }
        one.ip = with_identifier(ip, random);
        one.state = State::Tentative(0);
        one.next = now.saturating_add(PAUSE << one.refused);
        one.refused = DOUBLINGS.min(one.refused + 1);
        Some(Instead::Another(one.ip, one.next))
    }
}

/// Returns the address with a random interface identifier in the same prefix. Its fourth byte is
/// fixed, so that it is neither reserved (RFC 5453) nor made of a hardware address (RFC 4291,
/// appendix A).
fn with_identifier(ip: Ipv6Addr, random: u64) -> Ipv6Addr {
    let identifier = random & !(0xff << 32) | 0x55 << 32;
    Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64 | u128::from(identifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_identifier_is_neither_reserved_nor_of_a_hardware_address() {
        let prefix: Ipv6Addr = "2001:db8::5054:ff:fe12:3456".parse().unwrap();
        let hardware = u64::from_be_bytes([0, 0, 0, 0xff, 0xfe, 0, 0, 0]);
        for random in [
            0,
            1,
            u64::MAX,
            hardware,
            0x0200_5eff_fe00_5213,
            0xfdff_ffff_ffff_ff80,
        ] {
            let ip = with_identifier(prefix, random);
            let bytes = ip.octets();
            assert_eq!(bytes[..8], prefix.octets()[..8]);
            assert_ne!(bytes[8..], [0; 8], "the routers' anycast address");
            assert_ne!(bytes[11..13], [0xff, 0xfe]);
            assert_ne!(bytes[8..12], [0xfd, 0xff, 0xff, 0xff]);
        }
    }
}
