//! Datagrams that arrive in fragments (RFC 791, 3.2).
//!
//! They are put together before smoltcp sees them: only the whole datagram tells whose it is, and
//! only of the whole can the checksum be verified.

use alloc::vec::Vec;

use smoltcp::storage::Assembler;

use super::packet::{ETHERNET, HEADER, Packet, simplify};
use crate::net::statistics::{Counters, count};

/// The most datagrams at a time. Another one takes the place of the oldest, so that fragments which
/// nothing follows keep no others out.
const DATAGRAMS: usize = 4;

/// The longest payload that is put together, in bytes: as much as can be sent in reply.
const LONGEST: usize = smoltcp::config::FRAGMENTATION_BUFFER_SIZE - HEADER;

/// How long the fragments of a datagram may take, in nanoseconds (RFC 1122, 3.3.2).
const LIFETIME: u64 = 60_000_000_000;

/// The datagrams of which something is missing.
#[derive(Default)]
pub(super) struct Reassembly {
    datagrams: [Option<Partial>; DATAGRAMS],
}

/// A datagram of which something is missing.
struct Partial {
    key: Key,
    /// A frame of its own with the headers and the payload, as far as it came.
    frame: Vec<u8>,
    received: Assembler,
    /// The length of the payload, once the last fragment came.
    length: Option<usize>,
    /// It is longer than what is put together.
    too_long: bool,
    expires: u64,
}

/// What fragments of one datagram have in common: addresses, protocol and identification.
#[derive(PartialEq, Eq)]
struct Key([u8; 8], u8, [u8; 2]);

impl Key {
    fn of(packet: &Packet<'_>) -> Option<Self> {
        let header = packet.header;
        Some(Self(
            *header.get(12..)?.first_chunk()?,
            packet.protocol(),
            *header.get(4..)?.first_chunk()?,
        ))
    }
}

impl Reassembly {
    /// Takes a fragment that arrived in `frame`, at `offset` in its datagram. Returns the frame that
    /// would have held the whole datagram once this was all that was missing.
    pub(super) fn take(
        &mut self,
        frame: &[u8],
        packet: &Packet<'_>,
        (offset, more): (usize, bool),
        now: u64,
        counters: &Counters,
    ) -> Option<Vec<u8>> {
        let key = Key::of(packet)?;
        for datagram in &mut self.datagrams {
            datagram.take_if(|partial| partial.expires <= now);
        }
        let known = |one: &Option<Partial>| one.as_ref().is_some_and(|one| one.key == key);
        let place = match self.datagrams.iter().position(known) {
            Some(place) => place,
            None => self.free_place(),
        };
        let slot = &mut self.datagrams[place];
        let partial = slot.get_or_insert_with(|| Partial {
            key,
            frame: Vec::new(),
            received: Assembler::new(),
            length: None,
            too_long: false,
            expires: now.saturating_add(LIFETIME),
        });
        if !partial.add(frame, packet, offset, more) {
            count(&counters.out_of_memory);
            *slot = None;
            return None;
        }
        if partial.length != Some(partial.received.peek_front()) {
            return None;
        }
        let partial = slot.take()?;
        if partial.too_long {
            count(&counters.too_long);
            return None;
        }
        Some(partial.finish())
    }

    /// A place for one more datagram: a free one, or that of the oldest, which is dropped.
    fn free_place(&mut self) -> usize {
        let age = |place: &usize| self.datagrams[*place].as_ref().map(|one| one.expires);
        // None is less than any.
        let place = (0..DATAGRAMS).min_by_key(age).unwrap_or_default();
        self.datagrams[place] = None;
        place
    }
}

impl Partial {
    /// Adds a fragment, or drops it where it contradicts another. False where memory is out.
    fn add(&mut self, frame: &[u8], packet: &Packet<'_>, offset: usize, more: bool) -> bool {
        let end = offset + packet.payload.len();
        if !more && *self.length.get_or_insert(end) != end {
            return true;
        }
        if self.received.add(offset, packet.payload.len()).is_err() {
            return true;
        }
        if end > LONGEST {
            self.too_long = true;
            return true;
        }
        let start = ETHERNET + HEADER;
        if self.frame.len() < start + end {
            let missing = start + end - self.frame.len();
            if self.frame.try_reserve_exact(missing).is_err() {
                return false;
            }
            self.frame.resize(start + end, 0);
        }
        let (headers, payload) = self.frame.split_at_mut(start);
        if let (Some(headers_of_this), Some(place)) =
            (frame.get(..start), payload.get_mut(offset..end))
        {
            headers.copy_from_slice(headers_of_this);
            place.copy_from_slice(packet.payload);
        }
        true
    }

    /// The frame of the whole datagram.
    fn finish(self) -> Vec<u8> {
        let mut frame = self.frame;
        let length = HEADER + self.length.unwrap_or_default();
        frame.truncate(ETHERNET + length);
        simplify(&mut frame, length);
        frame
    }
}
