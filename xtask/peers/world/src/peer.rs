//! The machine on the other side of the link, which runs smoltcp: a second implementation of the
//! protocols, so that both sides cannot have the same error.

use std::collections::VecDeque;

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{self, DeviceCapabilities};
use smoltcp::socket::{tcp, udp};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, IpEndpoint};

/// The address of the peer.
const PEER: IpAddress = IpAddress::v4(10, 0, 2, 2);
/// The address of the simulated machine.
const MACHINE: IpAddress = IpAddress::v4(10, 0, 2, 15);
/// The word for the command line that gives the machine its address.
pub(super) const ADDRESS: &str = "ip=10.0.2.15/24";

/// The size of the buffers of a connection, in bytes.
const BUFFER: usize = 4096;
/// How long a connection of the peer lives without an answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The port that the peer sends datagrams from.
const LOCAL: u16 = 4000;
/// The largest frame, in bytes.
const FRAME: usize = 1514;

/// The frames that the peer has received and sent.
#[derive(Default)]
struct Wire {
    received: VecDeque<Vec<u8>>,
    sent: VecDeque<Vec<u8>>,
}

struct Taken(Vec<u8>);

impl phy::RxToken for Taken {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(&self.0)
    }
}

struct Place<'a>(&'a mut VecDeque<Vec<u8>>);

impl phy::TxToken for Place<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let mut frame = vec![0; length];
        let result = fill(&mut frame);
        self.0.push_back(frame);
        result
    }
}

impl phy::Device for Wire {
    type RxToken<'a> = Taken;
    type TxToken<'a> = Place<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Taken, Place<'_>)> {
        let frame = self.received.pop_front()?;
        Some((Taken(frame), Place(&mut self.sent)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Place<'_>> {
        Some(Place(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.max_transmission_unit = FRAME;
        capabilities
    }
}

/// A connection of the peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Connection(SocketHandle);

/// The peer.
pub(super) struct Peer {
    wire: Wire,
    interface: Interface,
    sockets: SocketSet<'static>,
    datagrams: SocketHandle,
    next_port: u16,
}

fn time(now: u64) -> Instant {
    Instant::from_micros((now / 1000) as i64)
}

impl Peer {
    pub(super) fn new(seed: u64) -> Self {
        let mut wire = Wire::default();
        let mut config = Config::new(EthernetAddress([2, 0, 0, 0, 0, 2]).into());
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut wire, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            // There is room for more than one.
            let _ = addresses.push(IpCidr::new(PEER, 24));
        });
        let mut sockets = SocketSet::new(Vec::new());
        let packets =
            || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 64], vec![0; 64 << 10]);
        let mut socket = udp::Socket::new(packets(), packets());
        // A new socket is bound to no port yet.
        let _ = socket.bind(LOCAL);
        let datagrams = sockets.add(socket);
        Self {
            wire,
            interface,
            sockets,
            datagrams,
            next_port: 50_000,
        }
    }

    /// Does what is to be done at `now`. Returns the frames that the peer sends.
    pub(super) fn poll(&mut self, now: u64) -> VecDeque<Vec<u8>> {
        self.interface
            .poll(time(now), &mut self.wire, &mut self.sockets);
        std::mem::take(&mut self.wire.sent)
    }

    /// Returns when the peer has something to do by itself.
    pub(super) fn due(&mut self, now: u64) -> Option<u64> {
        let next = self.interface.poll_at(time(now), &self.sockets)?;
        // A microsecond later at the earliest, so that time goes on.
        Some((next.total_micros() as u64 * 1000).max(now + 1000))
    }

    pub(super) fn take(&mut self, frame: Vec<u8>) {
        self.wire.received.push_back(frame);
    }

    /// Sends a datagram. It is lost if the queue is full.
    pub(super) fn send(&mut self, port: u16, payload: &[u8]) {
        let socket = self.sockets.get_mut::<udp::Socket<'static>>(self.datagrams);
        let _ = socket.send_slice(payload, IpEndpoint::new(MACHINE, port));
    }

    /// Returns the next datagram.
    pub(super) fn receive(&mut self) -> Option<Vec<u8>> {
        let socket = self.sockets.get_mut::<udp::Socket<'static>>(self.datagrams);
        let (payload, _) = socket.recv().ok()?;
        Some(payload.to_vec())
    }

    /// Begins a connection to a port of the machine.
    pub(super) fn connect(&mut self, port: u16) -> Connection {
        let buffer = || tcp::SocketBuffer::new(vec![0; BUFFER]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        socket.set_timeout(Some(TIMEOUT));
        let local = self.next_port;
        self.next_port += 1;
        let to = IpEndpoint::new(MACHINE, port);
        // Only a socket in use or an address that is none is refused.
        let _ = socket.connect(self.interface.context(), to, local);
        Connection(self.sockets.add(socket))
    }

    fn socket(&mut self, connection: Connection) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(connection.0)
    }

    /// Sends as much as there is room for; returns the number of bytes.
    pub(super) fn write(&mut self, connection: Connection, bytes: &[u8]) -> usize {
        let socket = self.socket(connection);
        match socket.can_send() && !bytes.is_empty() {
            true => socket.send_slice(bytes).unwrap_or_default(),
            false => 0,
        }
    }

    /// Adds what has arrived to `to`.
    pub(super) fn read(&mut self, connection: Connection, to: &mut Vec<u8>) {
        let mut bytes = [0; BUFFER];
        while let Ok(count @ 1..) = self.socket(connection).recv_slice(&mut bytes) {
            to.extend_from_slice(&bytes[..count]);
        }
    }

    /// Returns whether the machine has ended its side, and everything was read.
    pub(super) fn has_ended(&mut self, connection: Connection) -> bool {
        let socket = self.socket(connection);
        !socket.may_recv() && !socket.can_recv() && socket.state() != tcp::State::SynSent
    }

    /// Ends the peer's side.
    pub(super) fn close(&mut self, connection: Connection) {
        self.socket(connection).close();
    }

    /// Removes a connection. With `reset`, the machine receives a reset.
    pub(super) fn forget(
        &mut self,
        connection: Connection,
        reset: bool,
        now: u64,
    ) -> VecDeque<Vec<u8>> {
        let frames = if reset {
            self.socket(connection).abort();
            self.poll(now)
        } else {
            VecDeque::new()
        };
        self.sockets.remove(connection.0);
        frames
    }
}
