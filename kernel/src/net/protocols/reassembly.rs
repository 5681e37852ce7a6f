//! Reassembles datagrams that arrive in fragments (RFC 791, 3.2).
//!
//! Reassembly comes before anything else, because only a whole datagram shows its port and can have
//! its checksum verified.

use vmos_drivers::dma::Frame;

use super::packet::{ETHERNET, HEADER, Packet};
use crate::net::assembler::Assembler;
use crate::net::packet::{IP_HEADERS, set_fragment};
use crate::net::ports::LONGEST_PACKET;
use crate::net::statistics::{Counters, count};

/// The largest number of incomplete datagrams. A further one replaces the oldest, so that
/// incomplete ones never block others.
const DATAGRAMS: usize = 4;

/// The longest reassembled payload, in bytes: the most that can be sent in reply.
const LONGEST: usize = LONGEST_PACKET - HEADER;

/// The time in which all fragments of a datagram must arrive, in nanoseconds (RFC 1122, 3.3.2).
const LIFETIME: u64 = 60_000_000_000;

/// The datagrams that are being reassembled.
#[derive(Default)]
pub(super) struct Reassembly {
    datagrams: [Option<Partial>; DATAGRAMS],
}

/// An incomplete datagram.
struct Partial {
    key: ([u8; 8], [u8; 2], [u8; 1]),
    /// The headers of the first fragment that arrived, and the payload received so far.
    frame: Frame,
    received: Assembler,
    /// The length of the payload, once the last fragment has arrived.
    length: Option<usize>,
    /// Whether the datagram exceeds the longest payload.
    too_long: bool,
    /// When the datagram is dropped if it is still incomplete, in nanoseconds.
    expires: u64,
}

impl Reassembly {
    /// Processes the fragment in `frame`: its offset in the datagram, and whether more follow. If
    /// this completes the datagram, returns the frame with all of it.
    pub(super) fn take(
        &mut self,
        frame: &[u8],
        (offset, more): (usize, bool),
        now: u64,
        counters: &Counters,
    ) -> Option<Frame> {
        let packet = Packet::parse(frame).ok()?;
        let key = packet.datagram();
        for datagram in &mut self.datagrams {
            if datagram.take_if(|partial| partial.expires <= now).is_some() {
                count(&counters.fragments_dropped);
            }
        }
        let known = |one: &Option<Partial>| one.as_ref().is_some_and(|one| one.key == key);
        let place = match self.datagrams.iter().position(known) {
            Some(place) => place,
            None => {
                let place = self.free_place(counters);
                let mut whole = Frame::new(IP_HEADERS + LONGEST).ok();
                if let Some(whole) = &mut whole {
                    whole.set_len(IP_HEADERS);
                    whole.bytes_mut().copy_from_slice(frame.get(..IP_HEADERS)?);
                } else {
                    count(&counters.out_of_memory);
                }
                self.datagrams[place] = Some(Partial {
                    key,
                    frame: whole?,
                    received: Assembler::new(),
                    length: None,
                    too_long: false,
                    expires: now.saturating_add(LIFETIME),
                });
                place
            }
        };
        let slot = &mut self.datagrams[place];
        let partial = slot.as_mut()?;
        if !partial.add(packet.payload, offset, more) {
            count(&counters.fragments_dropped);
            return None;
        }
        if partial.length != Some(partial.received.peek_front()) {
            return None;
        }
        let mut whole = slot.take()?;
        if whole.too_long {
            count(&counters.too_long);
            return None;
        }
        whole.frame.set_verified(false);
        whole.frame.set_changed(false);
        // From here on, it is treated like an unfragmented packet.
        set_fragment(&mut whole.frame, 0, 0, false);
        Some(whole.frame)
    }

    /// Returns an entry for another datagram: a free one, or that of the oldest datagram, which is
    /// dropped.
    fn free_place(&mut self, counters: &Counters) -> usize {
        let age = |place: &usize| self.datagrams[*place].as_ref().map(|one| one.expires);
        // `None` sorts first.
        let place = (0..DATAGRAMS).min_by_key(age).unwrap_or_default();
        if self.datagrams[place].take().is_some() {
            count(&counters.fragments_dropped);
        }
        place
    }
}

impl Partial {
    /// Adds a fragment. Returns false if it contradicts another one or leaves too many gaps.
    fn add(&mut self, payload: &[u8], offset: usize, more: bool) -> bool {
        let end = offset + payload.len();
        if !more && *self.length.get_or_insert(end) != end {
            return false;
        }
        if self.received.add(offset, payload.len()).is_err() {
            return false;
        }
        if end > LONGEST {
            self.too_long = true;
            return true;
        }
        if self.frame.len() < IP_HEADERS + end {
            self.frame.set_len(IP_HEADERS + end);
        }
        let place = self.frame.bytes_mut().get_mut(ETHERNET + HEADER..);
        if let Some(place) = place.and_then(|place| place.get_mut(offset..end)) {
            place.copy_from_slice(payload);
        }
        true
    }
}
