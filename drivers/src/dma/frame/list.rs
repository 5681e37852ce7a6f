//! Frames one behind the other.

use core::fmt;
use core::ptr::NonNull;

use super::{Block, Frame};

/// Frames in the order in which they were put there. It takes no memory but the frames' own.
#[derive(Default)]
pub struct FrameList {
    first: Option<Frame>,
    /// The last frame's, which is where the first is none. It is owned by the one in front of it, or by
    /// `first`.
    last: Option<NonNull<Block>>,
}

// SAFETY: the list owns all of its frames.
unsafe impl Send for FrameList {}

impl FrameList {
    /// A list of no frames.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            first: None,
            last: None,
        }
    }

    /// Whether there are none.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Adds a frame at the end.
    #[inline]
    pub fn push(&mut self, frame: Frame) {
        let block = frame.block;
        let place = match self.last {
            // SAFETY: the block is that of a frame in this list, which nobody else can reach, and the
            // borrow of it ends with this function.
            Some(mut last) => unsafe { &mut last.as_mut().next },
            None => &mut self.first,
        };
        *place = Some(frame);
        self.last = Some(block);
    }

    /// Adds a frame at the beginning.
    #[inline]
    pub fn push_first(&mut self, mut frame: Frame) {
        if self.first.is_none() {
            return self.push(frame);
        }
        frame.block_mut().next = self.first.take();
        self.first = Some(frame);
    }

    /// Takes the first frame.
    #[inline]
    pub fn pop(&mut self) -> Option<Frame> {
        let mut frame = self.first.take()?;
        self.first = frame.block_mut().next.take();
        if self.first.is_none() {
            self.last = None;
        }
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
        match &self.first {
            None => f.write_str("no frames"),
            Some(first) => write!(f, "{first:?} and those behind it"),
        }
    }
}
