//! What drives smoltcp: the interface, and the sockets of every protocol but the ordinary datagram.
//!
//! The stack hands in one frame at a time together with room for one in answer
//! ([`Protocols::ingress`]), has what is due sent ([`Protocols::egress`]), and asks when something
//! will be ([`Protocols::deadline`]). The futures reach a socket by its [`SocketId`], and say with
//! [`Protocols::touch`] that it may have something to send.
//!
//! A frame costs the same however many sockets there are: it is shown to the one it is for, and
//! afterwards that one is asked what it has to send. The others are looked at when their own
//! deadlines come.

mod access;
mod clock;
mod configurator;
mod egress;
mod packet;
mod reassembly;
mod sockets;
mod tokens;
mod unreachable;

use alloc::vec::Vec;
use core::cell::Cell;

use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::phy::TxToken;
use smoltcp::wire::{DHCP_CLIENT_PORT, DHCP_SERVER_PORT, EthernetAddress, HardwareAddress};

use self::configurator::Configurator;
use self::packet::{Carried, ETHERNET, HEADER, Packet, is_arp, simplify};
use self::reassembly::Reassembly;
use self::sockets::Sockets;
use self::tokens::{OneFrame, Outlet, Sender};
use super::address::Ip;
use super::configuration::Configuration;
use super::device::Device;
use super::names::Key;
use super::statistics::Counters;
use crate::time::NEVER;

pub(super) use self::clock::instant;
pub(super) use self::sockets::SocketId;

/// After how long a device that had no room is tried again, in nanoseconds. Completed transmissions
/// raise no interrupt, so that nothing else would.
pub(super) const TRANSMIT_RETRY: u64 = 1_000_000;

/// The protocols above one device.
pub(super) struct Protocols {
    mac: [u8; 6],
    interface: Interface,
    sockets: Sockets,
    /// Holds no socket: what the interface answers of its own accord is answered with this.
    none: SocketSet<'static>,
    configurator: Configurator,
    reassembly: Reassembly,
    /// A datagram is half sent.
    fragmenting: Cell<bool>,
    /// When to try again what the device had no room for, in nanoseconds; 0 for at once.
    retry: u64,
    /// When something is due of what no socket is touched for, in nanoseconds; [`NEVER`] for nothing.
    next: u64,
    /// The DHCP client changed the configuration, and nobody asked yet.
    changed: bool,
}

/// Who a frame is shown to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recipient {
    Socket(usize),
    /// The DHCP client.
    Client,
    /// Nobody: it is for the interface itself.
    Interface,
}

impl Protocols {
    /// Those of `device`, with the address `ip` or with a client that asks for one. `now` is in
    /// nanoseconds; identifiers of packets and of transactions grow from `seed`.
    pub(super) fn new<D: Device>(device: &mut D, ip: Ip, seed: u64, now: u64) -> Self {
        let mac = device.mac();
        let mut config = Config::new(HardwareAddress::Ethernet(EthernetAddress(mac)));
        config.random_seed = seed;
        let fragmenting = Cell::new(false);
        let counters = Counters::default();
        let outlet = Outlet {
            counters: &counters,
            fragmenting: &fragmenting,
        };
        let mut interface = Interface::new(config, &mut Sender::new(device, outlet), instant(now));
        let mut configurator = Configurator::new(ip);
        configurator.start(&mut interface);
        Self {
            mac,
            interface,
            sockets: Sockets::new(seed),
            none: SocketSet::new(Vec::new()),
            configurator,
            reassembly: Reassembly::default(),
            fragmenting,
            retry: 0,
            next: 0,
            changed: false,
        }
    }

    /// Takes a frame; an answer that must be given at once leaves through `room`. Returns the frame
    /// that a segment of TCP would have been in, had it come without options and in one piece.
    #[cold]
    pub(super) fn ingress<T: TxToken>(
        &mut self,
        frame: &[u8],
        room: T,
        now: u64,
        counters: &Counters,
    ) -> Option<Vec<u8>> {
        let Some(packet) = Packet::parse(frame) else {
            self.show(frame, room, Recipient::Interface, now, counters);
            if is_arp(frame) {
                self.sockets.touch_waiting();
            }
            return None;
        };
        let Some(place) = packet.fragment() else {
            return self.ingress_packet(frame, &packet, room, now, counters);
        };
        if !packet.has_right_header() || !self.is_for_this_machine(frame) {
            return None;
        }
        let whole = self.reassembly.take(frame, &packet, place, now, counters)?;
        let packet = Packet::parse(&whole)?;
        if packet.carried() == Carried::Segment {
            return Some(whole);
        }
        self.ingress_packet(&whole, &packet, room, now, counters)
    }

