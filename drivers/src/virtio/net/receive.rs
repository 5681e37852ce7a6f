//! Receiving: a ring of buffers that go round.

use core::ops::Deref;

use super::header::{CSUM_OFFSET, CSUM_START, DATA_VALID, FLAGS, Layout, NEEDS_CSUM, NUM_BUFFERS};
use super::{ETHERNET_HEADER, Statistics};
use crate::address::PhysicalAddress;
use crate::dma::{Blocks, Buffer, OutOfMemory};
use crate::virtio::queue::{Queue, Segment, Used};
use crate::virtio::transport::Doorbell;

/// A received frame. It is the device's again at the next [`receive`](super::Net::receive) or
/// [`publish`](super::Net::publish).
#[derive(Debug)]
pub struct RxFrame<'a> {
    bytes: &'a [u8],
    verified: bool,
}

impl RxFrame<'_> {
    /// Whether the checksum of the transport layer is known to be right.
    #[inline]
    #[must_use]
    pub const fn checksum_verified(&self) -> bool {
        self.verified
    }
}

impl Deref for RxFrame<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

/// The receive queue and its buffers.
pub(super) struct Receive {
    pub(super) queue: Queue,
    pub(super) doorbell: Doorbell,
    blocks: Blocks,
    layout: Layout,
    /// Whether the device may say something about checksums.
    checksums: bool,
    /// The longest frame that is taken.
    limit: usize,
    /// Where a frame in several buffers is put together.
    merge: Option<Buffer>,
    /// The chain whose frame was given out last.
    given_out: Option<u16>,
}

/// Where a frame is.
enum Place {
    /// In its block, with so many bytes.
    Block { block: u16, len: usize },
    /// In the merge buffer, with so many bytes.
    Merged { len: usize },
}

impl Receive {
    pub(super) fn new(
        queue: Queue,
        layout: Layout,
        checksums: bool,
        limit: usize,
        block: usize,
    ) -> Result<Self, OutOfMemory> {
        let count = queue.size() / layout.descriptors();
        let merge = if layout.merged {
            Some(Buffer::new(limit)?)
        } else {
            None
        };
        Ok(Self {
            blocks: Blocks::new(count, layout.header + block)?,
            queue,
            doorbell: Doorbell::NONE,
            layout,
            checksums,
            limit,
            merge,
            given_out: None,
        })
    }

    /// Lends every buffer to the device; for a queue that has just been started.
    pub(super) fn fill(&mut self) {
        self.given_out = None;
        let count = self.queue.size() / self.layout.descriptors();
        let (header, size) = (self.layout.header as u32, self.blocks.size() as u32);
        for block in 0..count {
            let address = self.blocks.address(block);
            if self.layout.split {
                let data = PhysicalAddress(address.0 + u64::from(header));
                let segments = [
                    Segment::writable(address, header),
                    Segment::writable(data, size - header),
                ];
                self.queue.lend(&segments, block);
            } else {
                self.queue.lend_one(Segment::writable(address, size), block);
            }
        }
    }

    /// Gives the frame that was given out last back to the device.
    #[inline]
    pub(super) fn recycle(&mut self) {
        if let Some(head) = self.given_out.take() {
            self.queue.lend_again(head);
        }
    }

