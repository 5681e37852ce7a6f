//! TCP (RFC 9293): the connections, and the ports that somebody listens on.
//!
//! A received segment goes from the frame into the queue that its connection's task reads, and what a
//! task writes from its queue into a frame. A segment costs the same however many connections there
//! are: a hash table finds the one it is for, and only a connection that was touched or whose deadline
//! came is asked what it has to send.
//!
//! | step | where |
//! |---|---|
//! | a frame is read | [`segment`] |
//! | its connection is found | [`ingress`] |
//! | what it does there | [`arrival`], [`text`] |
//! | the task reads and writes | [`connection`] |
//! | what is sent then | [`departure`] |
//! | it becomes a frame | [`egress`], [`segment`] |

mod arrival;
mod connection;
mod cookie;
mod departure;
mod egress;
mod ingress;
mod listeners;
mod neighbor;
mod ranges;
mod recovery;
mod ring;
mod rtt;
mod segment;
mod sequence;
mod statistics;
mod text;

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use vmos_drivers::counts::report;

use self::connection::Owner;
use self::cookie::Cookies;
use self::listeners::Listeners;
use self::segment::ALL_HEADERS;
use self::sequence::Sequence;
use super::address;
use super::buffer::OutOfMemory;
use super::configuration::Configuration;
use super::deadlines::Deadlines;
use super::device::Device;
use super::error::SOCKETS;
use super::names::{Key, Names};
use super::neighbours::Neighbours;
use super::packet::{Mac, Own, Sums};
use super::random::Random;
use crate::time::NEVER;

pub(super) use self::connection::{Connection, Ended, Progress, State};
pub use self::statistics::TcpStatistics;

/// Bytes in each of a connection's two queues unless fewer are asked for; the receive queue is the
/// window offered to the peer. A connection takes both from when it is established, and less than 1 KiB
/// besides from when its peer asks for it.
pub const TCP_QUEUE: usize = 64 * 1024;

/// The size of the queues for whoever asks for so many bytes: what a segment needs at least, what can
/// be announced without a shift at most (RFC 9293, 3.1), and a power of two.
pub(super) fn queue_size(bytes: usize) -> usize {
    const LEAST: usize = 2048;
    bytes.clamp(LEAST, TCP_QUEUE).next_power_of_two()
}

/// Connections that a listener holds until they are accepted, unless another number is asked for: more
/// than a browser opens at once, and half of the [`SOCKETS`](super::SOCKETS) that there are.
pub const TCP_BACKLOG: usize = 32;

/// How long a connection may take to come about, in either direction.
pub const TCP_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a peer that owes an acknowledgement may be silent before the connection is given up. A
/// connection with nothing under way lives for ever. RFC 9293, 3.8.3 wants at least 100 seconds; and it
/// must be longer than the longest time between two looks at a peer that takes no more (60 seconds).
pub const TCP_TIMEOUT: Duration = Duration::from_secs(180);

/// For how long after a half-open connection was evicted the cookies of such are accepted, in
/// nanoseconds: longer than a cookie is valid.
const COOKIES_FOR: u64 = 70_000_000_000;

/// A connection, as its owner knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConnectionId(usize);

/// All connections.
pub(super) struct Connections {
    slots: Vec<Option<Connection>>,
    /// How many there are.
    count: usize,
    names: Names,
    deadlines: Deadlines,
    /// Those that may have something to send, each once.
    touched: VecDeque<usize>,
    /// Whether each slot is among those.
    is_touched: Vec<bool>,
    listeners: Listeners,
    configuration: Option<Configuration>,
    neighbours: Rc<Neighbours>,
    mac: [u8; 6],
    own: Option<Own>,
    /// Who makes the checksum of what leaves.
    sums: Sums,
    /// The longest payload that fits a frame.
    longest: usize,
    /// What the first sequence numbers of connections that begin here come from.
    random: Random,
    /// Those of connections that a peer opens.
    cookies: Cookies,
    /// Until when a cookie is accepted, in nanoseconds: for a while after a half-open connection was
    /// evicted.
    cookies_until: u64,
    pub(super) statistics: TcpStatistics,
    /// When to try again what there was no room for in the device, in nanoseconds; 0 where there was.
    retry: u64,
}

impl Connections {
    /// No connections. First sequence numbers come from `random`.
    pub(super) fn new<D: Device>(
        device: &D,
        mut random: Random,
        neighbours: Rc<Neighbours>,
    ) -> Self {
        let sums = if device.finishes_checksums() {
            Sums::Left
        } else {
            Sums::Made
        };
        Self {
            slots: Vec::new(),
            count: 0,
            names: Names::new(random.next()),
            cookies: Cookies::new(Random::new(random.next())),
            cookies_until: 0,
            statistics: TcpStatistics::default(),
            deadlines: Deadlines::default(),
            touched: VecDeque::new(),
            is_touched: Vec::new(),
            listeners: Listeners::default(),
            configuration: None,
            neighbours,
            mac: device.mac(),
            own: None,
            sums,
            longest: device.max_frame().saturating_sub(ALL_HEADERS),
            random,
            retry: 0,
        }
    }

    /// Sets how the machine is reached. Connections from another address end.
    pub(super) fn configure(&mut self, configuration: Option<Configuration>) {
        let address = |known: Option<Configuration>| known.map(|known| known.address.address());
        let moved = address(self.configuration) != address(configuration);
        self.configuration = configuration;
        let mac = Mac::new(self.mac);
        self.own = configuration.map(|configuration| Own::new(mac, configuration.address));
        if !moved {
            return;
        }
        for index in 0..self.slots.len() {
            if let Some(connection) = &mut self.slots[index] {
                if connection.state != State::Closed {
                    connection.ended = Ended::AddressLost;
                }
                connection.end(false);
                self.touch(ConnectionId(index));
            }
        }
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Bytes that the queues of all take.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        let connections = self.slots.iter().flatten();
        connections.map(Connection::memory).sum()
    }

