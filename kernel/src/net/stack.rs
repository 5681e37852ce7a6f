//! The stack, which the event loop drives and all sockets share.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::net::Ipv4Addr;
use core::task::Waker;

use vmos_drivers::dma::Frames;

use super::address::Ip;
use super::alarm::Alarms;
use super::configuration::Configuration;
use super::connections::{Connections, TcpStatistics};
use super::device::Device;
use super::neighbours::{Neighbours, Way};
use super::ping::Pings;
use super::ports::{Outgoing, Ports};
use super::protocols::Protocols;
use super::random::Random;
use super::statistics::{Counters, Statistics};
use crate::exclusive::{Borrowed, Exclusive};
use crate::time::NEVER;

/// The network stack of one device: the protocols and their sockets.
///
/// It stays on one processor: the event loop calls [`ingress`](Self::ingress) and
/// [`egress`](Self::egress) between the tasks, and tasks use it through [`Net`](super::Net) and its
/// sockets. The device belongs to the loop.
///
/// A turn in which nothing arrived and no task used a socket costs two comparisons.
pub struct Stack {
    pub(super) inner: Exclusive<Inner>,
    /// The datagrams that the ports are waiting to send.
    pub(super) outgoing: Outgoing,
    pub(super) neighbours: Rc<Neighbours>,
    pub(super) alarms: RefCell<Alarms>,
    pub(super) pings: RefCell<Pings>,
    #[cfg(feature = "raw")]
    pub(super) raw: super::raw::RawQueues,
    pub(super) counters: Counters,
    /// The pool from which frames are taken.
    pub(super) frames: Rc<Frames>,
    pub(super) configuration: RefCell<Option<Configuration>>,
    pub(super) configuration_wakers: RefCell<Vec<Waker>>,
    /// When this turn of the loop started, in nanoseconds. Frequent operations use it, because
    /// reading the clock each time would cost too much; all others read the clock
    /// ([`time`](Self::time)).
    pub(super) now: Cell<u64>,
    /// The function that reads the clock, in nanoseconds.
    clock: fn() -> u64,
    /// The last reported state of the link.
    link_up: Cell<bool>,
    /// When to send queued ordinary datagrams, in nanoseconds; 0 means at once.
    pub(super) retry: Cell<u64>,
    /// Whether other frames are sent before ordinary datagrams when both wait next time.
    pub(super) others_first: Cell<bool>,
    /// When [`egress`](Self::egress) must be called for anything but queued datagrams, in nanoseconds; 0
    /// if that must be determined again.
    pub(super) due: Cell<u64>,
    /// The earliest alarm, in nanoseconds; [`NEVER`] if there is none.
    pub(super) alarm: Cell<u64>,
    /// The time until which frames stay in the device's queue because there is no room to answer
    /// them, in nanoseconds; [`NEVER`] while there is room.
    pub(super) patience: Cell<u64>,
    /// The identifier of the next ping.
    pub(super) ping: Cell<u16>,
    /// The state from which [`number`](Self::number) is derived.
    numbers: Cell<u64>,
}

/// The parts that are borrowed while protocols run. They are never borrowed across an await or
/// while a task runs.
pub(super) struct Inner {
    pub(super) ports: Ports,
    pub(super) connections: Connections,
    pub(super) protocols: Protocols,
}

impl Inner {
    /// Returns when the protocols have something to send, in nanoseconds.
    #[inline]
    pub(super) fn deadline(&self) -> u64 {
        self.protocols.deadline().min(self.connections.deadline())
    }
}

impl Stack {
    /// Creates the stack of `device`. The link is assumed to be up.
    ///
    /// Port and sequence numbers are derived from `seed`, which must differ at each boot, until
    /// there are better ones ([`reseed`](Self::reseed)). `clock` returns monotonic nanoseconds.
    pub fn new<D: Device>(device: &mut D, ip: Ip, seed: u64, clock: fn() -> u64) -> Box<Self> {
        let now = clock();
        // Peers see numbers of each kind, and must not be able to derive one kind from another.
        let mut random = Random::new(seed);
        let neighbours = Rc::new(Neighbours::new());
        let mac = device.mac();
        let protocols = Protocols::new(mac, ip, random.next(), Rc::clone(&neighbours), now);
        let ping = random.next() as u16;
        let numbers = random.next();
        let configuration = protocols.configuration();
        let ports = Ports::new(device);
        let outgoing = Outgoing::new(device, random.next() as u16);
        let address = configuration.map(|configuration| configuration.address);
        ports.set_address(address, &outgoing, device.frames());
        neighbours.configure(configuration);
        let mut connections = Connections::new(device, random, Rc::clone(&neighbours));
        connections.configure(configuration);
        Box::new(Self {
            inner: Exclusive::new(Inner {
                ports,
                connections,
                protocols,
            }),
            outgoing,
            neighbours,
            alarms: RefCell::default(),
            pings: RefCell::default(),
            #[cfg(feature = "raw")]
            raw: super::raw::RawQueues::default(),
            counters: Counters::default(),
            frames: Rc::clone(device.frames()),
            configuration: RefCell::new(configuration),
            configuration_wakers: RefCell::default(),
            now: Cell::new(now),
            clock,
            link_up: Cell::new(true),
            retry: Cell::new(0),
            others_first: Cell::new(false),
            due: Cell::new(0),
            alarm: Cell::new(NEVER),
            patience: Cell::new(NEVER),
            ping: Cell::new(ping),
            numbers: Cell::new(numbers),
        })
    }

