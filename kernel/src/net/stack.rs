//! The stack: what the event loop drives and what sockets share.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell, RefMut};
use core::task::Waker;

use vmos_drivers::dma::Frames;

use super::address::Ip;
use super::alarm::Alarms;
use super::configuration::Configuration;
use super::connections::{Connections, TcpStatistics};
use super::device::Device;
use super::neighbours::Neighbours;
use super::ping::Pings;
use super::ports::{Outgoing, Ports};
use super::protocols::Protocols;
use super::random::Random;
use super::sockets::first_port;
use super::statistics::{Counters, Statistics};
use crate::time::NEVER;

/// The network stack of one device: the protocols, and the sockets above them.
///
/// It lives on one processor and is never shared with another: the event loop calls
/// [`ingress`](Self::ingress) and [`egress`](Self::egress) between the tasks, and tasks reach it
/// through [`Net`](super::Net) and the sockets made there. The device stays the loop's.
///
/// A turn in which nothing arrived and no task touched a socket costs two comparisons.
pub struct Stack {
    pub(super) inner: RefCell<Inner>,
    /// What the ports have to send.
    pub(super) outgoing: Outgoing,
    pub(super) neighbours: Rc<Neighbours>,
    pub(super) alarms: RefCell<Alarms>,
    pub(super) pings: RefCell<Pings>,
    pub(super) counters: Counters,
    /// Where frames come from, and go to when nobody needs them.
    pub(super) frames: Rc<Frames>,
    pub(super) configuration: RefCell<Option<Configuration>>,
    pub(super) configuration_wakers: RefCell<Vec<Waker>>,
    /// When this turn of the loop began, in nanoseconds: for what happens so often that reading the
    /// clock would cost too much. Everything else reads it ([`time`](Self::time)).
    pub(super) now: Cell<u64>,
    /// The clock, in nanoseconds.
    clock: fn() -> u64,
    /// Whether the link was up when that was last told.
    link_up: Cell<bool>,
    /// When to send ordinary datagrams that are queued, in nanoseconds: 0 for at once.
    pub(super) retry: Cell<u64>,
    /// What is not ordinary datagrams goes first when next both have something to send.
    pub(super) others_first: Cell<bool>,
    /// The deadline after the last [`egress`](Self::egress), or 0 where a task has used the stack since.
    pub(super) due: Cell<u64>,
    /// The earliest of the alarms, in nanoseconds; [`NEVER`] where there is none.
    pub(super) alarm: Cell<u64>,
    /// The port to give out next to whoever does not care.
    pub(super) ephemeral: Cell<u16>,
    /// What tells one ping from another.
    pub(super) ping: Cell<u16>,
    /// What the numbers of questions to name servers come from.
    questions: Cell<u64>,
}

/// What is borrowed while protocols run. Never across an await, and never while a task runs.
pub(super) struct Inner {
    pub(super) ports: Ports,
    pub(super) connections: Connections,
    pub(super) protocols: Protocols,
}

impl Inner {
    /// When the protocols have something to send, in nanoseconds.
    #[inline]
    pub(super) fn deadline(&self) -> u64 {
        self.protocols.deadline().min(self.connections.deadline())
    }
}

