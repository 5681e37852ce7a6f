//! What drives smoltcp: the interface, and the sockets of every protocol but the ordinary datagram.
//!
//! The stack hands in one frame at a time together with room for one in answer, asks for what is due
//! to be sent, and for the time when something will be. The futures reach a socket by its
//! [`SocketId`], and say with [`Protocols::touch`] that it may have something to send.

mod backlog;
mod clock;
mod closing;
mod configurator;
mod sockets;
mod unreachable;

use alloc::vec::Vec;
use core::cell::Cell;

use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::phy::TxToken;
use smoltcp::wire::{EthernetAddress, HardwareAddress};

use self::backlog::Listening;
use self::clock::nanoseconds;
use self::closing::Closing;
use self::configurator::Configurator;
use self::unreachable::Unreachable;
use super::address::Ip;
use super::configuration::Configuration;
use super::device::{Device, Metered, MeteredTx, OneFrame};
use super::statistics::{Counters, count};
use crate::time::earliest;

pub(super) use self::clock::instant;
pub use self::sockets::SOCKETS;
pub(super) use self::sockets::SocketId;

/// After how long a device that had no room is tried again, in nanoseconds. Completed transmissions
/// raise no interrupt, so that nothing else would.
pub(super) const TRANSMIT_RETRY: u64 = 1_000_000;

/// The protocols above one device.
pub(super) struct Protocols {
    interface: Interface,
    sockets: SocketSet<'static>,
    /// Holds no socket: what the interface sends of its own accord is sent through this.
    none: SocketSet<'static>,
    listening: Listening,
    configurator: Configurator,
    closing: Closing,
    unreachable: Unreachable,
    /// A socket may have something to send.
    dirty: bool,
    /// When a protocol next has something to do, in nanoseconds.
    deadline: Option<u64>,
    /// The DHCP client changed the configuration, and nobody asked yet.
    changed: bool,
    /// A datagram is half sent.
    fragmenting: Cell<bool>,
}

impl Protocols {
    /// Those of `device`, with the address `ip` or with a client that asks for one. `now` is in
    /// nanoseconds; `seed` is what sequence numbers grow from.
    pub(super) fn new<D: Device>(device: &mut D, ip: Ip, seed: u64, now: u64) -> Self {
        let mut config = Config::new(HardwareAddress::Ethernet(EthernetAddress(device.mac())));
        config.random_seed = seed;
        let mut protocols = Self {
            interface: Interface::new(config, device, instant(now)),
            sockets: SocketSet::new(Vec::new()),
            none: SocketSet::new(Vec::new()),
            listening: Listening::default(),
            configurator: Configurator::new(ip),
            closing: Closing::default(),
            unreachable: Unreachable::default(),
            dirty: true,
            deadline: None,
            changed: false,
            fragmenting: Cell::new(false),
        };
        protocols
            .configurator
            .start(&mut protocols.interface, &mut protocols.sockets);
        protocols
    }

    /// Takes a frame; an answer that must be given at once leaves through `room`.
    pub(super) fn ingress<T: TxToken>(
        &mut self,
        frame: &[u8],
        room: T,
        now: u64,
        counters: &Counters,
    ) {
        if self.listening.is_full_for(frame, &self.sockets) {
            count(&counters.backlog_full);
            return;
        }
        self.dirty = true;
        let room = MeteredTx::new(room, counters, &self.fragmenting);
        let mut frame = OneFrame::new(frame, room);
        self.interface
            .poll_ingress_single(instant(now), &mut frame, &mut self.sockets);
    }

