//! Advertisements of routers (RFC 4861, 4.2 and 4.6; RFC 8106, 5.1).

use core::net::Ipv6Addr;

use super::packet::{address, long, number};

/// Types of options.
const SOURCE_MAC: u8 = 1;
pub(super) const TARGET_MAC: u8 = 2;
const PREFIX: u8 = 3;
const MTU: u8 = 5;
const NAME_SERVERS: u8 = 25;

/// A prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prefix {
    pub(super) address: Ipv6Addr,
    /// The number of bits, at most 128.
    pub(super) length: u8,
    /// Whether machines with the prefix are on the link.
    pub(super) on_link: bool,
    /// Whether machines give themselves addresses with the prefix.
    pub(super) autonomous: bool,
    /// Lifetimes in seconds.
    pub(super) valid: u32,
    pub(super) preferred: u32,
}

impl Prefix {
    /// Returns a prefix whose machines are on the link for ever.
    pub(super) const fn on_link(address: Ipv6Addr, length: u8) -> Self {
        Self {
            address,
            length,
            on_link: true,
            autonomous: false,
            valid: u32::MAX,
            preferred: u32::MAX,
        }
    }

    /// Returns whether both are the same prefix.
    pub(super) fn is(&self, other: Self) -> bool {
        let same = super::address::is_in(self.address, other.address, self.length);
        self.length == other.length && same
    }
}

/// A well-formed advertisement.
pub(super) struct Advertisement<'a> {
    pub(super) hop_limit: u8,
    /// For how long the sender is a default router, in seconds; 0 if it is none.
    pub(super) lifetime: u16,
    /// Times in milliseconds; 0 if they are not given.
    pub(super) reachable: u32,
    pub(super) retransmit: u32,
    options: Options<'a>,
}

impl<'a> Advertisement<'a> {
    /// Parses the message; `None` if it is malformed.
    pub(super) fn read(message: &'a [u8]) -> Option<Self> {
        Some(Self {
            options: Options::read(message.get(16..)?)?,
            hop_limit: message[4],
            lifetime: number(message, 6)?,
            reachable: long(message, 8)?,
            retransmit: long(message, 12)?,
        })
    }

    /// Returns the router's hardware address.
    pub(super) fn mac(&self) -> Option<[u8; 6]> {
        self.options.mac(SOURCE_MAC)
    }

    /// Returns the MTU of the link in bytes.
    pub(super) fn mtu(&self) -> Option<usize> {
        let option = self.options.first(MTU)?;
        usize::try_from(long(option, 4)?).ok()
    }

    /// Returns the prefixes.
    pub(super) fn prefixes(&self) -> impl Iterator<Item = Prefix> + '_ {
        let all = self.options.clone().filter(|(kind, _)| *kind == PREFIX);
        all.filter_map(|(_, option)| {
            let (&[_, _, length, flags], _) = option.split_first_chunk()?;
            (option.len() == 32 && length <= 128).then_some(Prefix {
                address: address(option, 16),
                length,
                on_link: flags & 0x80 != 0,
                autonomous: flags & 0x40 != 0,
                valid: long(option, 4)?,
                preferred: long(option, 8)?,
            })
        })
    }

    /// Returns the name servers with their lifetimes in seconds.
    pub(super) fn dns(&self) -> impl Iterator<Item = (Ipv6Addr, u32)> + '_ {
        let all = self.options.clone();
        let all = all.filter(|(kind, _)| *kind == NAME_SERVERS);
        all.flat_map(|(_, option)| {
            let lifetime = long(option, 4).unwrap_or(0);
            let servers = option.get(8..).unwrap_or_default();
            let (servers, _) = servers.as_chunks::<16>();
            { servers }
                .iter()
                .map(move |server| (Ipv6Addr::from(*server), lifetime))
        })
        .filter(|(server, _)| super::address::is_unicast(*server))
    }
}

/// The options of a message of neighbour discovery, whose lengths are right.
#[derive(Clone)]
pub(super) struct Options<'a> {
    rest: &'a [u8],
}

impl<'a> Options<'a> {
    /// Checks the lengths of the options: none is 0, and none exceeds the message (RFC 4861, 4.6).
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let options = Self { rest: bytes };
        let length: usize = options.clone().map(|(_, option)| option.len()).sum();
        (length == bytes.len()).then_some(options)
    }

    /// Returns the first option of this type, with its type and length.
    fn first(&self, wanted: u8) -> Option<&'a [u8]> {
        let mut all = self.clone();
        all.find(|(kind, _)| *kind == wanted)
            .map(|(_, option)| option)
    }

    /// Returns the hardware address in an option of this type.
    pub(super) fn mac(&self, wanted: u8) -> Option<[u8; 6]> {
        let option: &[u8; 8] = self.first(wanted)?.try_into().ok()?;
        let [_, _, mac @ ..] = *option;
        Some(mac)
    }

    /// Returns the sender's hardware address.
    pub(super) fn source_mac(&self) -> Option<[u8; 6]> {
        self.mac(SOURCE_MAC)
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let [kind, words, ..] = *self.rest else {
            return None;
        };
        if words == 0 {
            return None;
        }
        let (option, rest) = self.rest.split_at_checked(8 * usize::from(words))?;
        self.rest = rest;
        Some((kind, option))
    }
}

/// Returns the option with this machine's hardware address.
pub(super) fn mac_option(kind: u8, mac: [u8; 6]) -> [u8; 8] {
    let [a, b, c, d, e, f] = mac;
    [kind, 1, a, b, c, d, e, f]
}

/// Returns the option with the hardware address of the sender.
pub(super) fn source_option(mac: [u8; 6]) -> [u8; 8] {
    mac_option(SOURCE_MAC, mac)
}