    /// The next frame that makes sense. What does not is counted, and there are never more of those
    /// than the device has buffers.
    #[inline]
    pub(super) fn next(&mut self, statistics: &mut Statistics) -> Option<RxFrame<'_>> {
        let (place, verified) = loop {
            self.recycle();
            let used = self.queue.take()?;
            self.given_out = Some(used.head);
            if let Some(place) = self.accept(used, statistics) {
                if !self.checksums {
                    break (place, false);
                }
                if let Some(verified) = self.checksum(used.owner, &place) {
                    break (place, verified);
                }
                statistics.dropped_checksum += 1;
            }
        };
        let bytes = match place {
            Place::Block { block, len } => self.blocks.bytes(block, self.layout.header, len),
            Place::Merged { len } => self.merge.as_deref()?.get(..len)?,
        };
        Some(RxFrame { bytes, verified })
    }

    /// Where the frame that starts in `used` is, or `None` where it is none.
    #[inline]
    fn accept(&mut self, used: Used, statistics: &mut Statistics) -> Option<Place> {
        let len = used.len as usize;
        if used.overlong || len < self.layout.header + ETHERNET_HEADER {
            statistics.dropped_short += 1;
            return None;
        }
        let len = len - self.layout.header;
        if self.layout.merged {
            let buffers = self.blocks.read16(used.owner, NUM_BUFFERS);
            if buffers != 1 {
                return self.gather(used.owner, len, buffers, statistics);
            }
        }
        if len > self.limit {
            statistics.dropped_long += 1;
            return None;
        }
        Some(Place::Block {
            block: used.owner,
            len,
        })
    }

    /// Puts a frame together that came in several buffers (5.1.6.4). The first is `block` and has
    /// `first` bytes of it.
    #[cold]
    fn gather(
        &mut self,
        block: u16,
        first: usize,
        buffers: u16,
        statistics: &mut Statistics,
    ) -> Option<Place> {
        let merge = self.merge.as_deref_mut()?;
        let mut len = 0;
        let mut append = |bytes: &[u8]| {
            if let Some(place) = merge.get_mut(len..len + bytes.len()) {
                place.copy_from_slice(bytes);
            }
            len += bytes.len();
        };
        append(self.blocks.bytes(block, self.layout.header, first));
        let mut sound = buffers != 0;
        for _ in 1..buffers {
            // 5.1.6.4.1: all buffers of a frame are there when the first is.
            let Some(used) = self.queue.take() else {
                sound = false;
                break;
            };
            sound &= !used.overlong;
            append(self.blocks.bytes(used.owner, 0, used.len as usize));
            self.queue.lend_again(used.head);
        }
        if !sound {
            statistics.dropped_merge += 1;
        } else if len > self.limit {
            statistics.dropped_long += 1;
        } else {
            statistics.merged += 1;
            return Some(Place::Merged { len });
        }
        None
    }

    /// Sees to the checksum of the transport layer: whether it is known to be right, or `None` where
    /// the device says something that cannot be.
    fn checksum(&mut self, block: u16, place: &Place) -> Option<bool> {
        let flags = self.blocks.read8(block, FLAGS);
        if flags & NEEDS_CSUM == 0 {
            return Some(flags & DATA_VALID != 0);
        }
        let start = usize::from(self.blocks.read16(block, CSUM_START));
        let offset = usize::from(self.blocks.read16(block, CSUM_OFFSET));
        let frame = match *place {
            Place::Block { block, len } => self.blocks.bytes_mut(block, self.layout.header, len),
            Place::Merged { len } => self.merge.as_deref_mut()?.get_mut(..len)?,
        };
        complete_checksum(frame, start, offset).map(|()| true)
    }

    /// Gives the memory up.
    pub(super) fn leak(&mut self) {
        self.queue.leak();
        self.blocks.leak();
    }
}

/// Finishes a checksum that so far covers the pseudo header only: the sum over everything from
/// `start` on goes to `offset` behind it (5.1.6.2). A stack that checks every frame is content then.
fn complete_checksum(frame: &mut [u8], start: usize, offset: usize) -> Option<()> {
    let covered = frame.get_mut(start..)?;
    covered.get(offset..offset + 2)?;
    let sum: u64 = covered
        .chunks(2)
        .map(|pair| u64::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u64::from(*low)))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    let folded = (folded & 0xffff) + (folded >> 16);
    let checksum = match !(folded as u16) {
        // RFC 768: zero on the wire would mean that there is none.
        0 => 0xffff,
        checksum => checksum,
    };
    covered
        .get_mut(offset..offset + 2)?
        .copy_from_slice(&checksum.to_be_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_checksum_is_completed() {
        // 1 + 0x0203 + the odd byte 4, with 0xffff in the field: the sum of a pseudo header.
        let mut frame = [9, 9, 0, 1, 2, 3, 0xff, 0xff, 4];
        assert_eq!(complete_checksum(&mut frame, 2, 4), Some(()));
        let sum = !0x0604_u16;
        assert_eq!(frame[6..8], sum.to_be_bytes());
    }

    #[test]
    fn a_checksum_outside_the_frame_is_refused() {
        let mut frame = [0; 20];
        assert_eq!(complete_checksum(&mut frame, 10, 9), None);
        assert_eq!(complete_checksum(&mut frame, 21, 0), None);
        assert_eq!(complete_checksum(&mut frame, 0xffff, 0xffff), None);
        assert_eq!(frame, [0; 20]);
    }
}
