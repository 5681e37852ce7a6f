//! Addresses of both IP versions for the traits of other crates. Without the feature `ipv6`, IPv6 is
//! unsupported.

use core::net::{IpAddr, SocketAddr, SocketAddrV4};

use super::error::NetError;
#[cfg(feature = "edge-nal")]
use crate::net::Datagram;
use crate::net::Net;
#[cfg(feature = "ipv6")]
use crate::net::{ConnectError, ResolveError};

/// Returns the address that sockets accept for a destination.
pub(super) fn destination(net: &Net, to: SocketAddr) -> Result<SocketAddrV4, NetError> {
    match to {
        SocketAddr::V4(to) => Ok(to),
        #[cfg(feature = "ipv6")]
        SocketAddr::V6(to) => match net.stand_in(IpAddr::V6(*to.ip())) {
            Ok(ip) => Ok(SocketAddrV4::new(ip, to.port())),
            Err(error) => Err(ConnectError::Ipv6(error).into()),
        },
        #[cfg(not(feature = "ipv6"))]
        SocketAddr::V6(to) => {
            let _ = net;
            Err(NetError::NotIpv4(IpAddr::V6(*to.ip())))
        }
    }
}

/// Returns the sender of a datagram.
#[cfg(feature = "edge-nal")]
pub(super) fn sender(datagram: &Datagram) -> SocketAddr {
    #[cfg(feature = "ipv6")]
    let sender = datagram.sender();
    #[cfg(not(feature = "ipv6"))]
    let sender = datagram.source().into();
    sender
}

/// Returns the first address of a name, of one of the accepted versions.
pub(super) async fn look_up(
    net: &Net,
    name: &str,
    accepts_ipv4: bool,
    accepts_ipv6: bool,
) -> Result<IpAddr, NetError> {
    if accepts_ipv4 && !(accepts_ipv6 && cfg!(feature = "ipv6")) {
        return Ok(IpAddr::V4(net.resolve(name).await?));
    }
    #[cfg(feature = "ipv6")]
    {
        let found = net.resolve_any(name).await?;
        let is_accepted = |address: &IpAddr| accepts_ipv4 || address.is_ipv6();
        let address = found.iter().find(is_accepted);
        address.ok_or(NetError::Resolve(ResolveError::Unknown))
    }
    #[cfg(not(feature = "ipv6"))]
    Err(NetError::Unsupported(
        "resolving a name to an IPv6 address without the feature `ipv6`",
    ))
}
