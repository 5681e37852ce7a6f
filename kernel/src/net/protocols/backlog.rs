//! Connections to a listener that can hold no more of them for now.
//!
//! A peer that hears nothing tries again after a second, and by then they have been accepted; one
//! that is refused gives up. So what asks for such a connection is dropped (RFC 1122, 4.2.3.5).

use alloc::vec::Vec;

use smoltcp::iface::SocketSet;
use smoltcp::socket::Socket;
use smoltcp::socket::tcp::State;
use smoltcp::wire::{EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, TcpPacket};

use crate::net::buffer::OutOfMemory;

/// The ports that somebody listens on.
#[derive(Default)]
pub(super) struct Listening {
    ports: Vec<u16>,
}

impl Listening {
    /// Adds a port.
    pub(super) fn add(&mut self, port: u16) -> Result<(), OutOfMemory> {
        self.ports.try_reserve(1).map_err(|_| OutOfMemory)?;
        self.ports.push(port);
        Ok(())
    }

    /// Takes a port out.
    pub(super) fn remove(&mut self, port: u16) {
        if let Some(position) = self.ports.iter().position(|listening| *listening == port) {
            self.ports.swap_remove(position);
        }
    }

    /// Whether the frame asks for a connection to a port that has no room for one.
    pub(super) fn is_full_for(&self, frame: &[u8], sockets: &SocketSet<'_>) -> bool {
        let Some(port) = asked_for(frame) else {
            return false;
        };
        self.ports.contains(&port)
            && !sockets.iter().any(|(_, socket)| {
                matches!(socket, Socket::Tcp(tcp)
                    if tcp.state() == State::Listen && tcp.listen_endpoint().port == port)
            })
    }
}

/// The port that a frame asks for a connection to.
fn asked_for(frame: &[u8]) -> Option<u16> {
    let frame = EthernetFrame::new_checked(frame).ok()?;
    if frame.ethertype() != EthernetProtocol::Ipv4 {
        return None;
    }
    let packet = Ipv4Packet::new_checked(frame.payload()).ok()?;
    if packet.next_header() != IpProtocol::Tcp {
        return None;
    }
    let segment = TcpPacket::new_checked(packet.payload()).ok()?;
    let asks = segment.syn() && !segment.ack() && !segment.rst();
    asks.then(|| segment.dst_port())
}
