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
mod departure;
mod egress;
mod ingress;
mod listeners;
mod neighbor;
mod ring;
mod rtt;
mod segment;
mod sequence;
mod text;

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use self::connection::Owner;
use self::listeners::Listeners;
use self::segment::ALL_HEADERS;
use self::sequence::Sequence;
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

pub(super) use self::connection::{Connection, Progress, State};
pub(super) use self::ingress::Heard;

/// Bytes in each of a connection's two queues unless fewer are asked for; the receive queue is the
/// window offered to the peer. A connection takes both, and less than 1 KiB besides, from when its peer
/// asks for it.
pub const TCP_QUEUE: usize = 64 * 1024;

/// The size of the queues for whoever asks for so many bytes: what a segment needs at least, what can
/// be announced without a shift at most (RFC 9293, 3.1), and a power of two.
pub(super) fn queue_size(bytes: usize) -> usize {
    const LEAST: usize = 2048;
    bytes.clamp(LEAST, TCP_QUEUE).next_power_of_two()
}

/// Connections that a listener holds until they are accepted, unless another number is asked for. A
/// browser opens half a dozen at once to a server, and there may be a few of them.
pub const TCP_BACKLOG: usize = 24;

/// How long a connection may take to come about, in either direction.
pub const TCP_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a peer that owes an acknowledgement may be silent before the connection is given up. A
/// connection with nothing under way lives for ever. RFC 9293, 3.8.3 wants at least 100 seconds; and it
/// must be longer than the longest time between two looks at a peer that takes no more (60 seconds).
pub const TCP_TIMEOUT: Duration = Duration::from_secs(180);

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
    /// What first sequence numbers come from.
    random: Random,
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

    /// Whether there may be one more. Those that are only remembered make way.
    pub(super) fn has_room(&mut self) -> bool {
        if self.count >= SOCKETS {
            self.hurry();
        }
        self.count < SOCKETS
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

    /// Begins a connection to `peer`. None where there is no address to connect from, or none that can
    /// be connected to.
    pub(super) fn connect(
        &mut self,
        port: u16,
        peer: SocketAddrV4,
        queue: usize,
    ) -> Result<Option<ConnectionId>, OutOfMemory> {
        let broadcast = self
            .configuration
            .and_then(|configuration| configuration.address.broadcast());
        let possible = self.own.is_some()
            && segment::is_peer(*peer.ip())
            && Some(*peer.ip()) != broadcast
            && peer.port() != 0;
        if !possible {
            return Ok(None);
        }
        let id = self.add(State::SynSent, port, peer, queue)?;
        self.get(id).owner = Owner::Task;
        self.touch(id);
        Ok(Some(id))
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

    /// Adds a connection with queues of `queue` bytes.
    fn add(
        &mut self,
        state: State,
        port: u16,
        peer: SocketAddrV4,
        queue: usize,
    ) -> Result<ConnectionId, OutOfMemory> {
        let first = Sequence(self.random.next() as u32);
        let connection = Connection::new(state, (port, peer), first, queue)?;
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

    /// Forgets connections without an owner that are only remembered (TIME-WAIT), since somebody needs
    /// a socket.
    fn hurry(&mut self) {
        for index in 0..self.slots.len() {
            let idle = self.slots[index].as_ref().is_some_and(|connection| {
                connection.is_orphan()
                    && (connection.state == State::TimeWait || connection.is_over())
            });
            if idle {
                self.remove(index);
            }
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
