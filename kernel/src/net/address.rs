//! The source of the machine's address: the `ip=` word of the command line.

use core::fmt;
use core::net::Ipv4Addr;
use core::str::FromStr;

use super::cidr::Ipv4Cidr;
use crate::command_line::CommandLine;

use super::configuration::NAME_SERVERS;

/// The source of the machine's address.
///
/// Parsed from the text after `ip=` on the command line. It is `dhcp`, or an address with its
/// prefix length, then the gateway and up to three name servers, each after a comma:
/// `10.0.2.15/24,10.0.2.2,10.0.2.3`. The gateway may be empty.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// use vmos::net::Ip;
///
/// let net = kernel.net()?;
/// net.configure("192.168.1.7/24,192.168.1.1".parse()?);
/// // Back to a DHCP server.
/// net.configure(Ip::Dhcp);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ip {
    /// From a DHCP server (RFC 2131).
    #[default]
    Dhcp,
    /// A fixed configuration.
    Static {
        /// The address and the prefix length of its network.
        address: Ipv4Cidr,
        /// The router to other networks; `None` means that there are none.
        gateway: Option<Ipv4Addr>,
        /// The name servers, in order of preference.
        dns: [Option<Ipv4Addr>; NAME_SERVERS],
    },
}

/// An error in the `ip=` word. Its text quotes the faulty part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpError {
    /// The address is not four numbers from 0 to 255, separated by dots.
    Address,
    /// The address is not followed by `/` and a prefix length.
    PrefixMissing,
    /// The prefix length is not a number from 1 to 32.
    Prefix,
    /// No machine can have the address: it is a broadcast, multicast, unspecified or loopback
    /// address.
    NotUnicast(Ipv4Addr),
    /// The gateway is not four numbers from 0 to 255, separated by dots.
    Gateway,
    /// The gateway is not another machine on the address's own network, or the prefix has 32 bits.
    GatewayUnreachable(Ipv4Addr),
    /// A name server is not four numbers from 0 to 255, separated by dots, or there are more than
    /// three.
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
                f.write_str("the name servers must be at most three, of the form 10.0.2.3")
            }
        }
    }
}

impl core::error::Error for IpError {}

impl Ip {
    /// Parses the last `ip=` word of the command line; returns [`Ip::Dhcp`] if there is none.
    ///
    /// # Errors
    ///
    /// If the word cannot be parsed.
    pub fn from_command_line(line: CommandLine<'_>) -> Result<Self, IpError> {
        line.value("ip").map_or(Ok(Self::default()), str::parse)
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
        if !is_host(address.address(), address) {
            return Err(IpError::NotUnicast(address.address()));
        }
        let gateway = match gateway {
            Some(gateway) => {
                let gateway = read_address(gateway).ok_or(IpError::Gateway)?;
                // With a prefix of 32 bits, no other machine is on the network.
                let on_link = address.contains_addr(&gateway) || address.prefix_len() == 32;
                if !on_link || !is_peer(gateway, address) {
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

/// Parses an address like `Ipv4Addr::from_str`, whose code for all kinds of addresses is a kilobyte
/// larger.
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
            // A number does not start with 0.
            (b'0'..=b'9', Some(before @ 1_u8..)) => {
                number = Some(before.checked_mul(10)?.checked_add(byte - b'0')?);
            }
            _ => return None,
        }
    }
    let last = number.filter(|_| dots == 3)?;
    Some(Ipv4Addr::from_bits(address << 8 | u32::from(last)))
}

/// Returns whether `candidate` can be the address of a machine on the network of `network`.
pub(super) fn is_host(candidate: Ipv4Addr, network: Ipv4Cidr) -> bool {
    is_unicast(candidate.to_bits()) && network.broadcast() != Some(candidate)
}

/// Returns whether `candidate` can be the address of another machine than `own`, on any network. No
/// other address gets an answer (RFC 1122, 3.2.1.3, 3.2.2): neither the unspecified network (0/8),
/// the machine itself (127/8 and `own`), multicast and broadcast, nor reserved addresses (224/4,
/// 240/4).
pub(super) fn is_peer(candidate: Ipv4Addr, own: Ipv4Cidr) -> bool {
    is_unicast(candidate.to_bits())
        && candidate != own.address()
        && own.broadcast() != Some(candidate)
}

/// Returns whether a machine on some network can have the address, given as a number: it is not in
/// 0/8 or 127/8, and is below 224/4.
#[inline]
pub(super) const fn is_unicast(address: u32) -> bool {
    address.wrapping_sub(0x0100_0000) < 0xdf00_0000 && address >> 24 != 127
}

#[cfg(test)]
mod tests;
