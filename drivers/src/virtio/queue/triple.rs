//! Chains of three descriptors that stay with their owner and are lent again and again: only the
//! middle one changes.

use super::{Queue, Segment, State};

/// A chain of three segments that its owner keeps when the device has given it back: the queue's
/// free list does not get its descriptors until the owner [frees](Queue::free) its head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Triple {
    head: u16,
    /// The middle descriptor: its number in the queue, or 1 in the indirect table of `head`.
    middle: u16,
    /// The last descriptor, in the same place.
    last: u16,
    in_table: bool,
    /// How many bytes of the first and the last segment the device may write.
    around: u32,
}

impl Triple {
    /// The chain's first descriptor.
    #[inline]
    pub(crate) const fn head(self) -> u16 {
        self.head
    }
}

impl Queue {
    /// As [`lend`](Self::lend) for a chain of three segments that can be
    /// [lent again](Self::lend_triple_again).
    pub(crate) fn lend_triple(&mut self, segments: &[Segment; 3], owner: u16) -> Option<Triple> {
        let head = self.lend(segments, owner)?;
        let shadow = &self.shadow[usize::from(head)];
        let in_table = shadow.count == 1;
        let (middle, last) = if in_table {
            (1, 2)
        } else {
            (shadow.next, self.shadow[usize::from(shadow.next)].next)
        };
        let around = [segments[0], segments[2]]
            .iter()
            .filter(|segment| segment.writable)
            .fold(0_u32, |sum, segment| sum.saturating_add(segment.len));
        Some(Triple {
            head,
            middle,
            last,
            in_table,
            around,
        })
    }

    /// Lends a chain that was [taken](Self::take), and not freed since, once more, with `segment` in
    /// the middle. Returns whether it was lent: it is not where the queue was
    /// [started over](Self::restart) meanwhile.
    #[inline]
    pub(crate) fn lend_triple_again(&mut self, triple: Triple, segment: Segment) -> bool {
        let Some(shadow) = self
            .shadow
            .get_mut(usize::from(triple.head))
            .filter(|shadow| shadow.state == State::Held)
        else {
            return false;
        };
        let len = if segment.writable { segment.len } else { 0 };
        shadow.state = State::lent(shadow.count);
        shadow.writable = triple.around.saturating_add(len);
        let descriptor = segment.descriptor(Some(triple.last));
        if !triple.in_table {
            self.ring.set_descriptor(triple.middle, descriptor);
        } else if let Some(tables) = &mut self.tables {
            tables.set_descriptor(triple.head, triple.middle, descriptor);
        }
        self.push(triple.head);
        true
    }
}
