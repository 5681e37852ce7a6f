//! `edge-nal`: TCP and name resolution.

use core::future::poll_fn;
use core::net::{IpAddr, SocketAddr};

use edge_nal::{
    AddrType, Close, Dns, Readable, TcpAccept, TcpBind, TcpConnect, TcpShutdown, TcpSplit,
};

use super::connection::{Connection, Reading, Writing};
use super::error::NetError;
use super::versions::{destination, look_up};
use crate::net::{Net, TcpListener};

/// A [`TcpListener`] for `edge-nal`.
pub struct Accepting(
    /// The wrapped TCP listener.
    pub TcpListener,
);

/// Checks that the address is one of this machine.
pub(super) fn check_local(net: &Net, address: IpAddr) -> Result<(), NetError> {
    let own = net.configuration().map(|known| known.address.address());
    let is_own = address.is_unspecified() || own.is_some_and(|own| address == IpAddr::V4(own));
    is_own.then_some(()).ok_or(NetError::NotOwn(address))
}

impl TcpConnect for Net {
    type Error = NetError;
    type Socket<'a> = Connection;

    async fn connect(&self, remote: SocketAddr) -> Result<Connection, NetError> {
        Ok(Connection(
            self.tcp_connect(destination(self, remote)?).await?,
        ))
    }
}

impl TcpBind for Net {
    type Error = NetError;
    type Accept<'a> = Accepting;

    /// Listens on the port. Up to [`TCP_BACKLOG`](crate::net::TCP_BACKLOG) connections can wait to
    /// be accepted.
    async fn bind(&self, local: SocketAddr) -> Result<Accepting, NetError> {
        check_local(self, local.ip())?;
        Ok(Accepting(self.tcp_listen(local.port())?))
    }
}

impl TcpAccept for Accepting {
    type Error = NetError;
    type Socket<'a> = Connection;

    async fn accept(&self) -> Result<(SocketAddr, Connection), NetError> {
        loop {
            let stream = self.0.accept().await?;
            // Skip a connection that is over already.
            if let Some(peer) = stream.peer() {
                return Ok((peer.into(), Connection(stream)));
            }
        }
    }
}

impl TcpSplit for Connection {
    type Read<'a> = Reading<'a>;
    type Write<'a> = Writing<'a>;

    fn split(&mut self) -> (Reading<'_>, Writing<'_>) {
        let (reader, writer) = self.0.split();
        (Reading(reader), Writing(writer))
    }
}

impl Readable for Connection {
    async fn readable(&mut self) -> Result<(), NetError> {
        Ok(self.0.readable().await?)
    }
}

impl Readable for Reading<'_> {
    async fn readable(&mut self) -> Result<(), NetError> {
        Ok(self.0.as_ref().readable().await?)
    }
}

impl TcpShutdown for Connection {
    /// Shuts down the writing side, and waits until the peer has acknowledged everything. The
    /// reading side cannot be shut down: a request for that does nothing.
    async fn close(&mut self, what: Close) -> Result<(), NetError> {
        if what == Close::Read {
            return Ok(());
        }
        self.0.shut_down();
        Ok(poll_fn(|context| self.0.poll_closed(context)).await?)
    }

    async fn abort(&mut self) -> Result<(), NetError> {
        self.0.break_off();
        Ok(())
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
