//! The frames that a network device has: the record of each chain keeps its frame.

use super::Queue;
use crate::dma::{Frame, Frames};

impl Queue {
    /// Leaves the frame of the chain `head` with the queue. Returns the frame that was there before, or
    /// the frame itself if there is no such descriptor.
    #[inline]
    pub fn keep(&mut self, head: u16, frame: Frame) -> Option<Frame> {
        match self.shadow.get_mut(usize::from(head)) {
            Some(shadow) => shadow.frame.replace(frame),
            None => Some(frame),
        }
    }

    /// Returns the frame of the chain `head`, which must have been [taken](Self::take).
    #[must_use]
    pub fn frame(&self, head: u16) -> Option<&Frame> {
        let shadow = self.shadow.get(usize::from(head));
        shadow.and_then(|shadow| shadow.frame.as_ref())
    }

    /// Takes the frame of the chain `head`, which must have been [taken](Self::take).
    #[inline]
    pub fn take_frame(&mut self, head: u16) -> Option<Frame> {
        let shadow = self.shadow.get_mut(usize::from(head));
        shadow.and_then(|shadow| shadow.frame.take())
    }

    /// Returns every frame to the pool. The device must have been reset.
    pub fn give_back(&mut self, frames: &Frames) {
        let kept = self.shadow.iter_mut();
        kept.filter_map(|shadow| shadow.frame.take())
            .for_each(|frame| frames.give(frame));
    }

    /// Leaks the memory of every frame, which the device may still write.
    pub(super) fn leak_frames(&mut self) {
        let kept = self.shadow.iter_mut();
        kept.filter_map(|shadow| shadow.frame.take())
            .for_each(Frame::leak);
    }
}
