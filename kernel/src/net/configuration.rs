//! What the network is reached by: the address, the gateway and the name servers in force.

use core::fmt;
use core::net::Ipv4Addr;

use smoltcp::wire::Ipv4Cidr;

/// The most name servers that are remembered.
pub(super) const NAME_SERVERS: usize = 3;

/// What the network is reached by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// This machine's address, and the length of its network's prefix.
    pub address: Ipv4Cidr,
    /// The router to everything outside that network.
    pub gateway: Option<Ipv4Addr>,
    pub(super) dns: [Option<Ipv4Addr>; NAME_SERVERS],
}

impl Configuration {
    /// The name servers, the preferred one first.
    pub fn dns(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.dns.iter().flatten().copied()
    }
}

impl fmt::Display for Configuration {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        if let Some(gateway) = self.gateway {
            write!(f, ", gateway {gateway}")?;
        }
        Ok(())
    }
}