impl Stack {
    /// Makes the stack of `device`. The link is taken to be up.
    ///
    /// `seed` is what port and sequence numbers grow from: it must be different on each boot, and
    /// not to be guessed. `clock` returns nanoseconds since any moment, and never goes back.
    pub fn new<D: Device>(device: &mut D, ip: Ip, seed: u64, clock: fn() -> u64) -> Box<Self> {
        let now = clock();
        // Peers see numbers of each kind, and must not learn those of another from them.
        let mut random = Random::new(seed);
        let neighbours = Rc::new(Neighbours::new());
        let mac = device.mac();
        let protocols = Protocols::new(mac, ip, random.next(), Rc::clone(&neighbours), now);
        let (ephemeral, ping) = (first_port(random.next()), random.next() as u16);
        let questions = random.next();
        let configuration = protocols.configuration();
        let ports = Ports::new(device);
        let outgoing = Outgoing::new(device, random.next() as u16);
        let address = configuration.map(|configuration| configuration.address);
        ports.set_address(address, &outgoing, device.frames());
        neighbours.configure(configuration);
        let mut connections = Connections::new(device, random, Rc::clone(&neighbours));
        connections.configure(configuration);
        Box::new(Self {
            inner: RefCell::new(Inner {
                ports,
                connections,
                protocols,
            }),
            outgoing,
            neighbours,
            alarms: RefCell::default(),
            pings: RefCell::default(),
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
            ephemeral: Cell::new(ephemeral),
            ping: Cell::new(ping),
            questions: Cell::new(questions),
        })
    }

    /// Tells the stack when this turn of the loop began, in nanoseconds. Called in every turn before
    /// the tasks run, whether or not anything arrived.
    #[inline]
    pub fn begin_turn(&self, now: u64) {
        self.now.set(now);
    }

    /// Reads the clock, in nanoseconds. A task may run for long: what it begins counts from when it
    /// does, and not from when the turn began.
    pub(super) fn time(&self) -> u64 {
        (self.clock)()
    }

    /// When [`egress`](Self::egress) or [`ingress`](Self::ingress) must next be called though
    /// nothing arrives, in nanoseconds. None where no protocol waits for anything.
    pub fn next_deadline(&self) -> Option<u64> {
        Some(self.deadline()).filter(|deadline| *deadline != NEVER)
    }

    /// The same, with [`NEVER`] for none.
    pub(crate) fn deadline(&self) -> u64 {
        self.deadline_after(self.inner.borrow().deadline())
    }

    /// The earliest of all deadlines, that of the protocols among them.
    #[inline]
    pub(super) fn deadline_after(&self, protocols: u64) -> u64 {
        let deadline = protocols.min(self.alarm.get());
        if self.outgoing.is_empty() {
            deadline
        } else {
            deadline.min(self.retry.get())
        }
    }

    /// When [`egress`](Self::egress) is next to be called though nothing arrives, in nanoseconds: 0
    /// for at once, since a task has used the stack.
    #[inline]
    pub(crate) fn due(&self) -> u64 {
        if self.outgoing.is_empty() {
            self.due.get()
        } else {
            self.due.get().min(self.retry.get())
        }
    }

    /// What a task uses. Whatever it may change is seen by the next [`egress`](Self::egress), which is
    /// due from now on.
    #[inline]
    pub(super) fn inner(&self) -> RefMut<'_, Inner> {
        self.due.set(0);
        self.inner.borrow_mut()
    }

    /// Tells the stack that the link came up or went down; what it knew already changes nothing. An
    /// address by DHCP is asked for anew when the link comes up, since the network may be another.
    pub fn link(&self, up: bool) {
        if self.link_up.replace(up) == up {
            return;
        }
        self.inner().protocols.link(up, self.time());
    }

    /// A number for a question to a name server.
    pub(super) fn question(&self) -> u16 {
        let mut random = Random::new(self.questions.get());
        self.questions.set(random.next());
        random.next() as u16
    }

    /// What went through so far.
    pub fn statistics(&self) -> Statistics {
        self.counters.snapshot()
    }

    /// What happened to TCP so far.
    pub fn tcp_statistics(&self) -> TcpStatistics {
        self.inner.borrow().connections.statistics
    }

    /// Takes the address from elsewhere.
    pub(super) fn configure_by(&self, ip: Ip) {
        let inner = &mut *self.inner();
        inner.protocols.configure_by(ip, self.time());
        self.adopt(inner);
    }

    /// Has everybody work with a new address, or with none.
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
        for waker in self.configuration_wakers.borrow_mut().drain(..) {
            waker.wake();
        }
    }
}
