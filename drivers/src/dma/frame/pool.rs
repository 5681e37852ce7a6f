//! A pool of frames.

use core::cell::Cell;
use core::fmt;
use core::ptr::NonNull;

use super::{Block, Frame, Membership, OutOfMemory, START, layout, size_for};

/// Unused frames, kept for reuse: a server that receives and replies allocates none.
pub struct Frames {
    /// The block of the frame that was returned last. The pool owns it, and it points to the one
    /// returned before.
    spare: Cell<Option<NonNull<Block>>>,
    count: Cell<usize>,
    capacity: usize,
    /// The largest number of frames, with what counts them; `None` if only the memory limits them.
    limit: Option<(Membership, usize)>,
}

impl Frames {
    /// The largest number of unused frames kept: as many as a full transmit queue returns at once.
    /// Otherwise frames would be freed and allocated again at each burst.
    pub const MOST: usize = 256;

    /// Creates an empty pool for frames of `capacity` bytes. Their number is limited by the memory only.
    #[must_use]
    pub const fn new(capacity: usize) -> Self {
        Self {
            spare: Cell::new(None),
            count: Cell::new(0),
            capacity: size_for(capacity) - START,
            limit: None,
        }
    }

    /// Creates an empty pool for at most `most` frames of `capacity` bytes, used and unused. A frame that
    /// is dropped instead of [given back](Self::give) makes room for another one.
    #[must_use]
    pub fn limited(capacity: usize, most: usize) -> Self {
        let mut pool = Self::new(capacity);
        pool.limit = Some((Membership::default(), most));
        pool
    }

    /// Returns the capacity of each frame in bytes.
    #[inline]
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns a reused or new frame. Its content and its properties, except for its capacity, are
    /// undefined.
    ///
    /// # Errors
    ///
    /// Returns [`OutOfMemory`] if the pool is empty and a new frame cannot be allocated, or would exceed the
    /// pool's [limit](Self::limited).
    #[inline]
    pub fn take(&self) -> Result<Frame, OutOfMemory> {
        self.take_own().ok_or(OutOfMemory {
            bytes: self.capacity,
        })
    }

    /// Like [`take`](Self::take), but returns `None` instead of an error.
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
        let Some((membership, most)) = &self.limit else {
            return Frame::new(self.capacity).ok();
        };
        // One membership is that of the pool.
        if Membership::strong_count(membership) > *most {
            return None;
        }
        let mut frame = Frame::new(self.capacity).ok()?;
        frame.join(Membership::clone(membership));
        Some(frame)
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

    /// Returns a frame for `capacity` bytes, which may exceed that of this pool's frames.
    ///
    /// # Errors
    ///
    /// As for [`take`](Self::take).
    #[inline]
    pub fn take_for(&self, capacity: usize) -> Result<Frame, OutOfMemory> {
        if capacity <= self.capacity {
            self.take()
        } else {
            Frame::new(capacity)
        }
    }

    /// Returns a frame to the pool. It is kept if it has the pool's size and the pool is not full,
    /// and freed otherwise.
    #[inline]
    pub fn give(&self, mut frame: Frame) {
        let count = self.count.get();
        if count < Self::MOST && frame.capacity() == self.capacity {
            frame.block_mut().next = self.spare.get();
            self.spare.set(Some(frame.into_block()));
            self.count.set(count + 1);
        }
    }

    /// Returns the number of bytes of memory that one of the pool's frames takes.
    #[must_use]
    pub const fn frame_bytes(&self) -> usize {
        layout(START + self.capacity).size()
    }

    /// Returns the number of unused frames.
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
