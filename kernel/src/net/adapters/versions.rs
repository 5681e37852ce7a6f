//! Names with addresses of both IP versions for the traits of other crates. Without the feature `ipv6`,
//! IPv6 is unsupported.

use core::net::IpAddr;

use super::error::NetError;
use crate::net::Net;
#[cfg(feature = "ipv6")]
use crate::net::ResolveError;

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
