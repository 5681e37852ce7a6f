//! The device below the stack.

use alloc::rc::Rc;
use core::cell::Cell;

use smoltcp::phy::{self, DeviceCapabilities};
use smoltcp::time::Instant;
use vmos_drivers::dma::{Frame, Frames};

use super::statistics::{Counters, count};

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

    /// How many frames may be [taken](Self::take) now: those that have arrived, as far as there is room
    /// to answer each.
    fn arrived(&mut self) -> usize;

    /// The next frame of those that had [arrived](Self::arrived) when that was last asked.
    fn take(&mut self) -> Option<Frame>;

    /// How many frames would be taken to be [sent](Self::send) now.
    fn room(&mut self) -> usize;

    /// Queues a frame to be sent. Where there is no [room](Self::room) it is dropped.
    fn send(&mut self, frame: Frame);
}

/// A device that counts, and that stops giving room after the first fragment of a datagram.
///
/// smoltcp has one buffer for a datagram that leaves in fragments, and would put the next such
/// datagram over a half-sent one: so while one is under way, nothing else is sent.
pub(super) struct Metered<'a, D> {
    device: &'a mut D,
    counters: &'a Counters,
    fragmenting: &'a Cell<bool>,
    refused: bool,
}

impl<'a, D: Device> Metered<'a, D> {
    pub(super) fn new(
        device: &'a mut D,
        counters: &'a Counters,
        fragmenting: &'a Cell<bool>,
    ) -> Self {
        Self {
            device,
            counters,
            fragmenting,
            refused: false,
        }
    }

    /// Whether the device itself had no room since the last question.
    pub(super) fn take_refused(&mut self) -> bool {
        core::mem::take(&mut self.refused)
    }
}

impl<D: Device> phy::Device for Metered<'_, D> {
    type RxToken<'a>
        = D::RxToken<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = MeteredTx<'a, D::TxToken<'a>>
    where
        Self: 'a;

    /// Frames are taken one by one, each with its [`OneFrame`].
    fn receive(&mut self, _: Instant) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        None
    }

    fn transmit(&mut self, now: Instant) -> Option<Self::TxToken<'_>> {
        if self.fragmenting.get() {
            return None;
        }
        match self.device.transmit(now) {
            Some(room) => Some(MeteredTx::new(room, self.counters, self.fragmenting)),
            None => {
                self.refused = true;
                None
            }
        }
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.device.capabilities()
    }
}

/// A device that has received one frame, and has room for one in answer.
pub(super) struct OneFrame<'a, T> {
    frame: Option<&'a [u8]>,
    room: Option<T>,
}

impl<'a, T: phy::TxToken> OneFrame<'a, T> {
    pub(super) fn new(frame: &'a [u8], room: T) -> Self {
        Self {
            frame: Some(frame),
            room: Some(room),
        }
    }
}

impl<T: phy::TxToken> phy::Device for OneFrame<'_, T> {
    type RxToken<'a>
        = Bytes<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = T
    where
        Self: 'a;

    fn receive(&mut self, _: Instant) -> Option<(Bytes<'_>, T)> {
        Some((Bytes(self.frame.take()?), self.room.take()?))
    }

    fn transmit(&mut self, _: Instant) -> Option<T> {
        self.room.take()
    }

    /// Not asked for: the interface took those of the device when it was made.
    fn capabilities(&self) -> DeviceCapabilities {
        DeviceCapabilities::default()
    }
}

/// A received frame that somebody else holds.
pub(super) struct Bytes<'a>(&'a [u8]);

impl phy::RxToken for Bytes<'_> {
    fn consume<R, F>(self, take: F) -> R
    where
        F: FnOnce(&[u8]) -> R,
    {
        take(self.0)
    }
}

/// Room for one frame in a device.
pub(super) struct MeteredTx<'a, T> {
    room: T,
    counters: &'a Counters,
    fragmenting: &'a Cell<bool>,
}

impl<'a, T> MeteredTx<'a, T> {
    pub(super) fn new(room: T, counters: &'a Counters, fragmenting: &'a Cell<bool>) -> Self {
        Self {
            room,
            counters,
            fragmenting,
        }
    }
}

impl<T: phy::TxToken> phy::TxToken for MeteredTx<'_, T> {
    fn consume<R, F>(self, length: usize, fill: F) -> R
    where
        F: FnOnce(&mut [u8]) -> R,
    {
        count(&self.counters.frames_sent);
        let fragmenting = self.fragmenting;
        self.room.consume(length, |frame| {
            let result = fill(frame);
            if more_fragments(frame) {
                fragmenting.set(true);
            }
            result
        })
    }
}

/// Whether the frame is IPv4 with "more fragments" set (RFC 791, 3.1).
fn more_fragments(frame: &[u8]) -> bool {
    const MORE_FRAGMENTS: u8 = 1 << 5;
    matches!(frame, [_, _, _, _, _, _, _, _, _, _, _, _, 0x08, 0x00, _, _, _, _, _, _, flags, ..]
        if flags & MORE_FRAGMENTS != 0)
}
