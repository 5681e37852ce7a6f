//! `embedded-nal-async`: TCP clients and name resolution.

use core::net::{IpAddr, SocketAddr};

use embedded_nal_async::{AddrType, Dns, TcpConnect};

use super::connection::Connection;
use super::error::NetError;
use super::versions::{destination, look_up};
use crate::net::Net;

impl TcpConnect for Net {
    type Error = NetError;
    type Connection<'a> = Connection;

    async fn connect(&self, remote: SocketAddr) -> Result<Connection, NetError> {
        Ok(Connection(
            self.tcp_connect(destination(self, remote)?).await?,
        ))
    }
}

impl Dns for Net {
    type Error = NetError;

    async fn get_host_by_name(&self, host: &str, kind: AddrType) -> Result<IpAddr, NetError> {
        let (ipv4, ipv6) = (kind != AddrType::IPv6, kind != AddrType::IPv4);
        look_up(self, host, ipv4, ipv6).await
    }

    async fn get_host_by_address(&self, _: IpAddr, _: &mut [u8]) -> Result<usize, NetError> {
        Err(NetError::Unsupported("resolving an address to a name"))
    }
}
