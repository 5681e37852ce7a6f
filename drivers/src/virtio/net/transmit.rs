//! Sends frames: each frame replaces one that the device has sent.

use super::header::Layout;
use crate::dma::{Frame, Frames};
use crate::virtio::queue::Queue;
use crate::virtio::transport::Doorbell;

/// The number of frames in flight from which sent frames are taken back, unless half of the queue
/// is less. Taking back costs the same for one as for several, and frames not taken back are unused
/// memory.
const UNHURRIED: u16 = 32;

/// The transmit queue, and the frames lent to the device.
pub(super) struct Transmit {
    pub(super) queue: Queue,
    pub(super) doorbell: Doorbell,
    layout: Layout,
    /// The number of free descriptors below which sent frames are taken back.
    enough: u16,
    /// Whether a frame could not be sent.
    pub(super) starved: bool,
    /// The number of frames that were not lent although there was room for them.
    pub(super) unlent: usize,
}

impl Transmit {
    pub(super) fn new(queue: Queue, layout: Layout) -> Self {
        let size = queue.size();
        Self {
            queue,
            doorbell: Doorbell::NONE,
            layout,
            enough: size - UNHURRIED.min(size / 2),
            starved: false,
            unlent: 0,
        }
    }

    /// Starts a new queue: completions raise no interrupts.
    pub(super) fn start(&mut self, frames: &Frames) {
        self.queue.give_back(frames);
        self.starved = false;
        self.queue.disarm();
    }

    /// Makes the lent frames visible to the device. Returns whether it must be notified.
    #[inline]
    pub(super) fn publish(&mut self) -> bool {
        self.queue.broken().is_none() && self.queue.publish_unnoted()
    }

    /// Returns the number of frames for which there is room.
    #[inline]
    pub(super) fn room(&mut self, frames: &Frames) -> u16 {
        let free = self.queue.free_descriptors();
        if free > self.enough {
            return if self.layout.split { free / 2 } else { free };
        }
        match self.queue.found() {
            0 => self.look(frames),
            found => free + found,
        }
    }

    /// Looks for sent frames. Returns the number of frames for which there is room then.
    #[inline(never)]
    fn look(&mut self, frames: &Frames) -> u16 {
        self.queue.note_high_water();
        let found = self.queue.look();
        let any = found > 0 || self.starved;
        if self.layout.split {
            self.reclaim(frames);
        }
        let room = (self.queue.free_descriptors() + self.queue.found()) / self.layout.descriptors();
        self.starved = room == 0;
        if any && !self.starved {
            self.queue.disarm();
        }
        room
    }

    /// Takes back every sent frame.
    #[cold]
    pub(super) fn settle(&mut self, frames: &Frames) {
        self.look(frames);
        self.reclaim(frames);
    }

    /// Takes back the sent frames that were found.
    #[cold]
    fn reclaim(&mut self, frames: &Frames) {
        while let Some(head) = self.queue.reclaim() {
            if let Some(frame) = self.queue.take_frame(head) {
                frames.give(frame);
            }
        }
    }

    /// Requests an interrupt when there is room again. Returns whether there is some already.
    pub(super) fn rearm(&mut self) -> bool {
        // When half of the frames are sent, not after the first: a waiting sender usually has
        // several.
        self.queue.arm(self.queue.in_flight() / 2)
    }

    /// Lends a frame to the device, in place of a sent one if any was found; chains of two descriptors
    /// are taken back as soon as they are found. Returns the sent frame, or the frame itself if it
    /// cannot be lent.
    #[inline(always)]
    pub(super) fn lend(
        &mut self,
        mut frame: Frame,
        checksum: Option<PartialChecksum>,
        any_found: bool,
    ) -> Option<Frame> {
        self.layout.write(&mut frame, checksum);
        if !any_found {
            return self.lend_free(frame);
        }
        let segment = self.layout.transmit(&frame);
        match self.queue.replace(segment, frame) {
            Ok((_, sent)) => sent,
            Err(frame) => self.refuse(frame),
        }
    }

    /// Lends a frame in free descriptors.
    #[inline(never)]
    fn lend_free(&mut self, frame: Frame) -> Option<Frame> {
        let segment = self.layout.transmit(&frame);
        let head = if self.layout.split {
            let segments = self.layout.split(&frame, segment);
            self.queue.lend(&segments, 0)
        } else {
            self.queue.lend_one(segment, 0)
        };
        match head {
            Some(head) => self.queue.keep(head, frame),
            None => self.refuse(frame),
        }
    }

    /// Counts a frame that cannot be lent, and returns it.
    #[cold]
    fn refuse(&mut self, frame: Frame) -> Option<Frame> {
        self.unlent += 1;
        Some(frame)
    }
}

/// A checksum that covers only the pseudo header (virtio 1.2, 5.1.6.2): its final value is the sum
/// over everything from `start` on, including itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartialChecksum {
    /// The offset of the first covered byte in the frame.
    pub start: u16,
    /// The offset of the checksum from the first covered byte.
    pub offset: u16,
}
