//! What went through the network, counted.

use core::cell::Cell;

/// Counts since boot. Every number only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Frames taken from the device, whatever became of them.
    pub frames_received: u64,
    /// Frames handed to the device.
    pub frames_sent: u64,
    /// Datagrams dropped because their socket's receive queue was full.
    pub receive_queue_full: u64,
    /// Requests for a connection dropped because their listener holds as many as it can. The peer
    /// tries again.
    pub backlog_full: u64,
    /// Datagrams dropped because they came in fragments that make more than can be received.
    pub too_long: u64,
    /// Segments of TCP dropped because their checksum was wrong.
    pub wrong_checksum: u64,
    /// Datagrams dropped because there was no memory for them.
    pub out_of_memory: u64,
    /// Turns in which the device had no room for a frame that was ready. The frame waits.
    pub device_full: u64,
    /// Datagrams dropped because nobody on the network answered for their destination.
    pub unreachable: u64,
    /// Replies left unsent because the datagram named no address to reply to, or this machine has
    /// none to reply from.
    pub unanswerable: u64,
    /// Answers of protocols, such as echo replies, dropped because too many waited to be sent.
    pub answers_full: u64,
}

/// The live side of [`Statistics`].
#[derive(Default)]
pub(super) struct Counters {
    pub(super) frames_received: Cell<u64>,
    pub(super) frames_sent: Cell<u64>,
    pub(super) receive_queue_full: Cell<u64>,
    pub(super) backlog_full: Cell<u64>,
    pub(super) too_long: Cell<u64>,
    pub(super) wrong_checksum: Cell<u64>,
    pub(super) out_of_memory: Cell<u64>,
    pub(super) device_full: Cell<u64>,
    pub(super) unreachable: Cell<u64>,
    pub(super) unanswerable: Cell<u64>,
    pub(super) answers_full: Cell<u64>,
}

impl Counters {
    /// Counts received frames.
    #[inline]
    pub(super) fn add_received(&self, frames: usize) {
        let before = self.frames_received.get();
        self.frames_received.set(before + frames as u64);
    }

    /// Counts sent frames.
    #[inline]
    pub(super) fn add_sent(&self, frames: usize) {
        let before = self.frames_sent.get();
        self.frames_sent.set(before + frames as u64);
    }

    pub(super) fn snapshot(&self) -> Statistics {
        Statistics {
            frames_received: self.frames_received.get(),
            frames_sent: self.frames_sent.get(),
            receive_queue_full: self.receive_queue_full.get(),
            backlog_full: self.backlog_full.get(),
            too_long: self.too_long.get(),
            wrong_checksum: self.wrong_checksum.get(),
            out_of_memory: self.out_of_memory.get(),
            device_full: self.device_full.get(),
            unreachable: self.unreachable.get(),
            unanswerable: self.unanswerable.get(),
            answers_full: self.answers_full.get(),
        }
    }
}

/// Counts one more.
pub(super) fn count(counter: &Cell<u64>) {
    counter.set(counter.get() + 1);
}
