//! Lists of frames.

use core::cell::Cell;
use core::fmt;
use core::ptr::NonNull;

use super::{Block, Frame};

/// Frames in the order in which they were added. The list uses only the frames' memory.
#[derive(Default)]
pub struct FrameList {
    /// The blocks of the first and the last frame. The list owns them and those between, and each
    /// points to the next; the pointer of the last one is not used.
    ends: Cell<Option<(NonNull<Block>, NonNull<Block>)>>,
}

// SAFETY: the list owns all of its frames.
unsafe impl Send for FrameList {}

impl FrameList {
    /// Creates an empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            ends: Cell::new(None),
        }
    }

    /// Returns whether the list is empty.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.get().is_none()
    }

    /// Adds a frame at the end.
    #[inline]
    pub fn push(&self, frame: Frame) {
        let block = frame.into_block();
        let first = match self.ends.get() {
            Some((first, mut last)) => {
                // SAFETY: the list owns the block, and nothing else uses it now.
                unsafe { last.as_mut() }.next = Some(block);
                first
            }
            None => block,
        };
        self.ends.set(Some((first, block)));
    }

    /// Adds a frame at the beginning.
    #[inline]
    pub fn push_first(&self, mut frame: Frame) {
        let last = match self.ends.get() {
            Some((first, last)) => {
                frame.block_mut().next = Some(first);
                last
            }
            None => frame.block,
        };
        self.ends.set(Some((frame.into_block(), last)));
    }

    /// Removes and returns the first frame.
    #[inline]
    pub fn pop(&self) -> Option<Frame> {
        let (first, last) = self.ends.get()?;
        // SAFETY: the block was a frame's, and it leaves the list.
        let frame = unsafe { Frame::from_block(first) };
        self.ends.set(match frame.block().next {
            Some(next) if first != last => Some((next, last)),
            _ => None,
        });
        Some(frame)
    }

    /// Removes every frame for which `keep` returns false, and passes it to `leave`.
    pub fn retain(&self, mut keep: impl FnMut(&Frame) -> bool, mut leave: impl FnMut(Frame)) {
        let kept = Self::new();
        while let Some(frame) = self.pop() {
            if keep(&frame) {
                kept.push(frame);
            } else {
                leave(frame);
            }
        }
        self.ends.swap(&kept.ends);
    }
}

impl Drop for FrameList {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

impl fmt::Debug for FrameList {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() {
            "no frames"
        } else {
            "frames"
        })
    }
}
