//! sntpc: a socket that asks time servers.

use core::net::SocketAddr;

use sntpc::{Error, NtpUdpSocket, Result};

use crate::net::UdpSocket;

impl NtpUdpSocket for UdpSocket {
    async fn send_to(&self, bytes: &[u8], to: SocketAddr) -> Result<usize> {
        let SocketAddr::V4(to) = to else {
            return Err(Error::Network);
        };
        let sent = Self::send_to(self, bytes, to).await;
        sent.map(|()| bytes.len()).map_err(|_| Error::Network)
    }

    async fn recv_from(&self, buffer: &mut [u8]) -> Result<(usize, SocketAddr)> {
        let received = self.receive_into(buffer).await;
        let (length, from) = received.map_err(|_| Error::Network)?;
        Ok((length, from.into()))
    }
}
