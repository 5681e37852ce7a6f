//! Takes the chains that the device has returned, and refuses what it cannot have returned.

use super::chain::NOT_LENT;
use super::ring::Place;
use super::{Queue, Refusal, Segment, Shadow, Used};
use crate::address::PhysicalAddress;
use crate::counts::report;
use crate::dma::Frame;

impl Queue {
    /// Returns how many chains [`look`](Self::look) has found that were not taken yet.
    #[inline]
    #[must_use]
    pub const fn found(&self) -> u16 {
        self.seen.wrapping_sub(self.taken)
    }

    /// Returns whether the device has returned a chain that was not taken yet, or violated the
    /// protocol.
    #[inline]
    #[must_use]
    pub fn has_used(&self) -> bool {
        self.ring.used_index() != self.taken
    }

    /// Takes one chain that the device has returned, if there is one.
    #[inline]
    pub fn take(&mut self) -> Option<Used> {
        if self.taken == self.seen && self.look() == 0 {
            return None;
        }
        self.take_next()
    }

    /// Like [`take`](Self::take), for a caller on the path of every request.
    #[inline(always)]
    pub fn take_now(&mut self) -> Option<Used> {
        if self.taken == self.seen && self.look() == 0 {
            return None;
        }
        self.take_next()
    }

    /// Takes one chain that [`look`](Self::look) has found, if one is left.
    #[inline(never)]
    pub fn take_seen(&mut self) -> Option<Used> {
        if self.taken == self.seen {
            return None;
        }
        self.take_next()
    }

    /// Takes the next of the chains that were found, of which there must be one.
    #[inline(always)]
    fn take_next(&mut self) -> Option<Used> {
        let (id, len) = self.ring.used_entry(self.taken);
        let Some(shadow) = self.shadow.get_mut(id as usize) else {
            self.refuse_id(id);
            return None;
        };
        if shadow.lent_as >= self.looked {
            self.refuse_id(id);
            return None;
        }
        shadow.lent_as = NOT_LENT;
        let used = used(id, len, shadow);
        self.pass(used);
        Some(used)
    }

    /// Takes one chain that [`look`](Self::look) has found, if one is left, and lends it again at once
    /// with `frame`, whose memory at `address` must have the same size. Only for queues whose chains all
    /// have a single descriptor. Returns what the device reports, with the frame that the chain had; the
    /// length of an overlong chain is 0.
    ///
    /// # Errors
    ///
    /// Returns `frame` if no chain is left, or the device returned one that it cannot have.
    #[inline]
    pub fn exchange(
        &mut self,
        address: PhysicalAddress,
        frame: Frame,
    ) -> Result<(Used, Option<Frame>), Frame> {
        if self.taken == self.seen {
            return Err(frame);
        }
        let (mut used, before) =
            self.lend_next(None, frame, |place| place.set_address(address.0))?;
        if used.overlong {
            used.len = 0;
        }
        Ok((used, before))
    }

    /// Like [`exchange`](Self::exchange), with `segment` as the new memory. A chain that was
    /// [found](Self::found) must be left.
    ///
    /// # Errors
    ///
    /// Returns `frame` if the device returned a chain that it cannot have.
    #[inline(always)]
    pub fn replace(
        &mut self,
        segment: Segment,
        frame: Frame,
    ) -> Result<(Used, Option<Frame>), Frame> {
        let writable = if segment.writable { segment.len } else { 0 };
        let descriptor = segment.descriptor(None);
        self.lend_next(Some(writable), frame, |place| {
            place.set_descriptor(descriptor);
        })
    }

    /// Takes the next of the chains that were found, of which there must be one, and lends it again with
    /// `frame` and what `describe` writes. The chain must have a single descriptor; `writable` replaces
    /// the number of bytes that the device may write.
    #[inline(always)]
    fn lend_next(
        &mut self,
        writable: Option<u32>,
        frame: Frame,
        describe: impl FnOnce(&mut Place<'_>),
    ) -> Result<(Used, Option<Frame>), Frame> {
        debug_assert_ne!(self.taken, self.seen, "a chain was found");
        let (id, len) = self.ring.used_entry(self.taken);
        let Some(shadow) = self.shadow.get_mut(id as usize) else {
            self.refuse_id(id);
            return Err(frame);
        };
        if shadow.lent_as >= self.looked {
            self.refuse_id(id);
            return Err(frame);
        }
        debug_assert_eq!(shadow.count, 1, "the chain has one descriptor");
        let number = self.available;
        let mut place = self.ring.place(id as u16, number as u16);
        let used = used(id, len, shadow);
        shadow.lent_as = number;
        if let Some(writable) = writable {
            shadow.writable = writable;
        }
        let before = shadow.frame.replace(frame);
        describe(&mut place);
        place.lend();
        self.available = number + 1;
        self.pass(used);
        Ok((used, before))
    }

    /// Advances past a used entry.
    #[inline]
    fn pass(&mut self, used: Used) {
        self.taken = self.taken.wrapping_add(1);
        if used.overlong {
            self.count_overlong();
        }
    }

    #[cold]
    fn count_overlong(&mut self) {
        self.statistics.refused_lengths += 1;
        report(
            "used entries whose length exceeds their chain",
            u64::from(self.statistics.refused_lengths),
        );
    }

    #[cold]
    fn refuse_id(&mut self, id: u32) {
        self.statistics.refused_ids += 1;
        self.refuse(Refusal::Id(id));
    }

    /// Reads the used index, unless chains are left that were found before. Returns how many
    /// returned chains were not taken yet; 0 if the index is invalid.
    #[inline]
    pub fn look(&mut self) -> u16 {
        if self.found() > 0 {
            return self.found();
        }
        let (taken, published) = (self.taken, self.published);
        let seen = self.ring.used_index();
        let ahead = seen.wrapping_sub(taken);
        // A broken queue has nothing in flight.
        if ahead > (published as u16).wrapping_sub(taken) {
            self.refuse_index(ahead);
            return 0;
        }
        self.seen = seen;
        self.looked = published;
        ahead
    }

    /// Breaks the queue, because the device returned a chain whose request has no result yet.
    #[cold]
    pub fn refuse_unfinished(&mut self, head: u16) {
        self.statistics.refused_ids += 1;
        self.refuse(Refusal::Unfinished(head));
    }

    #[cold]
    fn refuse_index(&mut self, ahead: u16) {
        if self.broken.is_some() {
            return;
        }
        self.statistics.refused_indices += 1;
        self.refuse(Refusal::Index {
            ahead,
            lent: self.in_flight(),
        });
    }

    #[cold]
    fn refuse(&mut self, refusal: Refusal) {
        self.broken = Some(refusal);
        // What was not taken is dropped.
        self.seen = self.taken;
        self.lost += u64::from(self.in_flight());
        let in_flight = u64::from(self.in_flight());
        self.published_before += in_flight;
        self.published -= in_flight;
    }
}

/// Returns what the device reports about the chain with the record `shadow`.
#[inline]
const fn used(id: u32, len: u32, shadow: &Shadow) -> Used {
    let mut used = Used {
        head: id as u16,
        owner: shadow.owner,
        len,
        overlong: false,
    };
    if len > shadow.writable {
        used.len = shadow.writable;
        used.overlong = true;
    }
    used
}
