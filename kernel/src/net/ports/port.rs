//! One open port and its queues.

use core::cell::Cell;
use core::net::Ipv4Addr;

use vmos_drivers::dma::{Frame, FrameList, Frames};

use crate::net::buffer::Queue;
use crate::net::packet::{self, HEADERS, Mac};
use crate::net::protocols::SocketId;
use crate::net::sleeper::Sleeper;

/// How long a peer's hardware address is believed after it was last heard of, in nanoseconds.
const PEER_LIFETIME: u64 = 30_000_000_000;

/// One open port: its socket and the stack share it, and no task runs while the stack uses it.
pub(in crate::net) struct Port {
    pub(in crate::net) number: u16,
    /// What tells the port from others that are open.
    pub(super) index: u16,
    /// The socket for all that is not ordinary.
    pub(in crate::net) socket: SocketId,
    pub(in crate::net) receiver: Sleeper,
    pub(in crate::net) sender: Sleeper,
    /// The datagrams that were received and not yet asked for.
    received: FrameList,
    receive: Share,
    send: Share,
    peer: Cell<Peer>,
}

/// Who was heard of last, and when, in nanoseconds.
#[derive(Clone, Copy)]
struct Peer {
    /// As it stands in a header.
    address: Ipv4Addr,
    mac: Mac,
    heard: u64,
}

impl Peer {
    /// Before anybody was heard of.
    const NOBODY: Self = Self {
        address: Ipv4Addr::UNSPECIFIED,
        mac: Mac::NONE,
        heard: 0,
    };
}

impl Port {
    pub(super) fn new(
        number: u16,
        index: u16,
        socket: SocketId,
        receive: Queue,
        send: Queue,
    ) -> Self {
        Self {
            number,
            index,
            socket,
            receiver: Sleeper::default(),
            sender: Sleeper::default(),
            received: FrameList::new(),
            receive: Share::new(receive),
            send: Share::new(send),
            peer: Cell::new(Peer::NOBODY),
        }
    }

    /// Whether a received datagram of `length` bytes is taken now.
    #[inline]
    pub(super) fn has_room(&self, length: usize) -> bool {
        self.receive.has_room(length)
    }

    /// Takes a received datagram of `length` bytes, for which it [has room](Self::has_room), and wakes
    /// who waits for one.
    #[inline]
    pub(super) fn take_in(&self, frame: Frame, length: usize) {
        self.receive.take(length);
        self.received.push(frame);
        self.receiver.wake();
    }

    /// The received datagram that came first, of those not yet asked for.
    #[inline]
    pub(in crate::net) fn receive(&self) -> Option<Frame> {
        let frame = self.received.pop()?;
        self.receive.give(frame.len() - HEADERS);
        Some(frame)
    }

    /// Drops what was received and not yet asked for.
    pub(super) fn forget_received(&self, frames: &Frames) {
        while let Some(frame) = self.received.pop() {
            frames.give(frame);
        }
    }

    /// Remembers who sent the datagram.
    #[inline]
    pub(super) fn hear(&self, frame: &Frame, now: u64) {
        self.peer.set(Peer {
            address: *packet::source(frame).ip(),
            mac: packet::source_mac(frame),
            heard: now,
        });
    }

    /// Forgets whom it heard of, and what it had queued to be sent.
    pub(super) fn forget_peers(&self) {
        self.peer.set(Peer::NOBODY);
        self.send.give_all();
        self.sender.wake();
    }

    /// The hardware address of whom we just heard from.
    #[inline]
    pub(in crate::net) fn peer_mac(&self, address: Ipv4Addr, now: u64) -> Option<Mac> {
        let peer = self.peer.get();
        let known = peer.address == address
            && !address.is_unspecified()
            && now.saturating_sub(peer.heard) < PEER_LIFETIME;
        known.then_some(peer.mac)
    }

    /// Whether a datagram of `length` bytes may be queued to be sent now.
    #[inline]
    pub(in crate::net) fn can_send(&self, length: usize) -> bool {
        self.send.has_room(length)
    }

    /// A datagram was queued to be sent.
    #[inline]
    pub(super) fn queued(&self, length: usize) {
        self.send.take(length);
    }

    /// A datagram that was queued has left.
    #[inline]
    pub(super) fn sent(&self, length: usize) {
        self.send.give(length);
        self.sender.wake();
    }
}

/// What of a queue is free: how many datagrams, and how many bytes for them.
///
/// Both are in one number, each with a bit above it that is only set once more was taken from it
/// than it had, so that one comparison answers for both.
struct Share {
    free: Cell<u64>,
    limit: u64,
}

/// One datagram of no bytes.
const DATAGRAM: u64 = 1 << 32;
/// The most of each that a queue can have.
const MOST: usize = (1 << 31) - 1;
/// The bits that are set once there was less than was taken.
const OVERDRAWN: u64 = 1 << 63 | 1 << 31;

impl Share {
    const fn new(limit: Queue) -> Self {
        let limit = at_most(limit.datagrams) * DATAGRAM + at_most(limit.bytes);
        Self {
            free: Cell::new(limit),
            limit,
        }
    }

    /// What one datagram of `length` bytes takes.
    #[inline]
    const fn cost(length: usize) -> u64 {
        DATAGRAM | length as u64
    }

    #[inline]
    fn has_room(&self, length: usize) -> bool {
        self.free.get().wrapping_sub(Self::cost(length)) & OVERDRAWN == 0
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
