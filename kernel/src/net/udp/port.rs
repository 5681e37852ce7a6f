//! The open ports and their queues: where ordinary datagrams pass between the device and sockets.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::task::Waker;

use smoltcp::phy::{self, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::Ipv4Cidr;

use super::UDP_PAYLOAD;
use super::packet::{Packet, Pool};
use super::wire::{self, HEADERS, Mac, Route};
use crate::net::buffer::{OutOfMemory, Queue};
use crate::net::device::{Device, Metered};
use crate::net::protocols::SocketId;
use crate::net::statistics::{Counters, count};

/// How long a peer's hardware address is believed after it was last heard of, in nanoseconds.
const PEER_LIFETIME: u64 = 30_000_000_000;

/// The first address that is not one machine's (RFC 5771, 2).
const FIRST_MULTICAST: u32 = 0xe000_0000;

/// The open UDP ports.
pub(in crate::net) struct Ports {
    ports: Vec<Option<Port>>,
    mac: Mac,
    address: Option<Ipv4Cidr>,
    /// That of all on its network.
    broadcast: Option<Ipv4Addr>,
    /// Check the datagram checksum of what arrives.
    verify: bool,
    /// Compute that of what leaves.
    compute: bool,
    /// The longest payload that fits a frame.
    longest: usize,
    /// Whose turn it is to send first.
    first: usize,
}

/// One open port.
pub(super) struct Port {
    pub(super) number: u16,
    /// The socket for all that is not ordinary.
    pub(super) socket: SocketId,
    pub(super) receive: Bounded,
    pub(super) send: Bounded,
    pub(super) receiver: Sleeper,
    pub(super) sender: Sleeper,
    peer: Peer,
}

/// Who was heard of last, and when, in nanoseconds.
struct Peer {
    address: Ipv4Addr,
    mac: Mac,
    heard: u64,
}

impl Peer {
    /// Before anybody was heard of.
    const NOBODY: Self = Self {
        address: Ipv4Addr::UNSPECIFIED,
        mac: [0; 6],
        heard: 0,
    };
}

/// The task that waits at a queue, if one does.
///
/// Its waker stays: a server is the same task each time.
#[derive(Default)]
pub(super) struct Sleeper {
    waker: Option<Waker>,
    asleep: bool,
}

impl Sleeper {
    #[inline]
    pub(super) fn sleep(&mut self, waker: &Waker) {
        match &mut self.waker {
            Some(known) => known.clone_from(waker),
            None => self.waker = Some(waker.clone()),
        }
        self.asleep = true;
    }

    #[inline]
    pub(super) fn wake(&mut self) {
        if self.asleep {
            self.asleep = false;
            if let Some(waker) = &self.waker {
                waker.wake_by_ref();
            }
        }
    }
}

/// A queue with an end.
pub(super) struct Bounded {
    queue: VecDeque<Packet>,
    bytes: usize,
    limit: Queue,
}

impl Bounded {
    pub(super) fn new(limit: Queue) -> Result<Self, OutOfMemory> {
        let mut queue = VecDeque::new();
        queue
            .try_reserve_exact(limit.datagrams)
            .map_err(|_| OutOfMemory)?;
        Ok(Self {
            queue,
            bytes: 0,
            limit,
        })
    }

    #[inline]
    pub(super) fn has_room(&self, length: usize) -> bool {
        self.queue.len() < self.limit.datagrams && self.limit.bytes - self.bytes >= length
    }

    /// Adds what [`has_room`](Self::has_room).
    #[inline]
    pub(super) fn push(&mut self, packet: Packet) {
        self.bytes += packet.payload.len();
        self.queue.push_back(packet);
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Packet> {
        let packet = self.queue.pop_front()?;
        self.bytes -= packet.payload.len();
        Some(packet)
    }
}

impl Port {
    pub(super) fn new(
        number: u16,
        socket: SocketId,
        receive: Queue,
        send: Queue,
    ) -> Result<Self, OutOfMemory> {
        Ok(Self {
            number,
            socket,
            receive: Bounded::new(receive)?,
            send: Bounded::new(send)?,
            receiver: Sleeper::default(),
            sender: Sleeper::default(),
            peer: Peer::NOBODY,
        })
    }

    /// The hardware address of whom we just heard from.
    #[inline]
    pub(super) fn peer_mac(&self, address: Ipv4Addr, now: u64) -> Option<Mac> {
        let known = self.peer.address == address
            && !address.is_unspecified()
            && now.saturating_sub(self.peer.heard) < PEER_LIFETIME;
        known.then_some(self.peer.mac)
    }
}

impl Ports {
    pub(in crate::net) fn new<D: Device>(device: &D) -> Self {
        let capabilities = phy::Device::capabilities(device);
        Self {
            ports: Vec::new(),
            mac: device.mac(),
            address: None,
            broadcast: None,
            verify: capabilities.checksum.udp.rx(),
            compute: capabilities.checksum.udp.tx(),
            longest: capabilities
                .max_transmission_unit
                .saturating_sub(HEADERS)
                .min(UDP_PAYLOAD),
            first: 0,
        }
    }

    /// Sets the machine's address.
    pub(in crate::net) fn set_address(&mut self, address: Option<Ipv4Cidr>) {
        self.address = address;
        self.broadcast = address.and_then(|address| address.broadcast());
        for port in self.ports.iter_mut().flatten() {
            port.peer = Peer::NOBODY;
        }
    }

    /// Whether a payload fits a frame.
    #[inline]
    pub(super) fn fits(&self, length: usize) -> bool {
        length <= self.longest
    }

    /// Whether this machine has an address.
    #[inline]
    pub(super) fn has_address(&self) -> bool {
        self.address.is_some()
    }

    pub(in crate::net) fn is_taken(&self, number: u16) -> bool {
        self.ports
            .iter()
            .flatten()
            .any(|port| port.number == number)
    }

    pub(super) fn add(&mut self, port: Port) -> Result<usize, OutOfMemory> {
        if let Some(index) = self.ports.iter().position(Option::is_none) {
            self.ports[index] = Some(port);
            return Ok(index);
        }
        self.ports.try_reserve(1).map_err(|_| OutOfMemory)?;
        self.ports.push(Some(port));
        Ok(self.ports.len() - 1)
    }

    #[inline]
    pub(super) fn get(&mut self, index: usize) -> Option<&mut Port> {
        self.ports.get_mut(index)?.as_mut()
    }

    pub(super) fn remove(&mut self, index: usize) -> Option<Port> {
        self.ports.get_mut(index)?.take()
    }

    /// Takes an ordinary datagram for an open port out of the frame. False for all else, which is
    /// left to smoltcp.
    #[inline]
    pub(in crate::net) fn accept(
        &mut self,
        frame: &[u8],
        now: u64,
        pool: &Pool,
        counters: &Counters,
    ) -> bool {
        let Some(own) = self.address else {
            return false;
        };
        let Some(parsed) = wire::parse(frame, (self.mac, own.address())) else {
            return false;
        };
        let source = *parsed.source.ip();
        if !self.is_machine(source) || parsed.payload.len() > self.longest {
            return false;
        }
        let mut ports = self.ports.iter_mut().flatten();
        let Some(port) = ports.find(|port| port.number == parsed.port) else {
            return false;
        };
        if !port.receive.has_room(parsed.payload.len()) {
            count(&counters.receive_queue_full);
            return true;
        }
        let Ok(packet) = pool.copy(parsed.payload, parsed.source, Some(parsed.mac)) else {
            count(&counters.out_of_memory);
            return true;
        };
        if self.verify && !parsed.is_right(&packet.payload) {
            pool.give(packet);
            return false;
        }
        port.peer = Peer {
            address: source,
            mac: parsed.mac,
            heard: now,
        };
        port.receive.push(packet);
        port.receiver.wake();
        true
    }

    /// Whether it can be the address of one machine.
    #[inline]
    fn is_machine(&self, address: Ipv4Addr) -> bool {
        let bits = address.to_bits();
        bits != 0 && bits < FIRST_MULTICAST && Some(address) != self.broadcast
    }

    /// Sends what is queued, at most `budget` frames.
    pub(in crate::net) fn flush<D: Device>(
        &mut self,
        device: &mut Metered<'_, D>,
        time: Instant,
        mut budget: usize,
        pool: &Pool,
    ) -> Flushed {
        let count = self.ports.len();
        for step in 0..count {
            let index = (self.first + step) % count;
            let Some(port) = &mut self.ports[index] else {
                continue;
            };
            while !port.send.queue.is_empty() {
                if budget == 0 {
                    // A port that used up a turn is followed by the next one.
                    self.first = if step == 0 { index + 1 } else { index };
                    return Flushed::OutOfBudget;
                }
                let Some(room) = phy::Device::transmit(device, time) else {
                    return Flushed::DeviceFull;
                };
                let Some(packet) = port.send.pop() else {
                    break;
                };
                budget -= 1;
                if let (Some(own), Some(mac)) = (self.address, packet.mac) {
                    let route = Route {
                        own_mac: self.mac,
                        peer_mac: mac,
                        from: SocketAddrV4::new(own.address(), port.number),
                        to: packet.peer,
                    };
                    room.consume(HEADERS + packet.payload.len(), |frame| {
                        wire::emit(frame, &route, &packet.payload, self.compute);
                    });
                }
                pool.give(packet);
                port.sender.wake();
            }
        }
        Flushed::Everything
    }
}

/// How far [`Ports::flush`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Flushed {
    Everything,
    OutOfBudget,
    DeviceFull,
}
