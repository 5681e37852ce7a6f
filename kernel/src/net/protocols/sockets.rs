//! The sockets, each in a set of its own, so that smoltcp looks at the one that a packet is for or
//! that has something to do and at no other.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::{AnySocket, Socket};

use crate::net::buffer::OutOfMemory;
use crate::net::deadlines::Deadlines;
use crate::net::names::{Key, Names};
use crate::time::NEVER;

/// A socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) struct SocketId(pub(super) usize);

/// Room for a socket, and what is known of it.
pub(super) struct Slot {
    /// Holds the socket, or none.
    pub(super) set: SocketSet<'static>,
    /// What names it in packets.
    key: Option<Key>,
    /// There is one.
    taken: bool,
    /// It is in the queue of those that may have something to send.
    queued: bool,
    /// Its deadline came.
    pub(super) due: bool,
    /// Since when what it sends has been in the way of itself, in nanoseconds.
    pub(super) stuck_since: Option<u64>,
}

impl Slot {
    /// The socket.
    ///
    /// # Panics
    ///
    /// It is of another protocol, or there is none.
    #[inline]
    pub(super) fn get<S: AnySocket<'static>>(&mut self) -> &mut S {
        self.set.get_mut(SocketHandle::default())
    }

    /// The socket, of whatever protocol.
    #[inline]
    pub(super) fn any(&mut self) -> Option<&mut Socket<'static>> {
        self.set.iter_mut().next().map(|(_, socket)| socket)
    }
}

/// All of them.
pub(super) struct Sockets {
    slots: Vec<Slot>,
    taken: usize,
    names: Names,
    pub(super) deadlines: Deadlines,
    /// Those that may have something to send, each once.
    queue: VecDeque<usize>,
}

impl Sockets {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            slots: Vec::new(),
            taken: 0,
            names: Names::new(seed),
            deadlines: Deadlines::default(),
            queue: VecDeque::new(),
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.taken
    }

    /// Takes a socket, which `key` names in packets.
    pub(super) fn add<S: AnySocket<'static>>(
        &mut self,
        socket: S,
        key: Key,
    ) -> Result<SocketId, OutOfMemory> {
        let index = match self.slots.iter().position(|slot| !slot.taken) {
            Some(index) => index,
            None => self.grow()?,
        };
        let slot = &mut self.slots[index];
        slot.set.add(socket);
        slot.taken = true;
        slot.key = Some(key);
        self.names.insert(key, index);
        self.taken += 1;
        self.touch(index);
        Ok(SocketId(index))
    }

    /// Adds a slot, with room for its entry in every list: none needs memory later.
    fn grow(&mut self) -> Result<usize, OutOfMemory> {
        let count = self.slots.len() + 1;
        self.slots.try_reserve(1).map_err(|_| OutOfMemory)?;
        self.queue
            .try_reserve(count - self.queue.len())
            .map_err(|_| OutOfMemory)?;
        self.names.reserve(count)?;
        let mut place = Vec::new();
        place.try_reserve_exact(1).map_err(|_| OutOfMemory)?;
        self.deadlines.grow()?;
        self.slots.push(Slot {
            set: SocketSet::new(place),
            key: None,
            taken: false,
            queued: false,
            due: false,
            stuck_since: None,
        });
        Ok(count - 1)
    }

    /// Frees a socket.
    pub(super) fn remove(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        slot.set.remove(SocketHandle::default());
        slot.taken = false;
        slot.due = false;
        slot.stuck_since = None;
        if let Some(key) = slot.key.take() {
            self.names.remove(key);
        }
        self.deadlines.set(index, NEVER);
        self.taken -= 1;
    }

    /// The slot of a socket.
    #[inline]
    pub(super) fn slot(&mut self, index: usize) -> &mut Slot {
        &mut self.slots[index]
    }

    /// The socket that `key` names.
    #[inline]
    pub(super) fn find(&self, key: Key) -> Option<usize> {
        self.names.get(key)
    }

    /// Notes that a socket may have something to send.
    #[inline]
    pub(super) fn touch(&mut self, index: usize) {
        if !core::mem::replace(&mut self.slots[index].queued, true) {
            self.queue.push_back(index);
        }
    }

    /// The next socket that may have something to send; of those, whoever waits longest.
    pub(super) fn take_touched(&mut self) -> Option<usize> {
        loop {
            let index = self.queue.pop_front()?;
            self.slots[index].queued = false;
            if self.slots[index].taken {
                return Some(index);
            }
        }
    }

    /// Whether a socket may have something to send.
    #[inline]
    pub(super) fn is_touched(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Touches those whose deadline came.
    pub(super) fn expire(&mut self, now: u64) {
        while let Some(index) = self.deadlines.take_expired(now) {
            self.slots[index].due = true;
            self.touch(index);
        }
    }

    /// Touches all that wait for something: one of them may wait for a neighbour's hardware address.
    pub(super) fn touch_waiting(&mut self) {
        for index in 0..self.slots.len() {
            if self.deadlines.has(index) {
                self.touch(index);
            }
        }
    }
}
