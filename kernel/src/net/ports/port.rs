//! One open port and its queues.

use core::net::Ipv4Addr;

use vmos_drivers::dma::{Frame, FrameList};

use crate::net::buffer::Queue;
use crate::net::packet::{self, HEADERS, Mac};
use crate::net::protocols::SocketId;
use crate::net::sleeper::Sleeper;

/// How long a peer's hardware address is believed after it was last heard of, in nanoseconds.
const PEER_LIFETIME: u64 = 30_000_000_000;

/// One open port.
pub(in crate::net) struct Port {
    pub(in crate::net) number: u16,
    /// The socket for all that is not ordinary.
    pub(in crate::net) socket: SocketId,
    pub(in crate::net) receive: Received,
    pub(in crate::net) receiver: Sleeper,
    pub(in crate::net) sender: Sleeper,
    send: Share,
    peer: Peer,
}

/// Who was heard of last, and when, in nanoseconds.
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
    pub(in crate::net) fn new(number: u16, socket: SocketId, receive: Queue, send: Queue) -> Self {
        Self {
            number,
            socket,
            receive: Received {
                queue: FrameList::new(),
                share: Share::new(receive),
            },
            receiver: Sleeper::default(),
            sender: Sleeper::default(),
            send: Share::new(send),
            peer: Peer::NOBODY,
        }
    }

    /// Remembers who sent the datagram.
    #[inline]
    pub(super) fn hear(&mut self, frame: &Frame, now: u64) {
        self.peer = Peer {
            address: *packet::source(frame).ip(),
            mac: packet::source_mac(frame),
            heard: now,
        };
    }

    /// Forgets whom it heard of.
    pub(super) fn forget_peers(&mut self) {
        self.peer = Peer::NOBODY;
        self.send = Share::new(self.send.limit);
        self.sender.wake();
    }

    /// The hardware address of whom we just heard from.
    #[inline]
    pub(in crate::net) fn peer_mac(&self, address: Ipv4Addr, now: u64) -> Option<Mac> {
        let known = self.peer.address == address
            && !address.is_unspecified()
            && now.saturating_sub(self.peer.heard) < PEER_LIFETIME;
        known.then_some(self.peer.mac)
    }

    /// Whether a datagram of `length` bytes may be queued to be sent now.
    #[inline]
    pub(in crate::net) fn can_send(&self, length: usize) -> bool {
        self.send.has_room(length)
    }

    /// A datagram was queued to be sent.
    #[inline]
    pub(super) fn queued(&mut self, length: usize) {
        self.send.add(length);
    }

    /// A datagram that was queued has left.
    #[inline]
    pub(super) fn sent(&mut self, length: usize) {
        self.send.subtract(length);
        self.sender.wake();
    }
}

/// What of a queue is in use.
struct Share {
    datagrams: usize,
    bytes: usize,
    limit: Queue,
}

impl Share {
    const fn new(limit: Queue) -> Self {
        Self {
            datagrams: 0,
            bytes: 0,
            limit,
        }
    }

    #[inline]
    const fn has_room(&self, length: usize) -> bool {
        self.datagrams < self.limit.datagrams && self.limit.bytes - self.bytes >= length
    }

    #[inline]
    const fn add(&mut self, length: usize) {
        self.datagrams += 1;
        self.bytes += length;
    }

    #[inline]
    const fn subtract(&mut self, length: usize) {
        self.datagrams -= 1;
        self.bytes -= length;
    }
}

/// The datagrams that were received and not yet asked for.
pub(in crate::net) struct Received {
    queue: FrameList,
    share: Share,
}

impl Received {
    /// Whether there is room for a datagram of `length` bytes.
    #[inline]
    pub(in crate::net) fn has_room(&self, length: usize) -> bool {
        self.share.has_room(length)
    }

    /// Adds a datagram of `length` bytes, which [`has_room`](Self::has_room).
    #[inline]
    pub(in crate::net) fn push(&mut self, frame: Frame, length: usize) {
        self.share.add(length);
        self.queue.push(frame);
    }

    /// Takes the datagram that came first.
    #[inline]
    pub(in crate::net) fn pop(&mut self) -> Option<Frame> {
        let frame = self.queue.pop()?;
        self.share.subtract(frame.len() - HEADERS);
        Some(frame)
    }
}
