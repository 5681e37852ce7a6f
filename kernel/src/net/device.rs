//! The device below the stack.

use alloc::rc::Rc;
use vmos_drivers::dma::{Frame, FrameList, Frames};

/// A network card as the stack uses it: whole frames, each with one owner at a time.
pub trait Device {
    /// The hardware address.
    fn mac(&self) -> [u8; 6];

    /// The longest frame that is sent, in bytes, with the Ethernet header.
    fn max_frame(&self) -> usize;

    /// Where frames come from, and go to when nobody needs them.
    fn frames(&self) -> &Rc<Frames>;

    /// Whether the device makes the checksums of UDP and TCP that are left to it.
    fn finishes_checksums(&self) -> bool {
        false
    }

    /// How many frames have arrived and may be [taken](Self::take) now.
    fn arrived(&mut self) -> usize;

    /// The next frame of those that had [arrived](Self::arrived) when that was last asked.
    fn take(&mut self) -> Option<Frame>;

    /// How many frames would be taken to be [sent](Self::send) now.
    fn room(&mut self) -> usize;

    /// Queues a frame to be sent. Where there is no [room](Self::room) it is dropped.
    fn send(&mut self, frame: Frame);

    /// Queues the frames that wait to be sent, the first first, at most `most` and as many as there is
    /// [room](Self::room) for. Tells of each before, and returns how many those were.
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
