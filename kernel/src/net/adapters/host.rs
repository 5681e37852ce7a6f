//! One network or all networks, as the implementations of other crates' traits use them.

use core::net::{IpAddr, SocketAddr};

use super::connection::Connection;
use super::error::NetError;
use super::versions::look_up;
use crate::net::Net;
#[cfg(feature = "networks")]
use crate::net::{Networks, ResolveError};

/// A network, or several.
pub trait Host: Copy {
    /// Connects by TCP over the network that leads to the address.
    fn connect_to(&self, remote: SocketAddr) -> impl Future<Output = Result<Connection, NetError>>;

    /// Returns the first address of a name, of one of the accepted versions.
    fn address_of(
        &self,
        name: &str,
        ipv4: bool,
        ipv6: bool,
    ) -> impl Future<Output = Result<IpAddr, NetError>>;
}

/// Implements the trait `Dns` that the caller has imported: each of the crates has its own, alike.
macro_rules! resolves {
    ($host:ty) => {
        impl Dns for $host {
            type Error = NetError;

            async fn get_host_by_name(
                &self,
                host: &str,
                kind: AddrType,
            ) -> Result<IpAddr, NetError> {
                let (ipv4, ipv6) = (kind != AddrType::IPv6, kind != AddrType::IPv4);
                self.address_of(host, ipv4, ipv6).await
            }

            async fn get_host_by_address(
                &self,
                _: IpAddr,
                _: &mut [u8],
            ) -> Result<usize, NetError> {
                Err(NetError::Unsupported("resolving an address to a name"))
            }
        }
    };
}
pub(super) use resolves;

/// Without the feature `ipv6`, there are no connections to addresses of IPv6.
#[cfg(not(feature = "ipv6"))]
macro_rules! connect {
    ($net:expr, $remote:expr) => {
        match $remote {
            SocketAddr::V4(remote) => $net.tcp_connect(remote).await?,
            SocketAddr::V6(remote) => return Err(NetError::NotIpv4(IpAddr::V6(*remote.ip()))),
        }
    };
}

#[cfg(feature = "ipv6")]
macro_rules! connect {
    ($net:expr, $remote:expr) => {
        $net.tcp_connect_any($remote).await?
    };
}

impl Host for Net {
    async fn connect_to(&self, remote: SocketAddr) -> Result<Connection, NetError> {
        Ok(Connection(connect!(self, remote)))
    }

    async fn address_of(&self, name: &str, ipv4: bool, ipv6: bool) -> Result<IpAddr, NetError> {
        look_up(self, name, ipv4, ipv6).await
    }
}

#[cfg(feature = "networks")]
impl Host for Networks {
    async fn connect_to(&self, remote: SocketAddr) -> Result<Connection, NetError> {
        Ok(Connection(connect!(self, remote)))
    }

    /// Asks the name servers of all networks, as [`Networks::resolve`] does.
    async fn address_of(&self, name: &str, ipv4: bool, ipv6: bool) -> Result<IpAddr, NetError> {
        let mut outcome = ResolveError::NoServer;
        for network in self.by_metric() {
            match look_up(&network.net(), name, ipv4, ipv6).await {
                Err(NetError::Resolve(error)) => outcome = Self::worse(outcome, error),
                // Whether addresses of this version are supported does not depend on the network.
                found => return found,
            }
        }
        Err(outcome.into())
    }
}
