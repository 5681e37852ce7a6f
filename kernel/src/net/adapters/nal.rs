//! `embedded-nal-async`: TCP clients and name resolution, on one network and on all.

use core::net::{IpAddr, SocketAddr};

use embedded_nal_async::{AddrType, Dns, TcpConnect};

use super::connection::Connection;
use super::error::NetError;
use super::host::Host;
use crate::net::Net;
#[cfg(feature = "networks")]
use crate::net::Networks;

macro_rules! connects {
    ($host:ty) => {
        impl TcpConnect for $host {
            type Error = NetError;
            type Connection<'a> = Connection;

            async fn connect(&self, remote: SocketAddr) -> Result<Connection, NetError> {
                self.connect_to(remote).await
            }
        }

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

connects!(Net);
#[cfg(feature = "networks")]
connects!(Networks);
