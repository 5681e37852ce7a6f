//! smoltcp's view of a device.

use core::cell::Cell;

use smoltcp::phy::{self, DeviceCapabilities};
use smoltcp::time::Instant;

use super::packet::more_fragments;
use crate::net::device::Device;
use crate::net::statistics::Counters;

/// What every frame that smoltcp sends passes.
#[derive(Clone, Copy)]
pub(super) struct Outlet<'a> {
    pub(super) counters: &'a Counters,
    /// A datagram is half sent.
    pub(super) fragmenting: &'a Cell<bool>,
}

/// A device that only sends, and that stops giving room after the first fragment of a datagram.
///
/// smoltcp has one buffer for a datagram that leaves in fragments, and would put the next such
/// datagram over a half-sent one: so while one is under way, nothing else is sent.
pub(super) struct Sender<'a, D> {
    device: &'a mut D,
    outlet: Outlet<'a>,
    refused: bool,
}

impl<'a, D: Device> Sender<'a, D> {
    pub(super) fn new(device: &'a mut D, outlet: Outlet<'a>) -> Self {
        Self {
            device,
            outlet,
            refused: false,
        }
    }

    /// Whether the device itself had no room.
    pub(super) fn was_refused(&self) -> bool {
        self.refused
    }
}

impl<D: Device> phy::Device for Sender<'_, D> {
    type RxToken<'a>
        = Received<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = Room<'a, D::TxToken<'a>>
    where
        Self: 'a;

    /// Frames are taken one by one, each with its [`OneFrame`].
    fn receive(&mut self, _: Instant) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        None
    }

    #[inline]
    fn transmit(&mut self, now: Instant) -> Option<Self::TxToken<'_>> {
        if self.outlet.fragmenting.get() {
            return None;
        }
        match self.device.transmit(now) {
            Some(room) => Some(Room {
                room,
                outlet: self.outlet,
            }),
            None => {
                self.refused = true;
                None
            }
        }
    }

    #[inline]
    fn capabilities(&self) -> DeviceCapabilities {
        self.device.capabilities()
    }
}

/// A device that has received one frame, and has room for one in answer.
pub(super) struct OneFrame<'a, T> {
    frame: Option<&'a [u8]>,
    room: Option<T>,
    outlet: Outlet<'a>,
}

impl<'a, T: phy::TxToken> OneFrame<'a, T> {
    pub(super) fn new(frame: &'a [u8], room: T, outlet: Outlet<'a>) -> Self {
        Self {
            frame: Some(frame),
            room: Some(room),
            outlet,
        }
    }
}

impl<T: phy::TxToken> phy::Device for OneFrame<'_, T> {
    type RxToken<'a>
        = Received<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = Room<'a, T>
    where
        Self: 'a;

    #[inline]
    fn receive(&mut self, now: Instant) -> Option<(Received<'_>, Room<'_, T>)> {
        let frame = Received(self.frame.take()?);
        Some((frame, self.transmit(now)?))
    }

    #[inline]
    fn transmit(&mut self, _: Instant) -> Option<Room<'_, T>> {
        Some(Room {
            room: self.room.take()?,
            outlet: self.outlet,
        })
    }

    /// Not asked for: the interface took those of the device when it was made.
    fn capabilities(&self) -> DeviceCapabilities {
        DeviceCapabilities::default()
    }
}

/// A received frame that somebody else holds.
pub(super) struct Received<'a>(&'a [u8]);

impl phy::RxToken for Received<'_> {
    #[inline]
    fn consume<R, F>(self, take: F) -> R
    where
        F: FnOnce(&[u8]) -> R,
    {
        take(self.0)
    }
}

/// Room for one frame in a device.
pub(super) struct Room<'a, T> {
    room: T,
    outlet: Outlet<'a>,
}

impl<T: phy::TxToken> phy::TxToken for Room<'_, T> {
    #[inline]
    fn consume<R, F>(self, length: usize, fill: F) -> R
    where
        F: FnOnce(&mut [u8]) -> R,
    {
        let Outlet {
            counters,
            fragmenting,
        } = self.outlet;
        counters.add_sent(1);
        self.room.consume(length, |frame| {
            let result = fill(frame);
            if more_fragments(frame) {
                fragmenting.set(true);
            }
            result
        })
    }
}
