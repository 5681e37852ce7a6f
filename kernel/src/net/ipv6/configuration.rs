//! The source of the machine's IPv6 addresses (the `ip6=` word of the command line), and the
//! addresses that it has.

use core::fmt;
use core::net::Ipv6Addr;
use core::str::FromStr;

use super::address::{is_in, is_of_link, is_unicast};
use crate::command_line::CommandLine;

/// The largest number of addresses.
pub(super) const ADDRESSES: usize = 8;
/// The largest number of name servers.
pub(super) const NAME_SERVERS: usize = 3;

/// The source of the machine's IPv6 addresses.
///
/// Parsed from the text after `ip6=` on the command line: `auto`, `off`, or an address with its
/// prefix length, then the router and up to three name servers, each after a comma:
/// `2001:db8::15/64,fe80::1,2001:db8::53`. The router may be empty. With all but `off`, the machine
/// also has a link-local address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ip6 {
    /// From the advertisements of routers (RFC 4862).
    #[default]
    Auto,
    /// No IPv6.
    Off,
    /// A fixed address; advertisements of routers are ignored.
    Static {
        /// The address.
        address: Ipv6Addr,
        /// The prefix length of its network in bits, from 1 to 128.
        prefix_len: u8,
        /// The router to other networks; `None` means that there are none.
        gateway: Option<Ipv6Addr>,
        /// The name servers, in order of preference.
        dns: [Option<Ipv6Addr>; NAME_SERVERS],
    },
}

/// An error in the `ip6=` word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ip6Error {
    /// The address is not of the form of RFC 4291, 2.2.
    Address,
    /// The address is not followed by `/` and a prefix length.
    PrefixMissing,
    /// The prefix length is not a number from 1 to 128.
    Prefix,
    /// The address cannot be given: it is unspecified, loopback, multicast, link-local (which the
    /// machine forms itself) or an IPv4 address.
    NotUnicast(Ipv6Addr),
    /// The router is not of the form of RFC 4291, 2.2.
    Gateway,
    /// The router is neither a link-local address nor another machine on the address's own network.
    GatewayUnreachable(Ipv6Addr),
    /// A name server is not of the form of RFC 4291, 2.2, no machine can have its address, or there
    /// are more than three.
    NameServer,
}

impl fmt::Display for Ip6Error {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("command line, ip6=: ")?;
        match self {
            Self::Address => f.write_str(
                "not `auto`, `off`, or an address of the form 2001:db8::15 with its prefix length",
            ),
            Self::PrefixMissing => {
                f.write_str("the address has no prefix length; write it as 2001:db8::15/64")
            }
            Self::Prefix => f.write_str("the prefix length is not a number from 1 to 128"),
            Self::NotUnicast(address) => {
                write!(f, "{address} cannot be given to a machine")
            }
            Self::Gateway => f.write_str("the router is not of the form fe80::1"),
            Self::GatewayUnreachable(gateway) => write!(
                f,
                "the router {gateway} is not another machine on the same network"
            ),
            Self::NameServer => {
                f.write_str("the name servers must be at most three, of the form 2001:db8::53")
            }
        }
    }
}

impl core::error::Error for Ip6Error {}

impl Ip6 {
    /// Parses the last `ip6=` word of the command line; returns [`Ip6::Auto`] if there is none.
    ///
    /// # Errors
    ///
    /// If the word cannot be parsed.
    pub fn from_command_line(line: CommandLine<'_>) -> Result<Self, Ip6Error> {
        line.value("ip6").map_or(Ok(Self::default()), str::parse)
    }
}

impl FromStr for Ip6 {
    type Err = Ip6Error;

    fn from_str(value: &str) -> Result<Self, Ip6Error> {
        match value {
            "auto" => return Ok(Self::Auto),
            "off" => return Ok(Self::Off),
            _ => {}
        }
        let mut parts = value.split(',');
        let (address, prefix) = match parts.next().unwrap_or_default().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (value.split(',').next().unwrap_or_default(), None),
        };
        let gateway = parts.next().filter(|gateway| !gateway.is_empty());
        let mut dns = [None; NAME_SERVERS];
        for (index, server) in parts.enumerate() {
            let place = dns.get_mut(index).ok_or(Ip6Error::NameServer)?;
            let server = server.parse().map_err(|_| Ip6Error::NameServer)?;
            *place = Some(server).filter(|server| is_unicast(*server));
            place.ok_or(Ip6Error::NameServer)?;
        }
        let address = address.parse().map_err(|_| Ip6Error::Address)?;
        let prefix = prefix.ok_or(Ip6Error::PrefixMissing)?;
        let prefix_len: u8 = prefix.parse().map_err(|_| Ip6Error::Prefix)?;
        if !(1..=128).contains(&prefix_len) {
            return Err(Ip6Error::Prefix);
        }
        if !is_unicast(address) || is_of_link(address) {
            return Err(Ip6Error::NotUnicast(address));
        }
        let gateway = match gateway {
            Some(gateway) => {
                let gateway = gateway.parse().map_err(|_| Ip6Error::Gateway)?;
                let on_link = is_in(gateway, address, prefix_len) || is_of_link(gateway);
                if !is_unicast(gateway) || !on_link || gateway == address {
                    return Err(Ip6Error::GatewayUnreachable(gateway));
                }
                Some(gateway)
            }
            None => None,
        };
        Ok(Self::Static {
            address,
            prefix_len,
            gateway,
            dns,
        })
    }
}

