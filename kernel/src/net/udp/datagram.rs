//! Datagrams in hand.

use core::fmt;
use core::net::{Ipv4Addr, SocketAddrV4};

use super::packet::Packet;
use super::wire::Mac;
use crate::net::stack::Stack;

/// A received datagram. Its buffer goes back to where it came from when it is dropped.
pub struct Datagram {
    /// There until it is dropped.
    packet: Option<Packet>,
    stack: &'static Stack,
}

impl Datagram {
    #[inline]
    pub(super) fn new(packet: Packet, stack: &'static Stack) -> Self {
        Self {
            packet: Some(packet),
            stack,
        }
    }

    /// The bytes.
    #[inline]
    pub fn payload(&self) -> &[u8] {
        self.packet.as_ref().map_or(&[], |packet| &packet.payload)
    }

    /// The bytes, to be changed where they are before they are
    /// [sent back](super::UdpSocket::send_back).
    #[inline]
    pub fn payload_mut(&mut self) -> &mut [u8] {
        self.packet
            .as_mut()
            .map_or(&mut [], |packet| &mut packet.payload)
    }

    /// Leaves only the first `length` bytes, where there are more.
    pub fn truncate(&mut self, length: usize) {
        if let Some(packet) = &mut self.packet {
            packet.payload.truncate(length);
        }
    }

    /// Where it came from. A port of 0 means that no reply is wanted.
    #[inline]
    pub fn source(&self) -> SocketAddrV4 {
        let nobody = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        self.packet.as_ref().map_or(nobody, |packet| packet.peer)
    }

    /// Who brought it, where that is known.
    #[inline]
    pub(super) fn mac(&self) -> Option<Mac> {
        self.packet.as_ref().and_then(|packet| packet.mac)
    }

    /// The buffer, of which nothing is left here.
    #[inline]
    pub(super) fn take(&mut self) -> Option<Packet> {
        self.packet.take()
    }
}

impl Drop for Datagram {
    #[inline]
    fn drop(&mut self) {
        if let Some(packet) = self.packet.take() {
            self.stack.pool.give(packet);
        }
    }
}

impl fmt::Debug for Datagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes from {}", self.payload().len(), self.source())
    }
}
