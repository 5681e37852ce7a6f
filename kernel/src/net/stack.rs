//! The stack: what the event loop drives and what sockets share.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::task::Waker;

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::RxToken;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress};

use super::address::Ip;
use super::alarm::Alarms;
use super::configuration::{Configuration, Configurator};
use super::device::{Device, Metered, MeteredTx, OneFrame};
use super::sockets::first_port;
use super::statistics::{Counters, Statistics, count};
use super::tcp::{Closing, Listening};
use super::udp::{Flushed, Pool, Ports};
use super::unreachable::Unreachable;
use crate::time::earliest;

/// After how long a device that had no room is tried again, in nanoseconds. Completed transmissions
/// raise no interrupt, so that nothing else would.
const TRANSMIT_RETRY: u64 = 1_000_000;

/// The network stack of one device: the protocols, and the sockets above them.
///
/// It lives on one processor and is never shared with another: the event loop calls
/// [`ingress`](Self::ingress) and [`egress`](Self::egress) between the tasks, and tasks reach it
/// through [`Net`](super::Net) and the sockets made there. The device stays the loop's.
///
/// A turn in which nothing arrived and no task touched a socket costs two comparisons.
pub struct Stack {
    pub(super) inner: RefCell<Inner>,
    pub(super) alarms: RefCell<Alarms>,
    pub(super) counters: Counters,
    pub(super) pool: Pool,
    pub(super) configuration: RefCell<Option<Configuration>>,
    pub(super) configuration_wakers: RefCell<Vec<Waker>>,
    /// When this turn began, in nanoseconds.
    pub(super) now: Cell<u64>,
    /// Whether the link was up when that was last told.
    link_up: Cell<bool>,
    /// A smoltcp socket may have something to send.
    dirty: Cell<bool>,
    /// An ordinary datagram is queued.
    pub(super) queued: Cell<bool>,
    /// When a protocol next has something to do, in nanoseconds.
    deadline: Cell<Option<u64>>,
    /// When to try again to send ordinary datagrams, in nanoseconds.
    retry: Cell<Option<u64>>,
    /// The earliest of the alarms.
    pub(super) alarm: Cell<Option<u64>>,
    /// The port to give out next to whoever does not care.
    pub(super) ephemeral: Cell<u16>,
    /// What tells one ping from another.
    pub(super) ping: Cell<u16>,
    /// A datagram is half sent.
    fragmenting: Cell<bool>,
}

/// What is borrowed while protocols run. Never across an await, and never while a task runs.
pub(super) struct Inner {
    pub(super) interface: Interface,
    pub(super) sockets: SocketSet<'static>,
    pub(super) ports: Ports,
    pub(super) listening: Listening,
    /// Holds no socket: what the interface sends of its own accord is sent through this.
    none: SocketSet<'static>,
    pub(super) configurator: Configurator,
    pub(super) closing: Closing,
    unreachable: Unreachable,
}

impl Stack {
    /// Makes the stack of `device`. The link is taken to be up.
    ///
    /// `seed` is what port and sequence numbers grow from: it must be different on each boot, and
    /// not to be guessed. `now` is in nanoseconds.
    pub fn new<D: Device>(device: &mut D, ip: Ip, seed: u64, now: u64) -> Box<Self> {
        let mut config = Config::new(HardwareAddress::Ethernet(EthernetAddress(device.mac())));
        config.random_seed = seed;
        let mut inner = Inner {
            interface: Interface::new(config, device, instant(now)),
            sockets: SocketSet::new(Vec::new()),
            none: SocketSet::new(Vec::new()),
            ports: Ports::new(device),
            listening: Listening::default(),
            configurator: Configurator::new(ip),
            closing: Closing::default(),
            unreachable: Unreachable::default(),
        };
        let configuration = inner
            .configurator
            .start(&mut inner.interface, &mut inner.sockets);
        inner
            .ports
            .set_address(configuration.map(|configuration| configuration.address));
        Box::new(Self {
            inner: RefCell::new(inner),
            alarms: RefCell::default(),
            counters: Counters::default(),
            pool: Pool::default(),
            configuration: RefCell::new(configuration),
            configuration_wakers: RefCell::default(),
            now: Cell::new(now),
            link_up: Cell::new(true),
            dirty: Cell::new(true),
            queued: Cell::new(false),
            deadline: Cell::new(None),
            retry: Cell::new(None),
            alarm: Cell::new(None),
            ephemeral: Cell::new(first_port(seed)),
            ping: Cell::new((seed >> 16) as u16),
            fragmenting: Cell::new(false),
        })
    }

