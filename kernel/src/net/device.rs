//! The device below the stack.

use alloc::rc::Rc;
use smoltcp::phy;
use vmos_drivers::dma::{Frame, Frames};

/// A network card as the stack uses it: whole frames, each with one owner at a time, and smoltcp's
/// device for what smoltcp writes. Nothing is received by way of the latter.
pub trait Device: phy::Device {
    /// The hardware address.
    fn mac(&self) -> [u8; 6];

    /// Where frames come from, and go to when nobody needs them.
    fn frames(&self) -> &Rc<Frames>;

    /// Whether the device makes the checksums of UDP and TCP that are left to it.
    fn finishes_checksums(&self) -> bool {
        false
    }

    /// The next received frame, if there is one and there is room to send an answer.
    fn take(&mut self) -> Option<Frame>;

    /// Queues a frame to be sent.
    ///
    /// # Errors
    ///
    /// The frame, where there is no room. There is room for one after each [`take`](Self::take).
    fn send(&mut self, frame: Frame) -> Result<(), Frame>;
}