    /// The connection.
    ///
    /// # Panics
    ///
    /// It is forgotten: it had no owner.
    #[inline]
    pub(super) fn get(&mut self, id: ConnectionId) -> &mut Connection {
        match self.slots.get_mut(id.0) {
            Some(Some(connection)) => connection,
            _ => panic!("a connection was forgotten that somebody owns"),
        }
    }

    /// Whether there may be one more. The one that is missed least makes way for it: first those that
    /// are only remembered, then those that are half open, then those that nobody owns and whose peers
    /// have been silent for long.
    #[cold]
    pub(super) fn has_room(&mut self, now: u64) -> bool {
        if self.count < SOCKETS {
            return true;
        }
        let all = self.slots.iter().enumerate();
        let all = all.filter_map(|(index, slot)| Some((index, slot.as_ref()?.dispensable(now)?)));
        let Some((index, _)) = all.min_by_key(|(_, dispensable)| *dispensable) else {
            return false;
        };
        let connection = self.slots.get(index).and_then(Option::as_ref);
        if connection.is_some_and(|connection| connection.state == State::SynReceived) {
            return self.evict(index, now);
        }
        self.statistics.orphans_evicted += 1;
        self.remove(index);
        true
    }

    /// Forgets a half-open connection. If its peer is there after all, what it sends next brings the
    /// connection back. Returns true.
    fn evict(&mut self, index: usize, now: u64) -> bool {
        self.cookies_until = now.saturating_add(COOKIES_FOR);
        self.statistics.half_open_evicted += 1;
        report(
            "half-open connections evicted: their listener had no place left",
            self.statistics.half_open_evicted,
        );
        self.remove(index);
        true
    }

    /// Notes that the connection may have something to send.
    #[inline]
    pub(super) fn touch(&mut self, id: ConnectionId) {
        self.retry = 0;
        if let Some(touched) = self.is_touched.get_mut(id.0)
            && !core::mem::replace(touched, true)
        {
            self.touched.push_back(id.0);
        }
    }

    /// When [`egress`](Self::egress) has something to do, in nanoseconds.
    #[inline]
    pub(super) fn deadline(&self) -> u64 {
        if self.touched.is_empty() {
            self.deadlines.next()
        } else {
            self.retry
        }
    }

    /// Begins a connection to `peer`.
    pub(super) fn connect(
        &mut self,
        port: u16,
        peer: SocketAddrV4,
        queue: usize,
    ) -> Result<ConnectionId, OutOfMemory> {
        let first = Sequence(self.random.next() as u32);
        let mut connection = Connection::new(State::SynSent, (port, peer), first, queue);
        connection.owner = Owner::Task;
        connection.allocate()?;
        let id = self.add(connection)?;
        self.touch(id);
        Ok(id)
    }

    /// Takes over a connection whose owner is gone: what is queued is sent, the peer is told, and the
    /// connection forgotten.
    pub(super) fn leave(&mut self, id: ConnectionId, now: u64) {
        self.get(id).leave(now);
        self.touch(id);
    }

    /// Whether somebody listens on the port, or, where `connections` count too, has one from it.
    pub(super) fn is_taken(&self, port: u16, connections: bool) -> bool {
        let has_it = |connection: &Connection| connection.port == port;
        self.listeners.contains(port) || connections && self.slots.iter().flatten().any(has_it)
    }

    /// Whether there can be a connection to `peer`.
    pub(super) fn is_peer(&self, peer: SocketAddrV4) -> bool {
        let address = self.configuration.map(|known| known.address);
        address.is_some_and(|own| address::is_peer(*peer.ip(), own)) && peer.port() != 0
    }

    /// Adds a connection.
    fn add(&mut self, connection: Connection) -> Result<ConnectionId, OutOfMemory> {
        let index = match self.slots.iter().position(Option::is_none) {
            Some(index) => index,
            None => self.grow()?,
        };
        self.names.insert(key(&connection), index);
        self.slots[index] = Some(connection);
        self.count += 1;
        Ok(ConnectionId(index))
    }

    /// Adds a slot, with room for its entry in every list: none needs memory later.
    fn grow(&mut self) -> Result<usize, OutOfMemory> {
        let index = self.slots.len();
        self.slots.try_reserve(1).map_err(|_| OutOfMemory)?;
        self.is_touched.try_reserve(1).map_err(|_| OutOfMemory)?;
        self.touched
            .try_reserve(index + 1 - self.touched.len())
            .map_err(|_| OutOfMemory)?;
        self.names.reserve(index + 1)?;
        self.deadlines.grow()?;
        self.slots.push(None);
        self.is_touched.push(false);
        Ok(index)
    }

    /// Forgets a connection.
    #[inline(never)]
    fn remove(&mut self, index: usize) {
        let Some(connection) = self.slots.get_mut(index).and_then(Option::take) else {
            return;
        };
        let key = key(&connection);
        // The peer may have begun another since this one was over.
        if self.names.get(key) == Some(index) {
            self.names.remove(key);
        }
        self.deadlines.set(index, NEVER);
        self.count -= 1;
        if connection.owner == Owner::Listener {
            self.listeners.take(connection.port, ConnectionId(index));
        }
    }
}

/// What names a connection in the segments for it.
#[inline]
fn key(connection: &Connection) -> Key {
    named(
        connection.port,
        *connection.peer.ip(),
        connection.peer.port(),
    )
}

#[inline]
fn named(port: u16, peer: Ipv4Addr, remote: u16) -> Key {
    Key::connection(port, peer, remote)
}
