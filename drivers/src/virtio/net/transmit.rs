//! Sends frames: each frame replaces one that the device has sent.

use alloc::vec::Vec;

use super::header::Layout;
use super::receive::{give_back, leak, places};
use crate::dma::{Frame, Frames, OutOfMemory};
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
    /// The frames, indexed by the first descriptor of their chain.
    lent: Vec<Option<Frame>>,
    layout: Layout,
    /// The number of free descriptors below which sent frames are taken back.
    enough: u16,
    /// Whether a frame could not be sent.
    pub(super) starved: bool,
    /// The number of frames that were not lent although there was room for them.
    pub(super) unlent: usize,
}

impl Transmit {
    pub(super) fn new(queue: Queue, layout: Layout) -> Result<Self, OutOfMemory> {
        let size = queue.size();
        Ok(Self {
            lent: places(size)?,
            queue,
            doorbell: Doorbell::NONE,
            layout,
            enough: size - UNHURRIED.min(size / 2),
            starved: false,
            unlent: 0,
        })
    }

    /// Starts a new queue: completions raise no interrupts.
    pub(super) fn start(&mut self, frames: &Frames) {
        give_back(&mut self.lent, frames);
        self.starved = false;
        self.queue.disarm();
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
            let place = self.lent.get_mut(usize::from(head));
            if let Some(frame) = place.and_then(Option::take) {
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

    /// Leaks the memory of all frames: it is never freed.
    pub(super) fn leak(&mut self) {
        self.queue.leak();
        leak(&mut self.lent);
    }

    /// Lends a frame to the device, in place of a sent one if one was found. Returns the sent one,
    /// or the frame itself if it cannot be lent.
    #[inline(always)]
    pub(super) fn lend(
        &mut self,
        mut frame: Frame,
        checksum: Option<PartialChecksum>,
    ) -> Option<Frame> {
        self.layout.write(&mut frame, checksum);
        if self.layout.split || self.queue.found() == 0 {
            return self.lend_free(frame);
        }
        let used = self.queue.replace(self.layout.transmit(&frame));
        match used.and_then(|used| self.lent.get_mut(usize::from(used.head))) {
            Some(place) => place.replace(frame),
            None => self.refuse(frame),
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
        match head.and_then(|head| self.lent.get_mut(usize::from(head))) {
            Some(place) => place.replace(frame),
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
