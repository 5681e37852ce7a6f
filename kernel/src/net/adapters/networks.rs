//! The traits of other crates on all networks: connections are made over the network that leads to
//! their destination, and names are resolved by all networks.

use core::net::{IpAddr, SocketAddr};

use super::connection::Connection;
use super::error::NetError;
use super::versions::{destination, look_up};
#[cfg(feature = "ipv6")]
use crate::net::ConnectError;
use crate::net::{Networks, ResolveError};

async fn connect(networks: &Networks, remote: SocketAddr) -> Result<Connection, NetError> {
    if let Some(network) = networks.route(remote.ip()) {
        let net = network.net();
        let stream = net.tcp_connect(destination(&net, remote)?).await?;
        return Ok(Connection(stream));
    }
    Err(match remote {
        SocketAddr::V4(remote) => match networks.tcp_connect(remote).await {
            Ok(stream) => return Ok(Connection(stream)),
            Err(error) => error.into(),
        },
        #[cfg(feature = "ipv6")]
        SocketAddr::V6(remote) => ConnectError::Ipv6(networks.no_ipv6_route(*remote.ip())).into(),
        #[cfg(not(feature = "ipv6"))]
        SocketAddr::V6(remote) => NetError::NotIpv4(IpAddr::V6(*remote.ip())),
    })
}

async fn resolve(
    networks: &Networks,
    name: &str,
    ipv4: bool,
    ipv6: bool,
) -> Result<IpAddr, NetError> {
    let mut outcome = ResolveError::NoServer;
    for network in networks.by_metric() {
        match look_up(&network.net(), name, ipv4, ipv6).await {
            Err(NetError::Resolve(error)) => outcome = Networks::worse(outcome, error),
            // Whether addresses of this version are supported does not depend on the network.
            found => return found,
        }
    }
    Err(outcome.into())
}

#[cfg(feature = "embedded-nal-async")]
mod nal {
    use embedded_nal_async::{AddrType, Dns, TcpConnect};

    use super::*;

    impl TcpConnect for Networks {
        type Error = NetError;
        type Connection<'a> = Connection;

        async fn connect(&self, remote: SocketAddr) -> Result<Connection, NetError> {
            connect(self, remote).await
        }
    }

    impl Dns for Networks {
        type Error = NetError;

        async fn get_host_by_name(&self, host: &str, kind: AddrType) -> Result<IpAddr, NetError> {
            resolve(self, host, kind != AddrType::IPv6, kind != AddrType::IPv4).await
        }

        async fn get_host_by_address(&self, _: IpAddr, _: &mut [u8]) -> Result<usize, NetError> {
            Err(NetError::Unsupported("resolving an address to a name"))
        }
    }
}

#[cfg(feature = "edge-nal")]
mod edge {
    use edge_nal::{AddrType, Dns, TcpConnect};

    use super::*;

    impl TcpConnect for Networks {
        type Error = NetError;
        type Socket<'a> = Connection;

        async fn connect(&self, remote: SocketAddr) -> Result<Connection, NetError> {
            connect(self, remote).await
        }
    }

    impl Dns for Networks {
        type Error = NetError;

        async fn get_host_by_name(&self, host: &str, kind: AddrType) -> Result<IpAddr, NetError> {
            resolve(self, host, kind != AddrType::IPv6, kind != AddrType::IPv4).await
        }

        async fn get_host_by_address(&self, _: IpAddr, _: &mut [u8]) -> Result<usize, NetError> {
            Err(NetError::Unsupported("resolving an address to a name"))
        }
    }
}