    /// Sends at most about `budget` frames of what the sockets and protocols have to send. Returns
    /// whether the budget ended first.
    pub(super) fn egress<D: Device>(
        &mut self,
        device: &mut D,
        now: u64,
        budget: usize,
        counters: &Counters,
    ) -> bool {
        let due = self.deadline.is_some_and(|deadline| deadline <= now);
        if !due && !self.dirty {
            return false;
        }
        if due {
            self.configurator.wake(now, &mut self.sockets);
            self.closing.relax(&mut self.sockets);
            self.unreachable.give_up(now, &mut self.sockets, counters);
        }
        self.dirty = false;
        let time = instant(now);
        let before = counters.frames_sent.get();
        loop {
            if !self.send_fragments(device, now, counters) {
                self.deadline = Some(now.saturating_add(TRANSMIT_RETRY));
                return false;
            }
            let sent = counters.frames_sent.get();
            let mut metered = Metered::new(device, counters, &self.fragmenting);
            self.interface
                .poll_egress(time, &mut metered, &mut self.sockets);
            let full = metered.take_refused();
            if full {
                count(&counters.device_full);
            }
            let progress = counters.frames_sent.get() != sent;
            let next = self.interface.poll_at(time, &self.sockets).map(nanoseconds);
            let more = next.is_some_and(|next| next <= now);
            if more && progress && !full {
                if counters.frames_sent.get() - before >= budget as u64 {
                    self.dirty = true;
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
                self.configure(now);
                self.closing.give_up(&mut self.sockets);
            }
            if !full {
                self.unreachable.observe(now, next.is_none(), &self.sockets);
            }
            self.deadline = earliest(next, self.configurator.deadline());
            return false;
        }
    }

    /// When [`egress`](Self::egress) has something to do, in nanoseconds: 0 where it has already.
    pub(super) fn deadline(&self) -> Option<u64> {
        if self.dirty { Some(0) } else { self.deadline }
    }

    /// Sends what is left of a datagram that is half sent. False where the device had no room: then
    /// nothing may be handed in that could be answered, since an answer could need the buffer that
    /// holds the rest.
    #[inline]
    pub(super) fn send_fragments<D: Device>(
        &mut self,
        device: &mut D,
        now: u64,
        counters: &Counters,
    ) -> bool {
        !self.fragmenting.get() || self.send_rest(device, now, counters)
    }

    #[inline(never)]
    fn send_rest<D: Device>(&mut self, device: &mut D, now: u64, counters: &Counters) -> bool {
        let time = instant(now);
        while self.fragmenting.replace(false) {
            let sent = counters.frames_sent.get();
            let mut metered = Metered::new(device, counters, &self.fragmenting);
            self.interface
                .poll_egress(time, &mut metered, &mut self.none);
            if counters.frames_sent.get() == sent {
                self.fragmenting.set(true);
                return false;
            }
        }
        // The interface forgets the datagram when asked for more of it.
        let mut metered = Metered::new(device, counters, &self.fragmenting);
        self.interface
            .poll_egress(time, &mut metered, &mut self.none);
        true
    }

    /// Whether a datagram is half sent: while it is, nothing else is.
    pub(super) fn fragmenting(&self) -> &Cell<bool> {
        &self.fragmenting
    }

    /// How the network is reached now.
    pub(super) fn configuration(&self) -> Option<Configuration> {
        self.configurator.current()
    }

    /// Takes up what the DHCP client learnt.
    pub(super) fn configure(&mut self, now: u64) {
        self.changed |= self
            .configurator
            .poll(now, &mut self.interface, &mut self.sockets);
    }

    /// Whether the DHCP client changed the configuration since the last question.
    pub(super) fn take_change(&mut self) -> bool {
        core::mem::take(&mut self.changed)
    }

    /// Takes the address from elsewhere from now on.
    pub(super) fn configure_by(&mut self, ip: Ip) {
        self.configurator
            .replace(ip, &mut self.interface, &mut self.sockets);
        self.dirty = true;
    }

    /// Tells the DHCP client that the link came up or went down.
    pub(super) fn link(&mut self, up: bool, now: u64) {
        self.dirty |= self.configurator.link(up, now, &mut self.sockets);
    }
}
