//! What went through the network, counted.

use core::cell::Cell;

/// Counts since boot. Every number only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Frames taken from the device, whatever became of them.
    pub frames_received: u64,
    /// Frames handed to the device.
    pub frames_sent: u64,
    /// Received frames dropped because their transport checksum was wrong. Counted only where the
    /// device checks for us; otherwise such frames are among those the stack ignores.
    pub bad_checksum: u64,
    /// Turns in which the device had no room for a frame that was ready. The frame waits.
    pub device_full: u64,
    /// Datagrams dropped because nobody on the network answered for their destination.
    pub unreachable: u64,
    /// Replies left unsent because the datagram named no address to reply to.
    pub unanswerable: u64,
}

/// The live side of [`Statistics`].
#[derive(Default)]
pub(super) struct Counters {
    pub(super) frames_received: Cell<u64>,
    pub(super) frames_sent: Cell<u64>,
    pub(super) bad_checksum: Cell<u64>,
    pub(super) device_full: Cell<u64>,
    pub(super) unreachable: Cell<u64>,
    pub(super) unanswerable: Cell<u64>,
}

impl Counters {
    pub(super) fn snapshot(&self) -> Statistics {
        Statistics {
            frames_received: self.frames_received.get(),
            frames_sent: self.frames_sent.get(),
            bad_checksum: self.bad_checksum.get(),
            device_full: self.device_full.get(),
            unreachable: self.unreachable.get(),
            unanswerable: self.unanswerable.get(),
        }
    }
}

/// Counts one more.
pub(super) fn count(counter: &Cell<u64>) {
    counter.set(counter.get() + 1);
}
