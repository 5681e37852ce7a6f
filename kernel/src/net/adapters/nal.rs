//! `embedded-nal-async`: TCP clients and name resolution, on one network and on all.

use core::net::{IpAddr, SocketAddr};

use embedded_nal_async::{AddrType, Dns, TcpConnect};

use super::connection::Connection;
use super::error::NetError;
use super::host::{Host as _, resolves};
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

        resolves!($host);
    };
}

connects!(Net);
#[cfg(feature = "networks")]
connects!(Networks);