    /// When [`egress`](Self::egress) has something to do, in nanoseconds: 0 where it has already,
    /// [`NEVER`] where nothing is due without being asked.
    #[inline]
    pub(super) fn deadline(&self) -> u64 {
        if self.sockets.is_touched() || self.fragmenting.get() {
            self.retry
        } else {
            self.next
        }
    }

    /// Takes up when something is due, after whatever may have changed that.
    fn keep_deadline(&mut self) {
        let own = self.configurator.deadline().unwrap_or(NEVER);
        self.next = own.min(self.sockets.deadlines.next());
    }

    /// How the network is reached now.
    pub(super) fn configuration(&self) -> Option<Configuration> {
        self.configurator.current()
    }

    /// Whether the DHCP client changed the configuration since the last question.
    #[inline]
    pub(super) fn take_change(&mut self) -> bool {
        core::mem::take(&mut self.changed)
    }

    /// Takes the address from elsewhere from now on.
    pub(super) fn configure_by(&mut self, ip: Ip) {
        self.configurator.replace(ip, &mut self.interface);
        self.keep_deadline();
    }

    /// Tells the DHCP client that the link came up or went down.
    pub(super) fn link(&mut self, up: bool, now: u64) {
        self.configurator.link(up, now);
        self.keep_deadline();
    }

    /// Takes a packet that is in one piece.
    #[cold]
    fn ingress_packet<T: TxToken>(
        &mut self,
        frame: &[u8],
        packet: &Packet<'_>,
        room: T,
        now: u64,
        counters: &Counters,
    ) -> Option<Vec<u8>> {
        let recipient = match packet.carried() {
            Carried::Segment => {
                let has_options = packet.has_options() && packet.has_right_header();
                return has_options.then(|| without_options(frame, packet))?;
            }
            Carried::Datagram {
                local: DHCP_CLIENT_PORT,
                remote: DHCP_SERVER_PORT,
            } if self.configurator.listening().is_some() => Recipient::Client,
            Carried::Datagram { local, .. } => self.recipient(Key::udp(local)),
            Carried::EchoReply { identifier } => self.recipient(Key::ping(identifier)),
            Carried::Other => Recipient::Interface,
        };
        self.show(frame, room, recipient, now, counters);
        None
    }

    /// The socket of that name; the interface where there is none, which perhaps refuses the packet.
    fn recipient(&self, key: Key) -> Recipient {
        let socket = self.sockets.find(key);
        socket.map_or(Recipient::Interface, Recipient::Socket)
    }

    /// Has smoltcp take a frame, with nothing in sight but its recipient.
    #[cold]
    fn show<T: TxToken>(
        &mut self,
        frame: &[u8],
        room: T,
        recipient: Recipient,
        now: u64,
        counters: &Counters,
    ) {
        let set = match recipient {
            Recipient::Socket(index) => &mut self.sockets.slot(index).set,
            Recipient::Client => match self.configurator.listening() {
                Some(set) => set,
                None => return,
            },
            Recipient::Interface => &mut self.none,
        };
        let outlet = Outlet {
            counters,
            fragmenting: &self.fragmenting,
        };
        let mut device = OneFrame::new(frame, room, outlet);
        self.interface
            .poll_ingress_single(instant(now), &mut device, set);
        match recipient {
            Recipient::Socket(index) => {
                self.retry = 0;
                self.sockets.touch(index);
            }
            Recipient::Client => self.configure(now),
            _ => {}
        }
    }

    /// Takes up what the DHCP client learnt.
    #[cold]
    fn configure(&mut self, now: u64) {
        if self.configurator.poll(now, &mut self.interface) {
            self.changed = true;
        }
        self.keep_deadline();
    }

    /// Whether the frame is addressed to this machine, perhaps among others.
    fn is_for_this_machine(&self, frame: &[u8]) -> bool {
        const GROUP: u8 = 1;
        let to = frame.first_chunk::<6>();
        to.is_some_and(|to| *to == self.mac || to[0] & GROUP != 0)
    }
}

/// The frame with the packet, but for the options of its header. None where there is no memory.
fn without_options(frame: &[u8], packet: &Packet<'_>) -> Option<Vec<u8>> {
    let mut simple = Vec::new();
    let length = HEADER + packet.payload.len();
    simple.try_reserve_exact(ETHERNET + length).ok()?;
    simple.extend_from_slice(frame.get(..ETHERNET + HEADER)?);
    simple.extend_from_slice(packet.payload);
    simplify(&mut simple, length);
    Some(simple)
}
