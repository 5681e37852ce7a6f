//! Receives frames: each frame taken from the ring is replaced by another.

use super::header::{self, CSUM_OFFSET, CSUM_START, DATA_VALID, FLAGS, Layout, NEEDS_CSUM};
use super::{ETHERNET_HEADER, Statistics};
use crate::counts::report;
use crate::dma::{Frame, Frames, OutOfMemory};
use crate::virtio::queue::Queue;
use crate::virtio::transport::Doorbell;

/// The receive queue, and the frames lent to the device.
pub(super) struct Receive {
    pub(super) queue: Queue,
    pub(super) doorbell: Doorbell,
    layout: Layout,
    /// Whether the device may report on checksums.
    checksums: bool,
    /// The length of the longest accepted frame, in bytes.
    limit: usize,
    /// The longest accepted content after the Ethernet header, in bytes.
    longest: usize,
    /// The number of bytes that the device writes for a frame without content: both headers.
    least: usize,
    /// The number of frames lent before the device is notified: an eighth of the queue.
    batch: u16,
}

impl Receive {
    pub(super) const fn new(queue: Queue, layout: Layout, checksums: bool, limit: usize) -> Self {
        Self {
            batch: queue.size().div_ceil(8),
            queue,
            doorbell: Doorbell::NONE,
            layout,
            checksums,
            limit,
            longest: limit - ETHERNET_HEADER,
            least: layout.header + ETHERNET_HEADER,
        }
    }

    /// Lends frames to the device until the queue is full. The queue must have been started just
    /// now.
    pub(super) fn fill(&mut self, frames: &Frames) -> Result<(), OutOfMemory> {
        self.queue.give_back(frames);
        while self.queue.free_descriptors() >= self.layout.descriptors() {
            self.lend(frames.take()?);
        }
        Ok(())
    }

    /// Returns whether enough frames were lent since the last notification.
    #[inline]
    pub(super) const fn is_worth_publishing(&self) -> bool {
        self.queue.unpublished() >= self.batch
    }

    /// Lends a frame, using free descriptors.
    fn lend(&mut self, frame: Frame) {
        let segment = self.layout.receive(&frame);
        let head = if self.layout.split {
            let segments = self.layout.split(&frame, segment);
            self.queue.lend(&segments, 0)
        } else {
            self.queue.lend_one(segment, 0)
        };
        if let Some(head) = head {
            self.queue.keep(head, frame);
        }
    }

    /// Takes the next completed chain with its frame, and lends `spare` instead, which must have
    /// the pool's size. Returns the number of bytes that the device has written with the frame; 0 if it
    /// claims more than there is room for.
    #[inline]
    fn exchange(&mut self, spare: Frame) -> Option<(u32, Frame)> {
        if self.layout.split {
            return self.exchange_split(spare);
        }
        let address = self.layout.address(&spare);
        let (used, frame) = self.queue.exchange(address, spare).ok()?;
        Some((used.len, frame?))
    }

    /// Like [`exchange`](Self::exchange), for chains of two descriptors.
    #[cold]
    fn exchange_split(&mut self, spare: Frame) -> Option<(u32, Frame)> {
        let used = self.queue.take_seen()?;
        let len = if used.overlong { 0 } else { used.len };
        let frame = self.queue.take_frame(used.head)?;
        self.queue.free(used.head);
        self.lend(spare);
        Some((len, frame))
    }

    /// Returns the next valid frame of those that the last [`Queue::look`] has found. Invalid ones
    /// are counted, and their memory returns to the pool.
    #[inline]
    pub(super) fn next(&mut self, frames: &Frames, statistics: &mut Statistics) -> Option<Frame> {
        loop {
            let Some(spare) = frames.take_own() else {
                let used = self.queue.take_seen()?;
                count(&mut statistics.dropped_memory);
                self.queue.lend_again(used.head);
                continue;
            };
            let (len, mut frame) = self.exchange(spare)?;
            // If the frame is too short, this wraps around and is too long.
            let content = (len as usize).wrapping_sub(self.least);
            let buffers = if self.layout.merged {
                header::num_buffers(&frame)
            } else {
                1
            };
            if content <= self.longest && buffers == 1 {
                frame.set_len(ETHERNET_HEADER + content);
                frame.set_verified(false);
                frame.set_changed(false);
                if !self.checksums || complete_checksum(&mut frame, self.layout).is_some() {
                    return Some(frame);
                }
                count(&mut statistics.dropped_checksum);
                frames.give(frame);
            } else if let Some(frame) = self.accept_odd(len as usize, frame, frames, statistics) {
                return Some(frame);
            }
        }
    }

