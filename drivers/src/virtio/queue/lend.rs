//! Lends chains to the device.

use super::ring::{self, Descriptor, INDIRECT};
use super::{Queue, Segment};

/// The longest chain put directly into the queue, provided that half of the queue stays free.
/// Reading an indirect table costs the device time, so tables are used only for longer chains or if
/// descriptors are scarce.
const DIRECT: usize = 3;

impl Queue {
    /// Returns whether a chain of `segments` would be accepted now.
    #[must_use]
    pub fn has_room(&self, segments: usize) -> bool {
        segments > 0 && (segments <= usize::from(self.free) || self.fits_table(segments))
    }

    /// Returns whether a chain may be longer than the queue, and needs one descriptor of it.
    pub(crate) const fn has_tables(&self) -> bool {
        self.tables.is_some()
    }

    fn fits_table(&self, segments: usize) -> bool {
        self.free > 0
            && self
                .tables
                .as_ref()
                .is_some_and(|tables| segments <= usize::from(tables.entries()))
    }

    /// Lends a chain of one segment; the device sees it after the next [`publish`](Self::publish).
    /// Returns its head; `None` if no descriptor is free.
    #[inline]
    pub fn lend_one(&mut self, segment: Segment, owner: u16) -> Option<u16> {
        let head = self.next_head()?;
        self.ring.set_descriptor(head, segment.descriptor(None));
        let shadow = self.shadow.get_mut(usize::from(head))?;
        self.first_free = shadow.next;
        self.free -= 1;
        let writable = if segment.writable { segment.len } else { 0 };
        shadow.describe(0, 1, owner, writable, self.available);
        self.push(head);
        Some(head)
    }

    /// Lends the chain of `segments`; the device sees it after the next [`publish`](Self::publish).
    /// Readable segments must precede writable ones (2.7.4.2). Returns its head; `None` if there is
    /// no [room](Self::has_room).
    pub fn lend(&mut self, segments: &[Segment], owner: u16) -> Option<u16> {
        if segments.is_empty() {
            return None;
        }
        let (count, free) = (segments.len(), usize::from(self.free));
        let plenty = count <= DIRECT && count + usize::from(self.size() / 2) <= free;
        let head = if !plenty && self.fits_table(count) {
            self.lend_table(segments)?
        } else if count <= free {
            self.lend_direct(segments)?
        } else {
            return None;
        };
        let writable = segments
            .iter()
            .filter(|segment| segment.writable)
            .fold(0_u32, |sum, segment| sum.saturating_add(segment.len));
        let shadow = &mut self.shadow[usize::from(head)];
        (shadow.owner, shadow.writable) = (owner, writable);
        shadow.lent_as = self.available;
        self.push(head);
        Some(head)
    }

    /// Takes a descriptor from the free list, which must not be empty.
    fn take_free(&mut self) -> u16 {
        let index = self.first_free;
        self.first_free = self.shadow[usize::from(index)].next;
        self.free -= 1;
        index
    }

    fn lend_direct(&mut self, segments: &[Segment]) -> Option<u16> {
        let head = self.next_head()?;
        for (position, segment) in segments.iter().enumerate() {
            let index = self.take_free();
            let more = position + 1 < segments.len();
            // The free list is the chain: its next entry is taken in the next round.
            self.ring
                .set_descriptor(index, segment.descriptor(more.then_some(self.first_free)));
        }
        self.shadow[usize::from(head)].count = segments.len() as u16;
        Some(head)
    }

    fn lend_table(&mut self, segments: &[Segment]) -> Option<u16> {
        let tables = self.tables.as_mut()?;
        let head = self.first_free;
        for (entry, segment) in (0_u16..).zip(segments) {
            let more = usize::from(entry) + 1 < segments.len();
            tables.set_descriptor(head, entry, segment.descriptor(more.then_some(entry + 1)));
        }
        let table = Descriptor {
            address: tables.address(head),
            len: (segments.len() * ring::DESCRIPTOR) as u32,
            flags: INDIRECT,
            next: 0,
        };
        self.ring.set_descriptor(head, table);
        self.take_free();
        self.shadow[usize::from(head)].count = 1;
        Some(head)
    }

    #[inline]
    pub(super) fn push(&mut self, head: u16) {
        let number = self.available;
        self.ring.set_available(number as u16, head);
        self.available = number + 1;
    }
}
