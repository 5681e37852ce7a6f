//! One open port and its queues.

use core::cell::Cell;

use vmos_drivers::dma::{Frame, FrameList, Frames};

use crate::net::buffer::Queue;
use crate::net::packet::HEADERS;
use crate::net::sleeper::Sleeper;

/// An open port. Its socket and the stack share it; no task runs while the stack uses it.
pub(in crate::net) struct Port {
    pub(in crate::net) number: u16,
    /// The port's index among the open ports.
    pub(super) index: u16,
    pub(in crate::net) receiver: Sleeper,
    pub(in crate::net) sender: Sleeper,
    /// The time to live of datagrams to groups.
    pub(in crate::net) group_hops: Cell<u8>,
    /// The time to live of other datagrams; 0 for the usual one.
    hops: Cell<u8>,
    /// Shorter payloads are sent in one frame with the usual time to live.
    usual: Cell<usize>,
    /// The received datagrams that the task has not taken yet.
    received: FrameList,
    receive: Share,
    send: Share,
}

impl Port {
    /// `longest` is the longest payload that fits in a frame, in bytes.
    pub(super) fn new(
        number: u16,
        index: u16,
        receive: Queue,
        send: Queue,
        longest: usize,
    ) -> Self {
        Self {
            number,
            index,
            receiver: Sleeper::default(),
            sender: Sleeper::default(),
            group_hops: Cell::new(1),
            hops: Cell::new(0),
            usual: Cell::new(longest + 1),
            received: FrameList::new(),
            receive: Share::new(receive),
            send: Share::new(send),
        }
    }

    /// Sets the time to live of datagrams to single machines and of broadcasts.
    pub(in crate::net) fn set_hops(&self, hops: u8) {
        self.hops.set(hops.max(1));
        self.usual.set(0);
    }

    /// Returns the time to live of datagrams to single machines and of broadcasts, if it was set.
    pub(in crate::net) fn hops(&self) -> Option<u8> {
        Some(self.hops.get()).filter(|&hops| hops > 0)
    }

    /// Returns whether a payload of `length` bytes fits in one frame, and has the usual time to live
    /// there. One comparison shows both.
    #[inline]
    pub(in crate::net) fn is_usual(&self, length: usize) -> bool {
        length < self.usual.get()
    }

    /// Returns whether there is room for a received datagram of `length` bytes.
    #[inline]
    pub(super) fn has_room(&self, length: usize) -> bool {
        self.receive.has_room(length)
    }

    /// Queues a received datagram of `length` bytes, for which it [has room](Self::has_room), and
    /// wakes the task that waits for one.
    #[inline]
    pub(super) fn take_in(&self, frame: Frame, length: usize) {
        self.receive.take(length);
        self.received.push(frame);
        self.receiver.wake();
    }

    /// Takes the oldest received datagram.
    #[inline]
    pub(in crate::net) fn receive(&self) -> Option<Frame> {
        let frame = self.received.pop()?;
        self.receive.give(frame.len() - HEADERS);
        Some(frame)
    }

    /// Drops the received datagrams.
    pub(super) fn forget_received(&self, frames: &Frames) {
        while let Some(frame) = self.received.pop() {
            frames.give(frame);
        }
    }

    /// Resets the count of datagrams to be sent.
    pub(super) fn forget_queued(&self) {
        self.send.give_all();
        self.sender.wake();
    }

    /// Returns whether a datagram of `length` bytes may be queued to be sent now.
    #[inline]
    pub(in crate::net) fn can_send(&self, length: usize) -> bool {
        self.send.has_room(length)
    }

    /// Returns the payload bytes that fit in the empty send queue.
    #[cfg(feature = "ipv6")]
    pub(in crate::net) const fn longest_sent(&self) -> usize {
        (self.send.limit % DATAGRAM) as usize
    }

    /// Reserves room for a datagram of `length` bytes to be sent. Returns whether there was room.
    #[inline]
    pub(super) fn reserve(&self, length: usize) -> bool {
        self.send.reserve(length)
    }

    /// Records that a datagram was queued to be sent.
    #[inline]
    pub(super) fn queued(&self, length: usize) {
        self.send.take(length);
    }

    /// Records that a queued datagram was sent.
    #[inline]
    pub(super) fn sent(&self, length: usize) {
        self.send.give(length);
        self.sender.wake();
    }
}

/// The free space of a queue: how many more datagrams and bytes it can take.
///
/// Both counts are in one number, each with a bit above it that is set if more was taken than was
/// free, so that one comparison checks both.
struct Share {
    free: Cell<u64>,
    limit: u64,
}

/// The free space that a datagram without payload takes: one in the upper half of the number.
const DATAGRAM: u64 = 1 << 32;
/// The largest possible value of each of the two counts.
const MOST: usize = (1 << 31) - 1;
/// The bits of the number that are set if more space was taken than was free.
const OVERDRAWN: u64 = 1 << 63 | 1 << 31;

impl Share {
    const fn new(limit: Queue) -> Self {
        let limit = at_most(limit.datagrams) * DATAGRAM + at_most(limit.bytes);
        Self {
            free: Cell::new(limit),
            limit,
        }
    }

    /// Returns the free space that a datagram of `length` payload bytes takes.
    #[inline]
    const fn cost(length: usize) -> u64 {
        DATAGRAM | length as u64
    }

    #[inline]
    fn has_room(&self, length: usize) -> bool {
        self.free.get().wrapping_sub(Self::cost(length)) & OVERDRAWN == 0
    }

    #[inline]
    fn reserve(&self, length: usize) -> bool {
        let left = self.free.get().wrapping_sub(Self::cost(length));
        let has_room = left & OVERDRAWN == 0;
        if has_room {
            self.free.set(left);
        }
        has_room
    }

    #[inline]
    fn take(&self, length: usize) {
        self.free
            .set(self.free.get().wrapping_sub(Self::cost(length)));
    }

    #[inline]
    fn give(&self, length: usize) {
        self.free
            .set(self.free.get().wrapping_add(Self::cost(length)));
    }

    fn give_all(&self) {
        self.free.set(self.limit);
    }
}

const fn at_most(count: usize) -> u64 {
    (if count < MOST { count } else { MOST }) as u64
}