    /// Takes at most `budget` frames from the device, answers those that are for a protocol (ARP,
    /// echo requests, TCP), and wakes the tasks that wait for the rest. Called once a turn, before
    /// the tasks run; `now` is when the turn began, in nanoseconds.
    ///
    /// Returns whether the budget ended before the frames did: then the loop must not sleep.
    pub fn ingress<D: Device>(&self, device: &mut D, now: u64, budget: usize) -> bool {
        self.now.set(now);
        if self.alarm.get().is_some_and(|alarm| alarm <= now) {
            let mut alarms = self.alarms.borrow_mut();
            alarms.expire(now);
            self.alarm.set(alarms.next());
        }
        let time = instant(now);
        let inner = &mut *self.inner.borrow_mut();
        let mut others = false;
        let mut more = true;
        for _ in 0..budget {
            if self.fragmenting.get() && !self.send_fragments(inner, device) {
                // An answer could need the buffer that holds the unsent fragments.
                more = false;
                break;
            }
            let Some((frame, room)) = device.receive(time) else {
                more = false;
                break;
            };
            count(&self.counters.frames_received);
            frame.consume(|frame| {
                if inner.ports.accept(frame, now, &self.pool, &self.counters) {
                    return;
                }
                if inner.listening.is_full_for(frame, &inner.sockets) {
                    count(&self.counters.backlog_full);
                    return;
                }
                others = true;
                let room = MeteredTx::new(room, &self.counters, &self.fragmenting);
                let mut frame = OneFrame::new(frame, room);
                inner
                    .interface
                    .poll_ingress_single(time, &mut frame, &mut inner.sockets);
            });
        }
        if others {
            self.touch();
            self.configure(inner);
        }
        more
    }

    /// Sends at most about `budget` frames of what the sockets and protocols have to send. Called
    /// once a turn, after the tasks ran; `now` is the same as for [`ingress`](Self::ingress).
    ///
    /// Returns whether the budget ended first: then the loop must not sleep. Tasks that waited for
    /// room may be ready afterwards.
    pub fn egress<D: Device>(&self, device: &mut D, now: u64, budget: usize) -> bool {
        let due = self.deadline.get().is_some_and(|deadline| deadline <= now);
        let mut more = false;
        if self.queued.get() {
            more |= self.send_datagrams(device, now, budget);
        }
        if due || self.dirty.get() {
            more |= self.send_others(device, now, due, budget);
        }
        more
    }

    /// When [`egress`](Self::egress) or [`ingress`](Self::ingress) must next be called though
    /// nothing arrives, in nanoseconds. None where no protocol waits for anything.
    pub fn next_deadline(&self) -> Option<u64> {
        if self.dirty.get() {
            return Some(self.now.get());
        }
        let datagrams = if self.queued.get() {
            Some(self.retry.get().unwrap_or(self.now.get()))
        } else {
            None
        };
        earliest(earliest(self.deadline.get(), self.alarm.get()), datagrams)
    }

    /// Tells the stack that the link came up or went down; what it knew already changes nothing. An
    /// address by DHCP is asked for anew when the link comes up, since the network may be another.
    pub fn link(&self, up: bool) {
        if self.link_up.replace(up) == up {
            return;
        }
        let inner = &mut *self.inner.borrow_mut();
        if inner
            .configurator
            .link(up, self.now.get(), &mut inner.sockets)
        {
            self.touch();
        }
    }

    /// What went through so far.
    pub fn statistics(&self) -> Statistics {
        self.counters.snapshot()
    }

    /// Notes that a socket may have something to send.
    pub(super) fn touch(&self) {
        self.dirty.set(true);
    }

    fn send_datagrams<D: Device>(&self, device: &mut D, now: u64, budget: usize) -> bool {
        let inner = &mut *self.inner.borrow_mut();
        let mut metered = Metered::new(device, &self.counters, &self.fragmenting);
        match inner
            .ports
            .flush(&mut metered, instant(now), budget, &self.pool)
        {
            Flushed::Everything => {
                self.queued.set(false);
                self.retry.set(None);
                false
            }
            Flushed::OutOfBudget => {
                self.retry.set(None);
                true
            }
            Flushed::DeviceFull => {
                count(&self.counters.device_full);
                self.retry.set(Some(now.saturating_add(TRANSMIT_RETRY)));
                false
            }
        }
    }

