//! How the machine gets its address: the `ip=` word of the command line.

use core::fmt;
use core::net::Ipv4Addr;
use core::str::FromStr;

use smoltcp::wire::Ipv4Cidr;

use super::configuration::NAME_SERVERS;

/// Where the address comes from.
///
/// Parsed from what follows `ip=` on the command line: `dhcp`, or an address with its prefix length,
/// then the gateway and up to three name servers, each after a comma:
/// `10.0.2.15/24,10.0.2.2,10.0.2.3`. The gateway may be empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ip {
    /// A DHCP server gives it (RFC 2131).
    #[default]
    Dhcp,
    /// It was given, and stays.
    Static {
        /// The address and the length of its network's prefix.
        address: Ipv4Cidr,
        /// The router to everything outside that network; none means there is no outside.
        gateway: Option<Ipv4Addr>,
        /// The name servers, the preferred one first.
        dns: [Option<Ipv4Addr>; NAME_SERVERS],
    },
}

/// Why an `ip=` word was not understood. The text it shows quotes the offending part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpError {
    /// The address is not four numbers from 0 to 255 with dots between.
    Address,
    /// There is no `/` with a prefix length behind the address.
    PrefixMissing,
    /// The prefix length is not a number from 1 to 32.
    Prefix,
    /// The address is one that no machine can have: broadcast, multicast, unspecified or loopback.
    NotUnicast(Ipv4Addr),
    /// The gateway is not four numbers from 0 to 255 with dots between.
    Gateway,
    /// The gateway is not another machine on the address's own network.
    GatewayUnreachable(Ipv4Addr),
    /// A name server is not four numbers from 0 to 255 with dots between, or there are over three.
    NameServer,
}

impl fmt::Display for IpError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("command line, ip=: ")?;
        match self {
            Self::Address => f.write_str("the address is not of the form 10.0.2.15"),
            Self::PrefixMissing => {
                f.write_str("the address has no prefix length; write it as 10.0.2.15/24")
            }
            Self::Prefix => f.write_str("the prefix length is not a number from 1 to 32"),
            Self::NotUnicast(address) => write!(f, "{address} cannot be a machine's address"),
            Self::Gateway => f.write_str("the gateway is not of the form 10.0.2.2"),
            Self::GatewayUnreachable(gateway) => {
                write!(
                    f,
                    "the gateway {gateway} is not another machine on the same network"
                )
            }
            Self::NameServer => {
                f.write_str("the name servers are not up to three of the form 10.0.2.3")
            }
        }
    }
}

impl core::error::Error for IpError {}

impl Ip {
    /// Reads the `ip=` word among the words of the command line; [`Ip::Dhcp`] where there is none.
    /// The last one counts.
    ///
    /// # Errors
    ///
    /// The word is there and says nothing usable.
    pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, IpError> {
        match words
            .into_iter()
            .filter_map(|word| word.strip_prefix("ip="))
            .last()
        {
            Some(value) => value.parse(),
            None => Ok(Self::default()),
        }
    }
}

impl FromStr for Ip {
    type Err = IpError;

    fn from_str(value: &str) -> Result<Self, IpError> {
        if value == "dhcp" {
            return Ok(Self::Dhcp);
        }
        let mut parts = value.split(',');
        let address = parts.next().unwrap_or_default();
        let gateway = parts.next();
        let mut dns = [None; NAME_SERVERS];
        for (index, server) in parts.enumerate() {
            let place = dns.get_mut(index).ok_or(IpError::NameServer)?;
            *place = Some(read_address(server).ok_or(IpError::NameServer)?);
        }
        let gateway = gateway.filter(|gateway| !gateway.is_empty() || dns[0].is_none());
        let (address, prefix) = match address.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (address, None),
        };
        let address = read_address(address).ok_or(IpError::Address)?;
        let prefix: u8 = prefix
            .ok_or(IpError::PrefixMissing)?
            .parse()
            .map_err(|_| IpError::Prefix)?;
        if !(1..=32).contains(&prefix) {
            return Err(IpError::Prefix);
        }
        let address = Ipv4Cidr::new(address, prefix);
        if !is_host(address.address(), address) || address.address().is_loopback() {
            return Err(IpError::NotUnicast(address.address()));
        }
        let gateway = match gateway {
            Some(gateway) => {
                let gateway = read_address(gateway).ok_or(IpError::Gateway)?;
                if !is_neighbor(gateway, address) {
                    return Err(IpError::GatewayUnreachable(gateway));
                }
                Some(gateway)
            }
            None => None,
        };
        Ok(Self::Static {
            address,
            gateway,
            dns,
        })
    }
}

/// Reads an address as `Ipv4Addr::from_str` does. That one is made for addresses of all kinds, and is a
/// kilobyte of code.
fn read_address(text: &str) -> Option<Ipv4Addr> {
    let (mut address, mut dots) = (0_u32, 0);
    let mut number = None;
    for byte in text.bytes() {
        match (byte, number) {
            (b'.', Some(before)) if dots < 3 => {
                address = address << 8 | u32::from(before);
                number = None;
                dots += 1;
            }
            (b'0'..=b'9', None) => number = Some(byte - b'0'),
            // A number does not begin with 0.
            (b'0'..=b'9', Some(before @ 1_u8..)) => {
                number = Some(before.checked_mul(10)?.checked_add(byte - b'0')?);
            }
            _ => return None,
        }
    }
    let last = number.filter(|_| dots == 3)?;
    Some(Ipv4Addr::from_bits(address << 8 | u32::from(last)))
}

/// Whether `candidate` can be the address of one machine on the network of `network`.
pub(super) fn is_host(candidate: Ipv4Addr, network: Ipv4Cidr) -> bool {
    !candidate.is_unspecified()
        && !candidate.is_multicast()
        && !candidate.is_broadcast()
        && network.broadcast() != Some(candidate)
}

/// Whether a packet from or to `candidate` can be one of another machine than `own`, wherever that is.
/// Nothing is answered to any other address (RFC 1122, 3.2.1.3, 3.2.2): to those of nobody (0/8), of
/// the machine itself (127/8 and its own), of many, and those without a use (224/4, 240/4).
pub(super) fn is_peer(candidate: Ipv4Addr, own: Ipv4Cidr) -> bool {
    matches!(candidate.octets()[0], 1..=126 | 128..=223)
        && candidate != own.address()
        && own.broadcast() != Some(candidate)
}

/// Whether `candidate` can be another machine on the network of `own`. What a stranger names as our
/// router passes through here, since the stack takes a router's address for a machine's.
pub(super) fn is_neighbor(candidate: Ipv4Addr, own: Ipv4Cidr) -> bool {
    is_host(candidate, own) && own.contains_addr(&candidate) && candidate != own.address()
}

#[cfg(test)]
mod tests;
