//! Spare frames.

use core::cell::Cell;
use core::fmt;
use core::ptr::NonNull;

use super::{Block, Frame, OutOfMemory, START, size_for};

/// Frames that nobody holds, kept for the next ones: while a server receives and replies, none is
/// allocated.
pub struct Frames {
    /// The block of the frame that was given back last. It is the pool's alone and leads to the one
    /// given back before, and so on.
    spare: Cell<Option<NonNull<Block>>>,
    count: Cell<usize>,
    capacity: usize,
}

impl Frames {
    /// The most frames that are kept.
    pub const MOST: usize = 64;

    /// A pool of frames with room for `capacity` bytes, none of them allocated yet.
    #[must_use]
    pub const fn new(capacity: usize) -> Self {
        Self {
            spare: Cell::new(None),
            count: Cell::new(0),
            capacity: size_for(capacity) - START,
        }
    }

    /// The room in each frame, in bytes.
    #[inline]
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// A frame: one that was given back, or a new one. Its content is of an earlier frame, and so is
    /// all that is known of it but its capacity.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] where there is no spare one and no memory for another.
    #[inline]
    pub fn take(&self) -> Result<Frame, OutOfMemory> {
        self.take_own().ok_or(OutOfMemory {
            bytes: self.capacity,
        })
    }

    /// The same, where how much memory there is not does not matter.
    #[inline]
    pub fn take_own(&self) -> Option<Frame> {
        match self.pop() {
            None => self.allocate_own(),
            frame => frame,
        }
    }

    #[cold]
    #[inline(never)]
    fn allocate_own(&self) -> Option<Frame> {
        Frame::new(self.capacity).ok()
    }

    #[inline]
    fn pop(&self) -> Option<Frame> {
        let block = self.spare.get()?;
        // SAFETY: the block was a frame's, and it leaves the pool.
        let frame = unsafe { Frame::from_block(block) };
        self.spare.set(frame.block().next);
        self.count.set(self.count.get() - 1);
        Some(frame)
    }

    /// A frame with room for `capacity` bytes, which may be more than that of this pool's frames.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    #[inline]
    pub fn take_for(&self, capacity: usize) -> Result<Frame, OutOfMemory> {
        if capacity <= self.capacity {
            self.take()
        } else {
            Frame::new(capacity)
        }
    }

    /// Takes a frame back. It is kept where it has the pool's size and there are not enough spare
    /// ones yet, else freed.
    #[inline]
    pub fn give(&self, mut frame: Frame) {
        let count = self.count.get();
        if count < Self::MOST && frame.capacity() == self.capacity {
            frame.block_mut().next = self.spare.get();
            self.spare.set(Some(frame.into_block()));
            self.count.set(count + 1);
        }
    }

    /// How many frames are kept now.
    #[must_use]
    pub const fn spare(&self) -> usize {
        self.count.get()
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

impl fmt::Debug for Frames {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} spare frames", self.spare())
    }
}
