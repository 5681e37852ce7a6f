//! Transmitting: a frame takes the place of one that the device is done with.

use alloc::vec::Vec;

use super::header::Layout;
use super::receive::{give_back, leak, places};
use crate::dma::{Frame, Frames, OutOfMemory};
use crate::virtio::queue::Queue;
use crate::virtio::transport::Doorbell;

/// So many frames may be with the device before it is looked whether it is done with some, unless
/// half of the queue is less. Looking costs the same for one as for several, and those that it is done
/// with are memory that nobody uses.
const UNHURRIED: u16 = 32;

/// The transmit queue and the frames that the device has.
pub(super) struct Transmit {
    pub(super) queue: Queue,
    pub(super) doorbell: Doorbell,
    /// By the first descriptor of their chain.
    lent: Vec<Option<Frame>>,
    layout: Layout,
    /// Below so many free descriptors, it is looked which frames the device is done with.
    enough: u16,
    /// Somebody wanted to send and could not.
    pub(super) starved: bool,
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
        })
    }

    /// For a queue that has just been started: completions raise no interrupts.
    pub(super) fn start(&mut self, frames: &Frames) {
        give_back(&mut self.lent, frames);
        self.starved = false;
        self.queue.disarm();
    }

    /// For how many frames there is room.
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

    /// Looks what the device is done with. Returns for how many frames there is room then.
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

    /// Takes back every frame that the device is done with.
    #[cold]
    pub(super) fn settle(&mut self, frames: &Frames) {
        self.look(frames);
        self.reclaim(frames);
    }

    /// Takes back what the device was found to be done with.
    #[cold]
    fn reclaim(&mut self, frames: &Frames) {
        while let Some(head) = self.queue.reclaim() {
            let place = self.lent.get_mut(usize::from(head));
            if let Some(frame) = place.and_then(Option::take) {
                frames.give(frame);
            }
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
        leak(&mut self.lent);
    }

    /// Lends a frame to the device, in the place of one that it is done with where such a one was found.
    /// Returns that one, or the frame itself where it cannot be lent.
    #[inline(always)]
    pub(super) fn lend(
        &mut self,
        mut frame: Frame,
        checksum: Option<PartialChecksum>,
    ) -> Option<Frame> {
        self.layout.write(&mut frame, checksum);
        let segment = self.layout.transmit(&frame);
        let head = if self.layout.split {
            let segments = self.layout.split(&frame, segment);
            self.queue.lend(&segments, 0)
        } else if self.queue.found() > 0 {
            self.queue.replace(segment).map(|used| used.head)
        } else {
            self.queue.lend_one(segment, 0)
        };
        let Some(place) = head.and_then(|head| self.lent.get_mut(usize::from(head))) else {
            return Some(frame);
        };
        place.replace(frame)
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