/// The addresses, routers and name servers of IPv6 that the machine uses now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ipv6Configuration {
    pub(super) addresses: [Option<(Ipv6Addr, u8)>; ADDRESSES],
    pub(super) gateway: Option<Ipv6Addr>,
    pub(super) dns: [Option<Ipv6Addr>; NAME_SERVERS],
}

impl Ipv6Configuration {
    /// Returns the addresses with the prefix lengths of their networks in bits; the link-local one
    /// is first.
    pub fn addresses(&self) -> impl Iterator<Item = (Ipv6Addr, u8)> + '_ {
        self.addresses.iter().flatten().copied()
    }

    /// Returns the first address that is not link-local.
    pub fn global(&self) -> Option<Ipv6Addr> {
        let mut all = self.addresses().map(|(address, _)| address);
        all.find(|address| !is_of_link(*address))
    }

    /// Returns the router that is used for other networks.
    pub fn gateway(&self) -> Option<Ipv6Addr> {
        self.gateway
    }

    /// Returns the name servers in order of preference.
    pub fn dns(&self) -> impl Iterator<Item = Ipv6Addr> + '_ {
        self.dns.iter().flatten().copied()
    }
}

impl fmt::Display for Ipv6Configuration {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut addresses = self.addresses();
        let Some((first, length)) = addresses.next() else {
            return f.write_str("no IPv6 address");
        };
        write!(f, "{first}/{length}")?;
        for (address, length) in addresses {
            write!(f, ", {address}/{length}")?;
        }
        if let Some(gateway) = self.gateway {
            write!(f, ", router {gateway}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    fn read(text: &str) -> Result<Ip6, Ip6Error> {
        Ip6::from_command_line(CommandLine::new(text))
    }

    #[test]
    fn the_word_is_read() {
        let at = |text: &str| text.parse::<Ipv6Addr>().unwrap();
        assert_eq!(read("ip=dhcp"), Ok(Ip6::Auto));
        assert_eq!(read("ip6=auto"), Ok(Ip6::Auto));
        assert_eq!(read("ip6=off"), Ok(Ip6::Off));
        let fixed = |gateway: Option<&str>, servers: [Option<&str>; 3]| Ip6::Static {
            address: at("2001:db8::15"),
            prefix_len: 64,
            gateway: gateway.map(at),
            dns: servers.map(|server| server.map(at)),
        };
        let none = [None; 3];
        assert_eq!(read("ip6=2001:db8::15/64"), Ok(fixed(None, none)));
        assert_eq!(
            read("ip6=2001:db8::15/64,fe80::1"),
            Ok(fixed(Some("fe80::1"), none))
        );
        assert_eq!(
            read("ip6=2001:db8::15/64,,2001:db8::3,fe80::3"),
            Ok(fixed(None, [Some("2001:db8::3"), Some("fe80::3"), None]))
        );
    }

    #[test]
    fn each_error_is_named() {
        let unicast = |text: &str| Ip6Error::NotUnicast(text.parse().unwrap());
        let unreachable = |text: &str| Ip6Error::GatewayUnreachable(text.parse().unwrap());
        for (text, error) in [
            ("", Ip6Error::Address),
            ("on", Ip6Error::Address),
            ("10.0.2.15/24", Ip6Error::Address),
            ("2001:db8::15", Ip6Error::PrefixMissing),
            ("2001:db8::15,fe80::1", Ip6Error::PrefixMissing),
            ("2001:db8::15/", Ip6Error::Prefix),
            ("2001:db8::15/0", Ip6Error::Prefix),
            ("2001:db8::15/129", Ip6Error::Prefix),
            ("fe80::1/64", unicast("fe80::1")),
            ("ff02::1/64", unicast("ff02::1")),
            ("::1/64", unicast("::1")),
            ("2001:db8::15/64,router", Ip6Error::Gateway),
            ("2001:db8::15/64,2001:db9::1", unreachable("2001:db9::1")),
            ("2001:db8::15/64,2001:db8::15", unreachable("2001:db8::15")),
            ("2001:db8::15/64,,fe80::1,x", Ip6Error::NameServer),
            ("2001:db8::15/64,,ff02::1", Ip6Error::NameServer),
            (
                "2001:db8::15/64,,fc00::1,fc00::2,fc00::3,fc00::4",
                Ip6Error::NameServer,
            ),
        ] {
            assert_eq!(text.parse::<Ip6>(), Err(error), "{text}");
            assert!(error.to_string().starts_with("command line, ip6=: "));
        }
    }
}