    fn configure(&self, inner: &mut Inner) {
        let change =
            inner
                .configurator
                .poll(self.now.get(), &mut inner.interface, &mut inner.sockets);
        if let Some(configuration) = change {
            self.adopt(configuration, inner);
        }
    }

    /// Takes the address from elsewhere.
    pub(super) fn configure_by(&self, ip: Ip) {
        let inner = &mut *self.inner.borrow_mut();
        let configuration =
            inner
                .configurator
                .replace(ip, &mut inner.interface, &mut inner.sockets);
        self.adopt(configuration, inner);
        self.touch();
    }

    /// Has everybody work with a new address, or with none.
    fn adopt(&self, configuration: Option<Configuration>, inner: &mut Inner) {
        self.configuration.replace(configuration);
        inner
            .ports
            .set_address(configuration.map(|configuration| configuration.address));
        for waker in self.configuration_wakers.borrow_mut().drain(..) {
            waker.wake();
        }
    }

    fn send_others<D: Device>(&self, device: &mut D, now: u64, due: bool, budget: usize) -> bool {
        let time = instant(now);
        let inner = &mut *self.inner.borrow_mut();
        if due {
            inner.configurator.wake(now, &mut inner.sockets);
            inner.closing.relax(&mut inner.sockets);
            inner
                .unreachable
                .give_up(now, &mut inner.sockets, &self.counters);
        }
        self.dirty.set(false);
        let before = self.counters.frames_sent.get();
        loop {
            if self.fragmenting.get() && !self.send_fragments(inner, device) {
                self.deadline.set(Some(now.saturating_add(TRANSMIT_RETRY)));
                return false;
            }
            let sent = self.counters.frames_sent.get();
            let mut metered = Metered::new(device, &self.counters, &self.fragmenting);
            inner
                .interface
                .poll_egress(time, &mut metered, &mut inner.sockets);
            let full = metered.take_refused();
            if full {
                count(&self.counters.device_full);
            }
            let progress = self.counters.frames_sent.get() != sent;
            let next = inner
                .interface
                .poll_at(time, &inner.sockets)
                .map(nanoseconds);
            let more = next.is_some_and(|next| next <= now);
            if more && progress && !full {
                if self.counters.frames_sent.get() - before >= budget as u64 {
                    self.touch();
                    return true;
                }
                continue;
            }
            let next = if more {
                Some(now.saturating_add(TRANSMIT_RETRY))
            } else {
                next
            };
            if due {
                self.configure(inner);
                inner.closing.give_up(&mut inner.sockets);
            }
            if !full {
                inner
                    .unreachable
                    .observe(now, next.is_none(), &inner.sockets);
            }
            self.deadline
                .set(earliest(next, inner.configurator.deadline()));
            return false;
        }
    }

    /// Sends what is left of the datagram that is half sent. False where the device had no room.
    fn send_fragments<D: Device>(&self, inner: &mut Inner, device: &mut D) -> bool {
        let time = instant(self.now.get());
        while self.fragmenting.replace(false) {
            let sent = self.counters.frames_sent.get();
            let mut metered = Metered::new(device, &self.counters, &self.fragmenting);
            inner
                .interface
                .poll_egress(time, &mut metered, &mut inner.none);
            if self.counters.frames_sent.get() == sent {
                self.fragmenting.set(true);
                return false;
            }
        }
        // The interface forgets the datagram when asked for more of it.
        let mut metered = Metered::new(device, &self.counters, &self.fragmenting);
        inner
            .interface
            .poll_egress(time, &mut metered, &mut inner.none);
        true
    }

    /// Takes a socket out of the set.
    pub(super) fn remove(&self, handle: SocketHandle) {
        self.inner.borrow_mut().sockets.remove(handle);
        // What it waited for is no longer due.
        self.touch();
    }
}

/// smoltcp counts in microseconds. Rounded down, so that nothing is due too early.
pub(super) fn instant(nanoseconds: u64) -> Instant {
    Instant::from_micros((nanoseconds / 1000) as i64)
}

/// The way back from [`instant`].
pub(super) fn nanoseconds(instant: Instant) -> u64 {
    (instant.total_micros().max(0) as u64).saturating_mul(1000)
}
