//! `edge-nal`: TCP and name resolution, on one network and on all.

use core::future::poll_fn;
use core::net::{IpAddr, SocketAddr};

use edge_nal::{
    AddrType, Close, Dns, Readable, TcpAccept, TcpBind, TcpConnect, TcpShutdown, TcpSplit,
};

use super::binding::{Binding, Listening as _};
use super::connection::{Connection, Reading, Writing};
use super::error::NetError;
use super::host::{Host as _, resolves};
use crate::net::Net;
#[cfg(feature = "networks")]
use crate::net::Networks;

/// A TCP port for `edge-nal`: of one network, or, as `Accepting<Networks>`, of all.
pub struct Accepting<H: Binding = Net> {
    host: H,
    listener: H::Listener,
}

macro_rules! binds {
    ($host:ty) => {
        impl TcpConnect for $host {
            type Error = NetError;
            type Socket<'a> = Connection;

            async fn connect(&self, remote: SocketAddr) -> Result<Connection, NetError> {
                self.connect_to(remote).await
            }
        }

        impl TcpBind for $host {
            type Error = NetError;
            type Accept<'a> = Accepting<Self>;

            /// Listens on the port of the unspecified or of an own address. Up to
            /// [`TCP_BACKLOG`](crate::net::TCP_BACKLOG) connections of a network can wait to be
            /// accepted.
            async fn bind(&self, local: SocketAddr) -> Result<Accepting<Self>, NetError> {
                let host = self.with_address(local.ip())?;
                let listener = host.listen(local.port())?;
                Ok(Accepting { host, listener })
            }
        }

        resolves!($host);
    };
}

binds!(Net);
#[cfg(feature = "networks")]
binds!(Networks);

impl<H: Binding> TcpAccept for Accepting<H> {
    type Error = NetError;
    type Socket<'a>
        = Connection
    where
        Self: 'a;

    async fn accept(&self) -> Result<(SocketAddr, Connection), NetError> {
        loop {
            let stream = self.listener.next().await?;
            // Skip a connection that is over already.
            if let Some(peer) = self.host.peer_of(&stream) {
                return Ok((peer, Connection(stream)));
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
