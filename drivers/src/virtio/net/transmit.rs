//! Transmitting: a ring of buffers, filled in place, reclaimed when the next ones are needed.

use super::Statistics;
use super::header::{CSUM_OFFSET, Layout, NEEDS_CSUM};
use crate::address::PhysicalAddress;
use crate::dma::{Blocks, Buffer, OutOfMemory};
use crate::virtio::queue::{Queue, Segment};
use crate::virtio::transport::Doorbell;

/// The transmit queue and its buffers.
pub(super) struct Transmit {
    pub(super) queue: Queue,
    pub(super) doorbell: Doorbell,
    blocks: Blocks,
    layout: Layout,
    /// Somebody wanted to send and could not.
    pub(super) starved: bool,
}

impl Transmit {
    pub(super) fn new(queue: Queue, layout: Layout, frame: usize) -> Result<Self, OutOfMemory> {
        Ok(Self {
            blocks: Blocks::new(queue.size(), layout.header + frame)?,
            queue,
            doorbell: Doorbell::NONE,
            layout,
            starved: false,
        })
    }

    /// For a queue that has just been started: completions raise no interrupts.
    pub(super) fn start(&mut self) {
        self.starved = false;
        self.queue.disarm();
    }

    /// The descriptor to send the next frame with, if there is one. Takes back what the device is
    /// done with, at the latest when half of the queue is gone, so that this is not done for each
    /// frame by itself.
    #[inline]
    pub(super) fn reserve(&mut self) -> Option<u16> {
        if self.queue.free_descriptors() <= self.queue.size() / 2 {
            self.reclaim();
        }
        if self.queue.free_descriptors() < self.layout.descriptors() {
            return None;
        }
        self.queue.next_head()
    }

    fn reclaim(&mut self) {
        while let Some(used) = self.queue.take() {
            self.queue.free(used.head);
        }
        if self.queue.free_descriptors() < self.layout.descriptors() {
            self.starved = true;
        } else {
            self.starved = false;
            self.queue.disarm();
        }
    }

    /// Asks for an interrupt when there is room again. Returns whether there is some already.
    pub(super) fn rearm(&mut self) -> bool {
        // Not at the first frame but when half are gone: a sender that waits has more than one.
        self.queue.arm(self.queue.in_flight() / 2)
    }

    /// Gives the memory up.
    pub(super) fn leak(&mut self) {
        self.queue.leak();
        self.blocks.leak();
    }

    /// The frame of `len` bytes in the buffer of `head`, the next free descriptor.
    #[inline]
    fn frame(&mut self, head: u16, len: usize) -> &mut [u8] {
        self.blocks.bytes_mut(head, self.layout.header, len)
    }

    /// Lends the frame of `len` bytes in the buffer of `head` to the device.
    #[inline]
    fn lend(&mut self, head: u16, len: usize, checksum: Option<PartialChecksum>) {
        let header = self.layout.header;
        // Of the device's header: flags, gso_type, hdr_len, gso_size, csum_start and csum_offset. What
        // may follow, num_buffers, is never written and stays 0.
        let (flags, start, offset) = match checksum {
            Some(PartialChecksum { start, offset }) => (NEEDS_CSUM, start, offset),
            None => (0, 0, 0),
        };
        let start = u64::from(start) << 48;
        self.blocks.write64(head, 0, u64::from(flags) | start);
        self.blocks.write16(head, CSUM_OFFSET, offset);
        let address = self.blocks.address(head);
        if self.layout.split {
            let data = PhysicalAddress(address.0 + header as u64);
            let segments = [
                Segment::readable(address, header as u32),
                Segment::readable(data, len as u32),
            ];
            self.queue.lend(&segments, 0);
        } else {
            self.queue
                .lend_one(Segment::readable(address, (header + len) as u32), 0);
        }
    }

    /// How many bytes of a frame fit into a buffer.
    #[inline]
    fn capacity(&self) -> usize {
        self.blocks.size() - self.layout.header
    }
}

/// Room for one frame in the transmit queue. Dropping it sends nothing.
pub struct TxSlot<'a> {
    pub(super) transmit: &'a mut Transmit,
    pub(super) head: u16,
    pub(super) statistics: &'a mut Statistics,
}

impl<'a> TxSlot<'a> {
    /// Queues a frame of `len` bytes that `fill` writes; the device sees it at the next
    /// [`publish`](super::Net::publish). A frame longer than
    /// [`max_frame`](super::Net::max_frame) is written elsewhere, counted, and not sent.
    #[inline]
    pub fn send<R>(self, len: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        self.send_with_checksum(len, |frame| (fill(frame), None))
    }

    /// As [`send`](Self::send), and has the device finish the checksum that `fill` says it has only
    /// begun. Only where [`checksum_offload`](super::Net::checksum_offload) says that it can.
    #[inline]
    pub fn send_with_checksum<R>(
        self,
        len: usize,
        fill: impl FnOnce(&mut [u8]) -> (R, Option<PartialChecksum>),
    ) -> R {
        let mut frame = self.open(len);
        let (result, checksum) = fill(frame.bytes());
        frame.queue(checksum);
        result
    }

    /// A frame of `len` bytes, to be written and then [queued](OpenFrame::queue): the steps of
    /// [`send`](Self::send), for who sends in many places.
    #[inline]
    #[must_use]
    pub fn open(self, len: usize) -> OpenFrame<'a> {
        let elsewhere = if len <= self.transmit.capacity() {
            None
        } else {
            Some(unsent(len, self.statistics))
        };
        OpenFrame {
            transmit: self.transmit,
            head: self.head,
            len,
            elsewhere,
        }
    }
}

/// A frame in the transmit queue's memory that the device does not have yet. Dropping it sends
/// nothing.
pub struct OpenFrame<'a> {
    transmit: &'a mut Transmit,
    head: u16,
    len: usize,
    /// Where it is written instead if it is too long; empty where there is no memory for that.
    elsewhere: Option<Option<Buffer>>,
}

impl OpenFrame<'_> {
    /// What is in it: what the frame before it in this place has left.
    #[inline(never)]
    pub fn bytes(&mut self) -> &mut [u8] {
        match &mut self.elsewhere {
            None => self.transmit.frame(self.head, self.len),
            Some(elsewhere) => elsewhere.as_deref_mut().unwrap_or_default(),
        }
    }

    /// Queues it; the device sees it at the next [`publish`](super::Net::publish), and finishes the
    /// checksum that was only begun, if any.
    #[inline]
    pub fn queue(self, checksum: Option<PartialChecksum>) {
        if self.elsewhere.is_none() {
            self.transmit.lend(self.head, self.len, checksum);
        }
    }
}

/// A checksum that so far covers the pseudo header only (virtio 1.2, 5.1.6.2): the sum over
/// everything from `start` on, itself included, is its final value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartialChecksum {
    /// The first byte of the frame that is covered.
    pub start: u16,
    /// How far behind that the checksum is.
    pub offset: u16,
}

/// Where a frame that is too long is written, to go nowhere.
#[cold]
fn unsent(len: usize, statistics: &mut Statistics) -> Option<Buffer> {
    statistics.unsent_long += 1;
    Buffer::new(len).ok()
}
