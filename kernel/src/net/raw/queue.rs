//! The queues of received packets, one for each open protocol.

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::net::IpAddr;

use vmos_drivers::dma::Frame;

use super::{RawError, RawPacket};
use crate::net::buffer::Queue;
use crate::net::packet::{ICMP, IP_HEADERS, destination, is_message_right, source};
use crate::net::sleeper::Sleeper;
use crate::net::stack::Stack;
use crate::net::statistics::count;

/// The largest number of frames that wait for a hardware address when a raw packet is sent.
pub(super) const WAITING: usize = 64;

/// The type of an ICMP echo request, which the kernel answers.
const ECHO_REQUEST: u8 = 8;

/// The queues of all raw sockets.
#[derive(Default)]
pub(in crate::net) struct RawQueues(RefCell<Vec<Rc<RawQueue>>>);

/// The received packets of one protocol.
pub(super) struct RawQueue {
    pub(super) protocol: u8,
    pub(super) sleeper: Sleeper,
    /// The time to live of packets to groups.
    pub(super) group_hops: Cell<u8>,
    packets: RefCell<VecDeque<RawPacket>>,
    /// The payload bytes in the queue.
    bytes: Cell<usize>,
    limit: Queue,
    dropped: Cell<u64>,
}

impl RawQueues {
    pub(super) fn open(&self, protocol: u8, limit: Queue) -> Result<Rc<RawQueue>, RawError> {
        let mut queues = self.0.borrow_mut();
        if queues.iter().any(|queue| queue.protocol == protocol) {
            return Err(RawError::ProtocolTaken(protocol));
        }
        let mut packets = VecDeque::new();
        let room = packets.try_reserve_exact(limit.datagrams);
        room.map_err(|_| RawError::OutOfMemory)?;
        queues.try_reserve(1).map_err(|_| RawError::OutOfMemory)?;
        let queue = Rc::new(RawQueue {
            protocol,
            sleeper: Sleeper::default(),
            group_hops: Cell::new(1),
            packets: RefCell::new(packets),
            bytes: Cell::new(0),
            limit,
            dropped: Cell::new(0),
        });
        queues.push(Rc::clone(&queue));
        Ok(queue)
    }

    pub(super) fn close(&self, protocol: u8) {
        self.0
            .borrow_mut()
            .retain(|queue| queue.protocol != protocol);
    }

    fn find(&self, protocol: u8) -> Option<Rc<RawQueue>> {
        let queues = self.0.borrow();
        { queues.iter() }
            .find(|queue| queue.protocol == protocol)
            .cloned()
    }
}

impl RawQueue {
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.get()
    }

    pub(super) fn take(&self) -> Option<RawPacket> {
        let packet = self.packets.borrow_mut().pop_front()?;
        self.bytes.set(self.bytes.get() - packet.payload.len());
        Some(packet)
    }

    /// Queues a copy of the packet. Returns false if there is no room or memory for it.
    fn put(&self, source: IpAddr, destination: IpAddr, payload: &[u8]) -> bool {
        let mut packets = self.packets.borrow_mut();
        let bytes = self.bytes.get() + payload.len();
        let mut copy = Vec::new();
        if packets.len() >= self.limit.datagrams
            || bytes > self.limit.bytes
            || copy.try_reserve_exact(payload.len()).is_err()
        {
            self.dropped.set(self.dropped.get() + 1);
            return false;
        }
        copy.extend_from_slice(payload);
        self.bytes.set(bytes);
        packets.push_back(RawPacket {
            source,
            destination,
            payload: copy,
        });
        self.sleeper.wake();
        true
    }
}

impl Stack {
    /// Passes a copy of the IPv4 packet in a frame, which has no options, to the raw socket of its
    /// protocol. Returns whether there is one.
    pub(in crate::net) fn offer_raw(&self, frame: &Frame, protocol: u8) -> bool {
        let payload = frame.bytes().get(IP_HEADERS..).unwrap_or_default();
        let is_of_kernel = protocol == ICMP
            && (payload.first() == Some(&ECHO_REQUEST)
                || payload.len() < 8
                || !is_message_right(frame));
        if is_of_kernel || self.outgoing.own().is_none() {
            return false;
        }
        let (from, to) = (*source(frame).ip(), destination(frame));
        self.put_raw(protocol, IpAddr::V4(from), IpAddr::V4(to), payload)
    }

    /// Passes a copy of a payload to the raw socket of its protocol. Returns whether there is one.
    pub(in crate::net) fn put_raw(
        &self,
        protocol: u8,
        from: IpAddr,
        to: IpAddr,
        payload: &[u8],
    ) -> bool {
        let Some(queue) = self.raw.find(protocol) else {
            return false;
        };
        if !queue.put(from, to, payload) {
            count(&self.counters.receive_queue_full);
        }
        true
    }
}
