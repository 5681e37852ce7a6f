//! An address with a port: smoltcp's and the standard library's.

use core::net::{Ipv4Addr, SocketAddrV4};

use smoltcp::wire::{IpAddress, IpEndpoint};

pub(super) fn address(endpoint: IpEndpoint) -> SocketAddrV4 {
    SocketAddrV4::new(ipv4(endpoint.addr), endpoint.port)
}

pub(super) fn endpoint(address: SocketAddrV4) -> IpEndpoint {
    IpEndpoint {
        addr: IpAddress::Ipv4(*address.ip()),
        port: address.port(),
    }
}

fn ipv4(address: IpAddress) -> Ipv4Addr {
    let IpAddress::Ipv4(address) = address;
    address
}
