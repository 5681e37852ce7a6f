//! Frames one behind the other.

use core::cell::Cell;
use core::fmt;
use core::ptr::NonNull;

use super::{Block, Frame};

/// Frames in the order in which they were put there. It takes no memory but the frames' own.
#[derive(Default)]
pub struct FrameList {
    /// The first and the last frame's blocks. They, and those between, are this list's alone, and each
    /// leads to the next; what the last one leads to means nothing.
    ends: Cell<Option<(NonNull<Block>, NonNull<Block>)>>,
}

// SAFETY: the list owns all of its frames.
unsafe impl Send for FrameList {}

impl FrameList {
    /// A list of no frames.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            ends: Cell::new(None),
        }
    }

    /// Whether there are none.
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
                // SAFETY: the block is this list's, and nobody else looks at it now.
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

    /// Takes the first frame.
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

    /// Takes every frame out that `keep` does not want to keep, and gives it to `leave`.
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
