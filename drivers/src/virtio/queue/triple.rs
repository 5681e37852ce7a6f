//! Chains of three descriptors that their owner keeps and lends again; only the middle one changes.

use super::{Queue, Segment};

/// A chain of three segments that its owner keeps after the device has returned it: its descriptors
/// are not free until the owner [frees](Queue::free) its head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Triple {
    head: u16,
    /// The middle descriptor: its number in the queue, or 1 in the indirect table of `head`.
    middle: u16,
    /// The last descriptor: its number in the queue, or 2 in the indirect table of `head`.
    last: u16,
    in_table: bool,
    /// How many bytes of the first and the last segment together the device may write.
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
    /// Like [`lend`](Self::lend), for a chain of three segments that can be [lent
    /// again](Self::lend_triple_again).
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

    /// Lends a chain again that was [taken](Self::take) and not freed since, with `segment` in the
    /// middle. Returns whether it was lent: it is not if the queue was [restarted](Self::restart)
    /// meanwhile.
    #[inline]
    pub(crate) fn lend_triple_again(&mut self, triple: Triple, segment: Segment) -> bool {
        let Some(shadow) = self
            .shadow
            .get_mut(usize::from(triple.head))
            .filter(|shadow| shadow.is_held())
        else {
            return false;
        };
        let len = if segment.writable { segment.len } else { 0 };
        shadow.writable = triple.around.saturating_add(len);
        shadow.lent_as = self.available;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::PhysicalAddress;
    use crate::dma::Buffer;
    use crate::virtio::fake::DeviceRing;
    use crate::virtio::features::Features;
    use crate::virtio::queue::QueueAddresses;

    fn queue(size: u16, features: Features) -> (Queue, DeviceRing) {
        let queue = Queue::new(size, features, 3).expect("memory is allocated");
        let QueueAddresses {
            descriptors,
            available,
            used,
        } = queue.addresses();
        let ring = DeviceRing::new(descriptors.0, available.0, used.0, queue.size(), false);
        (queue, ring)
    }

    #[test]
    fn only_the_middle_of_a_chain_changes() {
        let memory = Buffer::new(256).expect("the host has 256 bytes");
        let at = |offset| PhysicalAddress(memory.address().0 + offset);
        let (first, last) = (Segment::readable(at(0), 16), Segment::writable(at(64), 1));
        // A queue of 4 keeps no chain of three in itself if tables are supported.
        for (size, features, indirect) in [
            (8, Features::empty(), false),
            (4, Features::INDIRECT_DESC, true),
        ] {
            let (mut queue, mut ring) = queue(size, features);
            let middle = Segment::readable(at(128), 8);
            let triple = queue.lend_triple(&[first, middle, last], 7).expect("room");
            let free = queue.free_descriptors();
            for middle in [(true, 128, 16), (false, 192, 32), (true, 192, 64)] {
                queue.publish();
                let chain = ring.pop().expect("it was published");
                ring.give_back(u32::from(chain.head), 65);
                let used = queue.take().expect("the chain was returned");
                assert_eq!((used.head, used.owner), (triple.head(), 7));
                let (writable, offset, len) = middle;
                let segment = if writable {
                    Segment::writable(at(offset), len)
                } else {
                    Segment::readable(at(offset), len)
                };
                assert!(queue.lend_triple_again(triple, segment));
                assert_eq!(queue.free_descriptors(), free);
                queue.publish();
                let chain = ring.pop().expect("it was published");
                assert_eq!(chain.indirect, indirect);
                let (data, mut readable) = ((at(offset).0, len), alloc::vec![(at(0).0, 16)]);
                let mut written = alloc::vec![(at(64).0, 1)];
                if writable {
                    written.insert(0, data);
                } else {
                    readable.push(data);
                }
                assert_eq!((&chain.readable, &chain.writable), (&readable, &written));
                ring.give_back(u32::from(chain.head), 1000);
                let used = queue.take().expect("the chain was returned");
                let room = 1 + if writable { len } else { 0 };
                assert_eq!((used.len, used.overlong), (room, true));
                assert!(queue.lend_triple_again(triple, segment));
            }
        }
    }

    #[test]
    fn a_chain_is_lent_again_only_while_it_is_held() {
        let memory = Buffer::new(256).expect("the host has 256 bytes");
        let segment = Segment::writable(memory.address(), 64);
        let (mut queue, mut ring) = queue(8, Features::empty());
        let triple = queue.lend_triple(&[segment; 3], 0).expect("room");
        assert!(
            !queue.lend_triple_again(triple, segment),
            "the device has it"
        );
        queue.publish();
        let chain = ring.pop().expect("it was published");
        ring.give_back(u32::from(chain.head), 0);
        assert!(queue.take().is_some());
        assert!(queue.lend_triple_again(triple, segment));
        assert!(
            !queue.lend_triple_again(triple, segment),
            "it was lent just now"
        );
        queue.restart();
        assert!(
            !queue.lend_triple_again(triple, segment),
            "it was forgotten"
        );
    }
}