    /// Sets the time at which this turn of the loop started, in nanoseconds. Called in every turn,
    /// before the tasks run.
    #[inline]
    pub fn begin_turn(&self, now: u64) {
        self.now.set(now);
    }

    /// Reads the clock, in nanoseconds. A task may run for long, so its timeouts must not count
    /// from the start of the turn.
    pub(super) fn time(&self) -> u64 {
        (self.clock)()
    }

    /// Returns when [`egress`](Self::egress) or [`ingress`](Self::ingress) must be called next, in
    /// nanoseconds, if nothing arrives. `None` if no protocol waits for anything.
    pub fn next_deadline(&self) -> Option<u64> {
        Some(self.deadline()).filter(|deadline| *deadline != NEVER)
    }

    /// Like [`next_deadline`](Self::next_deadline), but returns [`NEVER`] instead of `None`.
    pub(crate) fn deadline(&self) -> u64 {
        self.deadline_after(self.inner.borrow().deadline())
    }

    /// Returns the earliest of all deadlines, given that of the protocols.
    fn deadline_after(&self, protocols: u64) -> u64 {
        let deadline = protocols.min(self.alarm.get());
        if self.outgoing.is_empty() {
            deadline
        } else {
            deadline.min(self.retry.get())
        }
    }

    /// Returns the hardware address for datagrams to a machine, or requests it.
    #[inline]
    pub(super) fn find_neighbour(&self, to: Ipv4Addr) -> Way {
        let way = self.neighbours.find(to, self.now.get());
        self.due.set(self.due.get().min(self.neighbours.due()));
        way
    }

    /// Sets the earliest alarm, in nanoseconds.
    pub(super) fn set_alarm(&self, alarm: u64) {
        self.alarm.set(alarm);
        self.due.set(0);
    }

    /// Returns when [`ingress`](Self::ingress) must be called next, in nanoseconds, if nothing arrives;
    /// [`NEVER`] if it need not be.
    #[inline]
    pub(crate) fn alarm(&self) -> u64 {
        self.alarm.get()
    }

    /// Returns when [`egress`](Self::egress) must be called next, in nanoseconds, if nothing
    /// arrives; 0 means at once, because a task has used the stack.
    #[inline]
    pub(crate) fn due(&self) -> u64 {
        if self.outgoing.is_empty() {
            self.due.get()
        } else {
            self.due.get().min(self.retry.get())
        }
    }

    /// Borrows the shared parts for a task, and makes [`egress`](Self::egress) due, which handles
    /// what the task changed.
    #[inline]
    pub(super) fn inner(&self) -> Borrowed<'_, Inner> {
        self.due.set(0);
        self.inner.borrow()
    }

    /// Derives all numbers that attackers must not predict from `key`, which must be random:
    /// sequence numbers of connections, ephemeral ports, and the numbers of questions. Requests for
    /// a connection that were just answered have to be repeated.
    pub fn reseed(&self, key: u128) {
        let mut random = Random::keyed(key);
        self.inner().connections.reseed(&mut random);
        self.numbers.set(random.next());
        self.ping.set(random.next() as u16);
        #[cfg(feature = "ipv6")]
        self.reseed_ipv6(random.next());
    }

    /// Reports that the link came up or went down; the same state again changes nothing. When the
    /// link comes up, an address is requested by DHCP again, since the network may have changed.
    pub fn link(&self, up: bool) {
        if self.link_up.replace(up) == up {
            return;
        }
        {
            let inner = &mut *self.inner();
            inner.protocols.link(up, self.time());
            if up {
                // It may lead to another switch.
                self.report_groups(inner, super::protocols::Occasion::Changed);
            }
        }
        #[cfg(feature = "ipv6")]
        self.ipv6_link(up);
        self.wake_watchers();
    }

    /// Returns whether there is a link.
    pub(super) fn link_is_up(&self) -> bool {
        self.link_up.get()
    }

    /// Wakes the tasks that wait for a change of the link or the configuration.
    pub(super) fn wake_watchers(&self) {
        for waker in self.configuration_wakers.take() {
            waker.wake();
        }
    }

    /// Returns a number that attackers cannot predict: for a question to a name server, or to
    /// choose a port.
    pub(super) fn number(&self) -> u64 {
        let mut random = Random::new(self.numbers.get());
        self.numbers.set(random.next());
        random.next()
    }

    /// Returns the counts of the network so far.
    pub fn statistics(&self) -> Statistics {
        self.counters.snapshot()
    }

    /// Returns the counts of TCP so far.
    pub fn tcp_statistics(&self) -> TcpStatistics {
        self.inner.borrow().connections.statistics
    }

    /// Changes the source of the address.
    pub(super) fn configure_by(&self, ip: Ip) {
        let inner = &mut *self.inner();
        inner.protocols.configure_by(ip, self.time());
        self.adopt(inner);
    }

    /// Passes the new address to all parts of the stack.
    #[cold]
    pub(super) fn adopt(&self, inner: &mut Inner) {
        let configuration = inner.protocols.configuration();
        self.configuration.replace(configuration);
        self.neighbours.configure(configuration);
        let address = configuration.map(|configuration| configuration.address);
        inner
            .ports
            .set_address(address, &self.outgoing, &self.frames);
        inner.connections.configure(configuration);
        self.report_groups(inner, super::protocols::Occasion::Changed);
        self.wake_watchers();
    }
}
