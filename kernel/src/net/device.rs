//! The network device as the stack uses it.

use alloc::rc::Rc;
use vmos_drivers::dma::{Frame, FrameList, Frames};

/// A network device. A frame has one owner at a time.
pub trait Device {
    /// Returns the hardware address.
    fn mac(&self) -> [u8; 6];

    /// Returns the length of the longest frame that can be sent, in bytes, with its Ethernet
    /// header.
    fn max_frame(&self) -> usize;

    /// Returns the pool of frames.
    fn frames(&self) -> &Rc<Frames>;

    /// Returns whether the device completes checksums of UDP and TCP.
    fn finishes_checksums(&self) -> bool {
        false
    }

    /// Returns the number of frames that have arrived and can be [taken](Self::take).
    fn arrived(&mut self) -> usize;

    /// Returns the next frame of those counted by the last call of [`arrived`](Self::arrived).
    fn take(&mut self) -> Option<Frame>;

    /// Returns the number of frames that can be [sent](Self::send) now.
    fn room(&mut self) -> usize;

    /// Queues a frame to be sent. Drops it if there is no [room](Self::room).
    fn send(&mut self, frame: Frame);

    /// Returns how many of the frames [sent](Self::send) since the last call were dropped instead.
    fn take_unsent(&mut self) -> usize {
        0
    }

    /// Queues waiting frames to be sent, the oldest first: at most `most`, and as many as there is
    /// [room](Self::room) for. Reports each one before it is queued. Returns the number.
    fn send_all(
        &mut self,
        waiting: &FrameList,
        most: usize,
        mut tell: impl FnMut(&Frame),
    ) -> usize {
        let mut sent = 0;
        while sent < most
            && self.room() > 0
            && let Some(frame) = waiting.pop()
        {
            tell(&frame);
            self.send(frame);
            sent += 1;
        }
        sent
    }
}
