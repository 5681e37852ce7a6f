//! Frames one behind the other.

use core::fmt;
use core::ptr::NonNull;

use super::{Block, Frame};

/// Frames in the order in which they were put there. It takes no memory but the frames' own.
#[derive(Default)]
pub struct FrameList {
    /// The first and the last frame's blocks. They, and those between, are this list's alone, and each
    /// leads to the next; what the last one leads to means nothing.
    ends: Option<(NonNull<Block>, NonNull<Block>)>,
}

// SAFETY: the list owns all of its frames.
unsafe impl Send for FrameList {}

impl FrameList {
    /// A list of no frames.
    #[must_use]
    pub const fn new() -> Self {
        Self { ends: None }
    }

    /// Whether there are none.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_none()
    }

    /// Adds a frame at the end.
    #[inline]
    pub const fn push(&mut self, frame: Frame) {
        let block = frame.into_block();
        let first = match self.ends {
            Some((first, mut last)) => {
                // SAFETY: the block is this list's, and nobody else looks at it now.
                unsafe { last.as_mut() }.next = Some(block);
                first
            }
            None => block,
        };
        self.ends = Some((first, block));
    }

    /// Adds a frame at the beginning.
    #[inline]
    pub const fn push_first(&mut self, mut frame: Frame) {
        let last = match self.ends {
            Some((first, last)) => {
                frame.block_mut().next = Some(first);
                last
            }
            None => frame.block,
        };
        self.ends = Some((frame.into_block(), last));
    }

    /// Takes the first frame.
    #[inline]
    pub fn pop(&mut self) -> Option<Frame> {
        let (first, last) = self.ends?;
        // SAFETY: the block was a frame's, and it leaves the list.
        let frame = unsafe { Frame::from_block(first) };
        self.ends = match frame.block().next {
            Some(next) if first != last => Some((next, last)),
            _ => None,
        };
        Some(frame)
    }

    /// Takes every frame out that `keep` does not want to keep, and gives it to `leave`.
    pub fn retain(&mut self, mut keep: impl FnMut(&Frame) -> bool, mut leave: impl FnMut(Frame)) {
        let mut kept = Self::new();
        while let Some(frame) = self.pop() {
            if keep(&frame) {
                kept.push(frame);
            } else {
                leave(frame);
            }
        }
        *self = kept;
    }
}

impl Drop for FrameList {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

impl fmt::Debug for FrameList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() {
            "no frames"
        } else {
            "frames"
        })
    }
}
