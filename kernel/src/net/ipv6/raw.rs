//! Packets of raw sockets over IPv6.

use core::net::Ipv4Addr;

use vmos_drivers::dma::Frame;

use super::packet::UPPER;
use super::sockets::Ipv6Error;
use crate::net::neighbours::Way;
use crate::net::stack::Stack;

impl Stack {
    /// Returns a frame with a packet for a stand-in, and the way of its hardware address; `None` if
    /// there is no memory for it.
    pub(in crate::net) fn ipv6_packet(
        &self,
        stand_in: Ipv4Addr,
        protocol: u8,
        payload: &[u8],
    ) -> Result<Option<(Frame, Way)>, Ipv6Error> {
        let (mut route, way, _) = self.ipv6_way(stand_in).ok_or(Ipv6Error::TooManyPeers)??;
        if let Way::To(mac) = way {
            route.mac = mac.bytes();
        }
        let size = UPPER + payload.len();
        let Ok(mut frame) = self.frames.take_for(size) else {
            return Ok(None);
        };
        frame.set_len(size);
        frame.set_changed(false);
        let bytes = frame.bytes_mut();
        route.write(bytes, protocol);
        if let Some(place) = bytes.get_mut(UPPER..) {
            place.copy_from_slice(payload);
        }
        Ok(Some((frame, way)))
    }
}
