//! TCP (RFC 9293): connections and listeners.
//!
//! Received data goes from the frame into the queue from which the connection's task reads; what a
//! task writes goes from its queue into a frame. The cost of a segment does not depend on the
//! number of connections: a hash table finds the segment's connection, and only connections that
//! were used, or whose deadline has passed, are checked for segments to send.
//!
//! | step | where |
//! |---|---|
//! | a frame is parsed | [`segment`] |
//! | its connection is found | [`ingress`] |
//! | the connection processes it | [`arrival`], [`text`] |
//! | the task reads and writes | [`connection`] |
//! | the next segment to send is determined | [`departure`] |
//! | the segment is written to a frame | [`egress`], [`segment`] |

mod arrival;
mod calls;
mod connection;
mod cookie;
mod departure;
mod egress;
mod ingress;
#[cfg(feature = "ipv6")]
mod ipv6;
mod listeners;
mod neighbour;
mod path;
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

/// The default size of each of a connection's two queues, in bytes; the receive queue is the window
/// offered to the peer. The queues are allocated when the connection is established. A half-open
/// connection takes less than 1 KiB.
pub const TCP_QUEUE: usize = 64 * 1024;

/// Returns the queue size for a requested number of bytes: a power of two, large enough for a
/// segment, and small enough to be announced without a shift (RFC 9293, 3.1).
pub(super) fn queue_size(bytes: usize) -> usize {
    const LEAST: usize = 2048;
    bytes.clamp(LEAST, TCP_QUEUE).next_power_of_two()
}

/// The default number of connections that can wait to be accepted: more than a browser opens at
/// once, and half of the [`SOCKETS`](super::SOCKETS).
pub const TCP_BACKLOG: usize = 32;

/// The longest time for establishing a connection, in either direction.
pub const TCP_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The default time after which a connection is given up whose peer owes an acknowledgement and is
/// silent. RFC 9293, 3.8.3 requires at least 100 seconds. A closed window is probed at least every
/// 15 seconds.
pub const TCP_TIMEOUT: Duration = Duration::from_secs(180);

/// The default silence of a peer after which it is probed (keep-alive). The connection is given up
/// after four more intervals of silence, in which some ten probes were sent: two and a half minutes
/// after the peer's last segment.
///
/// RFC 9293, 3.8.4 has keep-alive off by default, and an interval of two hours. Here a connection
/// is one of few ([`SOCKETS`](super::SOCKETS)) and may occupy the only task of a service.
pub const TCP_KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long a dropped connection tries to send queued data to a silent peer. If the peer answers
/// but its window stays closed, it tries for [`TCP_TIMEOUT`] in total.
pub const TCP_LINGER: Duration = Duration::from_secs(60);

/// How long cookies are accepted after a half-open connection was evicted, in nanoseconds: longer
/// than a cookie is valid.
const COOKIES_FOR: u64 = 70_000_000_000;

/// The number of a connection, which its owner keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConnectionId(usize);

/// The state of all connections.
pub(super) struct Connections {
    slots: Vec<Option<Connection>>,
    /// The number of connections in the table.
    count: usize,
    names: Names,
    deadlines: Deadlines,
    /// Connections that may have something to send, each once.
    touched: VecDeque<usize>,
    /// Whether each slot is in `touched`.
    is_touched: Vec<bool>,
    listeners: Listeners,
    configuration: Option<Configuration>,
    neighbours: Rc<Neighbours>,
    mac: [u8; 6],
    own: Option<Own>,
    /// Whether the stack or the device computes checksums.
    sums: Sums,
    /// The longest payload that fits in a frame, in bytes.
    longest: usize,
    /// The source of initial sequence numbers for connections that this machine opens.
    random: Random,
    /// The source of initial sequence numbers for connections that peers open.
    cookies: Cookies,
    /// The time until which cookies are accepted, in nanoseconds.
    cookies_until: u64,
    pub(super) statistics: TcpStatistics,
    /// When to try to send again after the device had no room, in nanoseconds; 0 if it had room.
    retry: u64,
}

impl Connections {
    /// Creates the state without connections. Initial sequence numbers are derived from `random`.
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

    /// Derives the sequence numbers of further connections from `random`.
    pub(super) fn reseed(&mut self, random: &mut Random) {
        self.cookies = Cookies::new(Random::keyed(random.key()));
        self.random = Random::keyed(random.key());
    }

    /// Sets the network configuration. Connections with another source address end.
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
                #[cfg(feature = "ipv6")]
                if crate::net::ipv6::is_stand_in(*connection.peer.ip()) {
                    continue;
                }
                if connection.state != State::Closed {
                    connection.ended = Ended::AddressLost;
                }
                connection.end(false);
                self.touch(ConnectionId(index));
            }
        }
    }

    /// Returns the number of connections.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Returns the size of all queues' memory in bytes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        let connections = self.slots.iter().flatten();
        connections.map(Connection::memory).sum()
    }

    /// Returns the connection.
    ///
    /// # Panics
    ///
    /// If the connection was removed, which never happens while it has an owner.
    #[inline]
    pub(super) fn get(&mut self, id: ConnectionId) -> &mut Connection {
        match self.slots.get_mut(id.0) {
            Some(Some(connection)) => connection,
            _ => panic!("a connection with an owner was removed"),
        }
    }

    /// Returns whether there is room for another connection. If necessary, evicts the most
    /// dispensable one: first those kept only for late segments, then half-open ones, then those
    /// without an owner whose peers have been silent for long.
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

    /// Removes a half-open connection and returns true. If its peer exists, the peer's next segment
    /// restores the connection.
    fn evict(&mut self, index: usize, now: u64) -> bool {
        self.cookies_until = now.saturating_add(COOKIES_FOR);
        self.statistics.half_open_evicted += 1;
        report(
            "half-open connections evicted: their listener was full",
            self.statistics.half_open_evicted,
        );
        self.remove(index);
        true
    }

    /// Records that the connection may have something to send.
    #[inline]
    pub(super) fn touch(&mut self, id: ConnectionId) {
        self.retry = 0;
        if let Some(touched) = self.is_touched.get_mut(id.0)
            && !core::mem::replace(touched, true)
        {
            self.touched.push_back(id.0);
        }
    }

    /// Returns when [`egress`](Self::egress) is due, in nanoseconds.
    #[inline]
    pub(super) fn deadline(&self) -> u64 {
        if self.touched.is_empty() {
            self.deadlines.next()
        } else {
            self.retry
        }
    }

    /// Opens a connection to `peer`.
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

    /// Takes over a connection from its owner: queued data is sent, the peer is informed, and the
    /// connection is removed.
    pub(super) fn leave(&mut self, id: ConnectionId, now: u64) {
        self.get(id).leave(now);
        self.touch(id);
    }

    /// Returns whether the port has a listener or, if `connections` is set, a connection.
    pub(super) fn is_taken(&self, port: u16, connections: bool) -> bool {
        let has_it = |connection: &Connection| connection.port == port;
        self.listeners.contains(port) || connections && self.slots.iter().flatten().any(has_it)
    }

    /// Returns whether a connection to `peer` is possible.
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

    /// Adds a slot, with room for it in every list, so that no list allocates later.
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

    /// Removes a connection.
    #[inline(never)]
    fn remove(&mut self, index: usize) {
        let Some(connection) = self.slots.get_mut(index).and_then(Option::take) else {
            return;
        };
        let key = key(&connection);
        // The peer may have opened another connection since this one was over.
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

/// Returns the key of a connection, which is that of its segments.
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
