//! Buffers for datagrams on their way, and where they are kept meanwhile.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::net::SocketAddrV4;
use core::ops::{Deref, DerefMut};

use super::wire::Mac;
use crate::net::buffer::OutOfMemory;

/// A datagram and the one at the other end. As small as a pointer, since it is handed on often.
pub(in crate::net) struct Packet(Box<[Contents; 1]>);

/// What a [`Packet`] holds.
pub(in crate::net) struct Contents {
    pub(in crate::net) payload: Vec<u8>,
    pub(super) peer: SocketAddrV4,
    /// The peer's hardware address, or its router's; none where smoltcp has to find it out.
    pub(super) mac: Option<Mac>,
}

impl Packet {
    /// A packet with room for `capacity` bytes.
    fn new(capacity: usize, peer: SocketAddrV4, mac: Option<Mac>) -> Result<Self, OutOfMemory> {
        let mut payload = Vec::new();
        payload
            .try_reserve_exact(capacity)
            .map_err(|_| OutOfMemory)?;
        // A box of one, made by way of a vector, which tells where memory is out.
        let mut one = Vec::new();
        one.try_reserve_exact(1).map_err(|_| OutOfMemory)?;
        one.push(Contents { payload, peer, mac });
        one.into_boxed_slice()
            .try_into()
            .map(Self)
            .map_err(|_| OutOfMemory)
    }
}

impl Deref for Packet {
    type Target = Contents;

    #[inline]
    fn deref(&self) -> &Contents {
        let [contents] = &*self.0;
        contents
    }
}

impl DerefMut for Packet {
    #[inline]
    fn deref_mut(&mut self) -> &mut Contents {
        let [contents] = &mut *self.0;
        contents
    }
}

/// Packets that nobody needs for now, kept for the next datagrams: a server that receives and
/// replies then allocates nothing.
#[derive(Default)]
pub(in crate::net) struct Pool {
    spare: RefCell<Vec<Packet>>,
}

impl Pool {
    /// Capacity of each packet in the pool, in bytes: whatever fits an Ethernet frame.
    const CAPACITY: usize = 1536;
    /// The most packets that are kept.
    const PACKETS: usize = 64;

    /// A packet with a copy of `payload`.
    #[inline]
    pub(super) fn copy(
        &self,
        payload: &[u8],
        peer: SocketAddrV4,
        mac: Option<Mac>,
    ) -> Result<Packet, OutOfMemory> {
        let spare = if payload.len() <= Self::CAPACITY {
            self.spare.borrow_mut().pop()
        } else {
            None
        };
        let mut packet = match spare {
            Some(mut packet) => {
                packet.peer = peer;
                packet.mac = mac;
                packet
            }
            None => Packet::new(payload.len().max(Self::CAPACITY), peer, mac)?,
        };
        packet.payload.clear();
        packet.payload.extend_from_slice(payload);
        Ok(packet)
    }

    /// Takes a packet back.
    #[inline]
    pub(super) fn give(&self, packet: Packet) {
        let mut spare = self.spare.borrow_mut();
        let full = spare.len() == spare.capacity() && !Self::grow(&mut spare);
        if !full && packet.payload.capacity() == Self::CAPACITY {
            spare.push(packet);
        }
    }

    /// Makes room for the packets that are kept, once.
    #[cold]
    fn grow(spare: &mut Vec<Packet>) -> bool {
        spare.capacity() < Self::PACKETS && spare.try_reserve_exact(Self::PACKETS).is_ok()
    }
}