    /// Returns the frame that starts in `first`, into which the device has written `len` bytes: it is
    /// too short, too long, or in several buffers.
    #[cold]
    fn accept_odd(
        &mut self,
        len: usize,
        mut first: Frame,
        frames: &Frames,
        statistics: &mut Statistics,
    ) -> Option<Frame> {
        let buffers = header::num_buffers(&first);
        let counter = if len < self.least {
            &mut statistics.dropped_short
        } else if self.layout.merged && buffers != 1 {
            first.set_len(len - self.layout.header);
            match self.gather(&first, buffers, statistics) {
                Ok(mut whole) => {
                    frames.give(first);
                    if !self.checksums || complete_checksum(&mut whole, self.layout).is_some() {
                        return Some(whole);
                    }
                    first = whole;
                    &mut statistics.dropped_checksum
                }
                Err(counter) => counter,
            }
        } else {
            &mut statistics.dropped_long
        };
        count(counter);
        frames.give(first);
        None
    }

    /// Merges a frame that arrived in several buffers (5.1.6.4), starting with `first`.
    ///
    /// # Errors
    ///
    /// Returns the counter of the reason why it is dropped.
    fn gather<'a>(
        &mut self,
        first: &Frame,
        buffers: u16,
        statistics: &'a mut Statistics,
    ) -> Result<Frame, &'a mut u64> {
        let mut whole = Frame::new(self.limit).ok();
        let mut len = 0;
        let mut append = |whole: &mut Option<Frame>, bytes: &[u8]| {
            if let Some(whole) = whole {
                whole.set_len(len + bytes.len());
                if let Some(place) = whole.bytes_mut().get_mut(len..len + bytes.len()) {
                    place.copy_from_slice(bytes);
                }
            }
            len += bytes.len();
        };
        append(&mut whole, first.bytes());
        let mut sound = buffers != 0;
        for _ in 1..buffers {
            // 5.1.6.4.1: when the first buffer is there, all are.
            let Some(used) = self.queue.take_seen() else {
                sound = false;
                break;
            };
            sound &= !used.overlong;
            if let Some(frame) = self.queue.frame(used.head) {
                let rest = frame.memory().get(self.layout.start()..);
                let bytes = rest.and_then(|rest| rest.get(..used.len as usize));
                append(&mut whole, bytes.unwrap_or_default());
            }
            self.queue.lend_again(used.head);
        }
        let counter = if !sound {
            &mut statistics.dropped_merge
        } else if len > self.limit {
            &mut statistics.dropped_long
        } else if let Some(mut whole) = whole {
            statistics.merged += 1;
            // The device's header contains more than the number of buffers.
            whole.headers_mut()[0] = first.headers()[0];
            let first_of_frame = whole.headers()[1] & 0xffff << 48;
            whole.headers_mut()[1] = first.headers()[1] & !(0xffff << 48) | first_of_frame;
            return Ok(whole);
        } else {
            &mut statistics.dropped_memory
        };
        Err(counter)
    }
}

/// Counts one more dropped frame. The log sums up all reasons.
#[cold]
#[inline(never)]
fn count(dropped: &mut u64) {
    *dropped += 1;
    report("invalid frames from the network device, dropped", *dropped);
}

/// Handles what the device reports about the checksum of the transport layer: completes a partial
/// one, and records that it is right if the device has verified it. Returns `None` if the report is
/// invalid.
fn complete_checksum(frame: &mut Frame, layout: Layout) -> Option<()> {
    let flags = layout.read(frame, FLAGS) as u8;
    if flags & NEEDS_CSUM != 0 {
        let start = usize::from(layout.read(frame, CSUM_START));
        let offset = usize::from(layout.read(frame, CSUM_OFFSET));
        finish(frame.bytes_mut(), start, offset)?;
    }
    frame.set_verified(flags & (NEEDS_CSUM | DATA_VALID) != 0);
    Some(())
}

/// Completes a checksum that covers only the pseudo header: writes the sum over everything from
/// `start` to `offset` bytes after it (5.1.6.2), so that the stack can verify it like any other.
fn finish(frame: &mut [u8], start: usize, offset: usize) -> Option<()> {
    let covered = frame.get_mut(start..)?;
    covered.get(offset..offset + 2)?;
    let sum: u64 = covered
        .chunks(2)
        .map(|pair| u64::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u64::from(*low)))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    let folded = (folded & 0xffff) + (folded >> 16);
    let checksum = match !(folded as u16) {
        // RFC 768: zero would mean that there is none.
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
        assert_eq!(finish(&mut frame, 2, 4), Some(()));
        let sum = !0x0604_u16;
        assert_eq!(frame[6..8], sum.to_be_bytes());
    }

    #[test]
    fn a_checksum_outside_the_frame_is_refused() {
        let mut frame = [0; 20];
        assert_eq!(finish(&mut frame, 10, 9), None);
        assert_eq!(finish(&mut frame, 21, 0), None);
        assert_eq!(finish(&mut frame, 0xffff, 0xffff), None);
        assert_eq!(frame, [0; 20]);
    }
}
