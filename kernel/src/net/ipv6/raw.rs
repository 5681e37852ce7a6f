//! Packets of raw sockets over IPv6.

use core::net::Ipv4Addr;

use vmos_drivers::dma::Frame;

use super::packet::{ETHERNET, UPPER};
use super::sockets::Ipv6Error;
use crate::net::neighbours::Way;
use crate::net::raw::RawError;
use crate::net::stack::Stack;

impl Stack {
    /// Returns a frame with a packet for a stand-in, and the way of its hardware address. A packet
    /// to a group has the hop limit `group_hops`.
    ///
    /// # Errors
    ///
    /// If there is no route, the packet is longer than those that reach the peer, too many packets
    /// are waiting to be sent, or there is no memory.
    pub(in crate::net) fn ipv6_packet(
        &self,
        stand_in: Ipv4Addr,
        protocol: u8,
        group_hops: u8,
        payload: &[u8],
    ) -> Result<(Frame, Way), RawError> {
        let found = self.ipv6_way(stand_in);
        let (mut route, way, mtu) = found.ok_or(Ipv6Error::TooManyPeers)??;
        // The path to the peer may take less than the device (RFC 8201, 4), and the link, too
        // (RFC 4861, 6.3.4).
        let (length, maximum) = (payload.len(), mtu.saturating_sub(UPPER - ETHERNET));
        if length > maximum {
            return Err(RawError::TooLong { length, maximum });
        }
        self.check_raw_queue()?;
        if let Way::To(mac) = way {
            route.mac = mac.bytes();
        }
        if route.destination.is_multicast() {
            route.hop_limit = group_hops;
        }
        let size = UPPER + payload.len();
        let frame = self.frames.take_for(size);
        let mut frame = frame.map_err(|_| RawError::OutOfMemory)?;
        frame.set_len(size);
        frame.set_changed(false);
        let bytes = frame.bytes_mut();
        route.write(bytes, protocol);
        if let Some(place) = bytes.get_mut(UPPER..) {
            place.copy_from_slice(payload);
        }
        Ok((frame, way))
    }
}
