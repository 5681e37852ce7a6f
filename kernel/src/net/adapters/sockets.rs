//! UDP ports of one network or of all networks, with addresses of both IP versions.

use core::net::SocketAddr;
#[cfg(not(feature = "ipv6"))]
use core::net::{IpAddr, SocketAddrV4};

use super::error::NetError;
#[cfg(feature = "networks")]
use crate::net::UdpSockets;
use crate::net::{Datagram, ReceiveError, UdpSocket};

/// A UDP port.
#[cfg_attr(
    not(feature = "edge-nal"),
    expect(unreachable_pub, reason = "only the types for edge-nal name it")
)]
pub trait Datagrams {
    /// Waits for the next datagram.
    fn next(&self) -> impl Future<Output = Result<Datagram, ReceiveError>>;

    /// Sends a datagram over the network that leads to the address.
    fn send_datagram(
        &self,
        bytes: &[u8],
        to: SocketAddr,
    ) -> impl Future<Output = Result<(), NetError>>;

    /// Sets how many links other datagrams than those to multicast groups may cross.
    #[cfg(feature = "edge-nal")]
    fn set_hops(&self, hops: u8);

    /// Sets how many links datagrams to multicast groups may cross.
    #[cfg(feature = "edge-nal")]
    fn set_group_hops(&self, hops: u8);

    /// Returns the sender of a datagram.
    fn sender_of(&self, datagram: &Datagram) -> SocketAddr;

    /// Waits for the next datagram and copies it to the start of `buffer`.
    fn next_into(
        &self,
        buffer: &mut [u8],
    ) -> impl Future<Output = Result<(usize, SocketAddr), ReceiveError>> {
        async move {
            let datagram = self.next().await?;
            Ok((datagram.copy_into(buffer)?, self.sender_of(&datagram)))
        }
    }
}

/// The items that are the same for one network and for all.
macro_rules! alike {
    () => {
        async fn next(&self) -> Result<Datagram, ReceiveError> {
            self.receive().await
        }

        #[cfg(feature = "edge-nal")]
        fn set_hops(&self, hops: u8) {
            self.set_ttl(hops);
        }

        #[cfg(feature = "edge-nal")]
        fn set_group_hops(&self, hops: u8) {
            self.set_multicast_ttl(hops);
        }

        #[cfg(feature = "ipv6")]
        async fn send_datagram(&self, bytes: &[u8], to: SocketAddr) -> Result<(), NetError> {
            Ok(self.send_to_any(bytes, to).await?)
        }

        #[cfg(not(feature = "ipv6"))]
        async fn send_datagram(&self, bytes: &[u8], to: SocketAddr) -> Result<(), NetError> {
            match to.ip().to_canonical() {
                IpAddr::V4(ip) => Ok(self
                    .send_to(bytes, SocketAddrV4::new(ip, to.port()))
                    .await?),
                ip @ IpAddr::V6(_) => Err(NetError::NotIpv4(ip)),
            }
        }
    };
}

impl Datagrams for UdpSocket {
    alike!();

    fn sender_of(&self, datagram: &Datagram) -> SocketAddr {
        sender(datagram)
    }
}

#[cfg(feature = "networks")]
impl Datagrams for UdpSockets {
    alike!();

    fn sender_of(&self, datagram: &Datagram) -> SocketAddr {
        let network = self.networks.of_datagram(datagram);
        self.networks.scoped(sender(datagram), network)
    }
}

fn sender(datagram: &Datagram) -> SocketAddr {
    #[cfg(feature = "ipv6")]
    let sender = datagram.sender();
    #[cfg(not(feature = "ipv6"))]
    let sender = datagram.source().into();
    sender
}
