//! The stack: what the event loop drives and what sockets share.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::task::Waker;

use smoltcp::phy::RxToken;

use super::address::Ip;
use super::alarm::Alarms;
use super::configuration::Configuration;
use super::device::{Device, Metered};
use super::protocols::{Protocols, TRANSMIT_RETRY, instant};
use super::sockets::first_port;
use super::statistics::{Counters, Statistics, count};
use super::udp::{Flushed, Pool, Ports};
use crate::time::earliest;

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
    /// An ordinary datagram is queued.
    pub(super) queued: Cell<bool>,
    /// When to try again to send ordinary datagrams, in nanoseconds.
    retry: Cell<Option<u64>>,
    /// The earliest of the alarms.
    pub(super) alarm: Cell<Option<u64>>,
    /// The port to give out next to whoever does not care.
    pub(super) ephemeral: Cell<u16>,
    /// What tells one ping from another.
    pub(super) ping: Cell<u16>,
}

/// What is borrowed while protocols run. Never across an await, and never while a task runs.
pub(super) struct Inner {
    pub(super) ports: Ports,
    pub(super) protocols: Protocols,
}

impl Stack {
    /// Makes the stack of `device`. The link is taken to be up.
    ///
    /// `seed` is what port and sequence numbers grow from: it must be different on each boot, and
    /// not to be guessed. `now` is in nanoseconds.
    pub fn new<D: Device>(device: &mut D, ip: Ip, seed: u64, now: u64) -> Box<Self> {
        let protocols = Protocols::new(device, ip, seed, now);
        let configuration = protocols.configuration();
        let mut ports = Ports::new(device);
        ports.set_address(configuration.map(|configuration| configuration.address));
        Box::new(Self {
            inner: RefCell::new(Inner { ports, protocols }),
            alarms: RefCell::default(),
            counters: Counters::default(),
            pool: Pool::default(),
            configuration: RefCell::new(configuration),
            configuration_wakers: RefCell::default(),
            now: Cell::new(now),
            link_up: Cell::new(true),
            queued: Cell::new(false),
            retry: Cell::new(None),
            alarm: Cell::new(None),
            ephemeral: Cell::new(first_port(seed)),
            ping: Cell::new((seed >> 16) as u16),
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
            if !inner.protocols.send_fragments(device, now, &self.counters) {
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
                others = true;
                inner.protocols.ingress(frame, room, now, &self.counters);
            });
        }
        if others {
            inner.protocols.configure(now);
            self.adopt_change(inner);
        }
        more
    }

    /// Sends at most about `budget` frames of what the sockets and protocols have to send. Called
    /// once a turn, after the tasks ran; `now` is the same as for [`ingress`](Self::ingress).
    ///
    /// Returns whether the budget ended first: then the loop must not sleep. Tasks that waited for
    /// room may be ready afterwards.
    pub fn egress<D: Device>(&self, device: &mut D, now: u64, budget: usize) -> bool {
        let inner = &mut *self.inner.borrow_mut();
        let mut more = false;
        if self.queued.get() {
            more |= self.send_datagrams(inner, device, now, budget);
        }
        if inner.protocols.deadline().is_some_and(|due| due <= now) {
            more |= inner.protocols.egress(device, now, budget, &self.counters);
            self.adopt_change(inner);
        }
        more
    }

    /// When [`egress`](Self::egress) or [`ingress`](Self::ingress) must next be called though
    /// nothing arrives, in nanoseconds. None where no protocol waits for anything.
    pub fn next_deadline(&self) -> Option<u64> {
        let datagrams = if self.queued.get() {
            Some(self.retry.get().unwrap_or(self.now.get()))
        } else {
            None
        };
        let protocols = self.inner.borrow().protocols.deadline();
        earliest(earliest(protocols, self.alarm.get()), datagrams)
    }

    /// Tells the stack that the link came up or went down; what it knew already changes nothing. An
    /// address by DHCP is asked for anew when the link comes up, since the network may be another.
    pub fn link(&self, up: bool) {
        if self.link_up.replace(up) == up {
            return;
        }
        self.inner.borrow_mut().protocols.link(up, self.now.get());
    }

    /// What went through so far.
    pub fn statistics(&self) -> Statistics {
        self.counters.snapshot()
    }

    fn send_datagrams<D: Device>(
        &self,
        inner: &mut Inner,
        device: &mut D,
        now: u64,
        budget: usize,
    ) -> bool {
        let fragmenting = inner.protocols.fragmenting();
        let mut metered = Metered::new(device, &self.counters, fragmenting);
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

    /// Has everybody work with what the DHCP client learnt, if it did.
    fn adopt_change(&self, inner: &mut Inner) {
        if inner.protocols.take_change() {
            self.adopt(inner);
        }
    }

    /// Takes the address from elsewhere.
    pub(super) fn configure_by(&self, ip: Ip) {
        let inner = &mut *self.inner.borrow_mut();
        inner.protocols.configure_by(ip);
        self.adopt(inner);
    }

    /// Has everybody work with a new address, or with none.
    fn adopt(&self, inner: &mut Inner) {
        let configuration = inner.protocols.configuration();
        self.configuration.replace(configuration);
        inner
            .ports
            .set_address(configuration.map(|configuration| configuration.address));
        for waker in self.configuration_wakers.borrow_mut().drain(..) {
            waker.wake();
        }
    }
}
