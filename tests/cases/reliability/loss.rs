//! N7: a wire that loses, duplicates, reorders and delays frames. The peer is smoltcp, an
//! independent implementation of TCP, behind a switch of the test.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::socket::tcp;
use smoltcp::time::Instant as Moment;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, IpEndpoint};
use vmos_machine_tests::ensure;
use vmos_machine_tests::ethernet::Wire;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::packet::{ITS_ADDRESS, OUR_ADDRESS, OUR_MAC};
use vmos_machine_tests::service::ECHO;
use vmos_machine_tests::setting::Setting;

use super::super::{Case, Need};
use super::rings::Random;
use super::{Tested, draft};

pub(crate) const CASES: [Case; 2] = [
    Case::spread("n7_frames_are_lost", frames_are_lost).needing(Need::Table),
    Case::spread(
        "n7_frames_are_doubled_reordered_and_late",
        frames_are_disturbed,
    )
    .needing(Need::Table),
];

/// The difference between the seeds of two attempts.
const OTHER_SEED: u64 = 100;
/// The bytes that are sent, and must be echoed.
const BYTES: usize = 30_000;

/// The disturbances of the frames on a wire.
#[derive(Clone, Copy, Debug, Default)]
struct Disturbance {
    /// Frames per hundred from the machine that are lost.
    lost: usize,
    /// Frames per hundred to the machine that are lost.
    lost_to_it: usize,
    /// Frames per hundred of either direction that arrive twice.
    doubled: usize,
    /// The longest delay in milliseconds; each frame has its own delay up to this, so that frames
    /// overtake each other.
    delay: usize,
}

/// Checks the machine's own recovery from the loss of frames that it sends.
fn frames_are_lost(setting: &Setting) -> Outcome {
    // Per hundred, and the time in which the bytes are back. What it takes without loss is the work of
    // a computer that may be busy; the rest is what TCP waits for.
    let steps = [(0, 20), (3, 6), (10, 6), (30, 90)];
    let mut work = Duration::ZERO;
    let mut tested = Tested::wired(draft(setting)?)?;
    for (number, (lost, limit)) in steps.into_iter().enumerate() {
        let disturbance = Disturbance {
            lost,
            ..Disturbance::default()
        };
        let limit = work + Duration::from_secs(limit);
        let attempt = |seed| transfer(&tested, disturbance, seed, limit);
        let seed = 1 + number as u64;
        let mut took = attempt(seed)?;
        if took.is_err() {
            // In one of some hundred transfers, chance loses the same segment again and again, and TCP has to
            // wait longer each time. With other losses, it must be in time.
            took = attempt(seed + OTHER_SEED)?;
        }
        let took = took?;
        if lost == 0 {
            work = took;
        }
        println!("n7: {lost} % lost, {BYTES} bytes there and back in {took:?}");
    }
    tested.is_sound_and_names(&["tcp.retransmissions"])
}

/// Loses a few frames in both directions, and duplicates, delays and reorders others.
fn frames_are_disturbed(setting: &Setting) -> Outcome {
    let mut tested = Tested::wired(draft(setting)?)?;
    for (seed, delay) in [(1, 20), (2, 500)] {
        let disturbance = Disturbance {
            lost: 5,
            lost_to_it: 5,
            doubled: 10,
            delay,
        };
        let took = transfer(&tested, disturbance, seed, Duration::from_secs(120))??;
        println!("n7: up to {delay} ms late, {BYTES} bytes there and back in {took:?}");
    }
    tested.is_sound()
}

/// Sends bytes to the echo service over the disturbed wire, and compares what comes back. Returns
/// how long it took, or what was missing when the limit was over.
fn transfer(
    tested: &Tested,
    disturbance: Disturbance,
    seed: u64,
    limit: Duration,
) -> Outcome<Result<Duration, String>> {
    let (wire, _) = tested.service.wire()?;
    let bytes: Vec<u8> = (0..BYTES).map(|at| (at / 251 + at) as u8).collect();
    let (mut sent, mut back) = (0, Vec::new());
    let begin = Instant::now();
    let mut switch = Switch::new(wire, disturbance, seed);
    let mut peer = Peer::new(50_000 + seed as u16)?;
    while back.len() < bytes.len() {
        if begin.elapsed() >= limit {
            return Ok(Err(format!(
                "with {disturbance:?}, {sent} of {BYTES} bytes were sent and {} came back within {limit:?}",
                back.len()
            )));
        }
        switch.carry(&mut peer.link)?;
        let now = Moment::from_micros(i64::try_from(begin.elapsed().as_micros())?);
        peer.interface.poll(now, &mut peer.link, &mut peer.sockets);
        let socket = peer.sockets.get_mut::<tcp::Socket<'_>>(peer.socket);
        if socket.can_send() && sent < bytes.len() {
            sent += socket.send_slice(&bytes[sent..])?;
        }
        while socket.can_recv() {
            socket.recv(|piece| {
                back.extend_from_slice(piece);
                (piece.len(), ())
            })?;
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    ensure!(back == bytes, "other bytes came back than were sent");
    let took = begin.elapsed();
    peer.sockets.get_mut::<tcp::Socket<'_>>(peer.socket).abort();
    let now = Moment::from_micros(i64::try_from(took.as_micros())?);
    peer.interface.poll(now, &mut peer.link, &mut peer.sockets);
    for frame in peer.link.sent.drain(..) {
        wire.send(&frame)?;
    }
    Ok(Ok(took))
}

/// Carries frames between the wire and the peer, with disturbances.
struct Switch<'a> {
    wire: &'a Wire,
    disturbance: Disturbance,
    random: Random,
    count: usize,
    /// Frames in flight, by the time at which they arrive and a number.
    to_peer: BTreeMap<(Instant, usize), Vec<u8>>,
    to_machine: BTreeMap<(Instant, usize), Vec<u8>>,
}

impl<'a> Switch<'a> {
    fn new(wire: &'a Wire, disturbance: Disturbance, seed: u64) -> Self {
        Self {
            wire,
            disturbance,
            random: Random::new(seed),
            count: 0,
            to_peer: BTreeMap::new(),
            to_machine: BTreeMap::new(),
        }
    }

    fn carry(&mut self, link: &mut Link) -> Outcome {
        let Disturbance {
            lost, lost_to_it, ..
        } = self.disturbance;
        for frame in self.wire.drain() {
            for at in self.arrivals(lost) {
                self.to_peer.insert(at, frame.clone());
            }
        }
        for frame in link.sent.drain(..) {
            for at in self.arrivals(lost_to_it) {
                self.to_machine.insert(at, frame.clone());
            }
        }
        let now = Instant::now();
        while let Some(first) = self.to_peer.first_entry()
            && first.key().0 <= now
        {
            link.received.push_back(first.remove());
        }
        while let Some(first) = self.to_machine.first_entry()
            && first.key().0 <= now
        {
            self.wire.send(&first.remove())?;
        }
        Ok(())
    }

    /// Returns when the copies of a frame arrive.
    fn arrivals(&mut self, lost: usize) -> Vec<(Instant, usize)> {
        let Disturbance { doubled, delay, .. } = self.disturbance;
        let copies = if self.random.below(100) < lost {
            0
        } else {
            1 + usize::from(self.random.below(100) < doubled)
        };
        let now = Instant::now();
        let mut arrival = || {
            self.count += 1;
            let late = Duration::from_millis(self.random.below(delay + 1) as u64);
            (now + late, self.count)
        };
        (0..copies).map(|_| arrival()).collect()
    }
}

/// The peer: smoltcp with one connection to the echo service.
struct Peer {
    link: Link,
    interface: Interface,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
}

impl Peer {
    fn new(port: u16) -> Outcome<Self> {
        let mut link = Link::default();
        let config = Config::new(EthernetAddress(OUR_MAC).into());
        let mut interface = Interface::new(config, &mut link, Moment::ZERO);
        interface.update_ip_addrs(|addresses| {
            let address = IpCidr::new(IpAddress::Ipv4(OUR_ADDRESS), 24);
            // The list has room for one.
            let _ = addresses.push(address);
        });
        let buffer = || tcp::SocketBuffer::new(vec![0; 32 << 10]);
        let mut sockets = SocketSet::new(Vec::new());
        let mut socket = tcp::Socket::new(buffer(), buffer());
        let to = IpEndpoint::new(IpAddress::Ipv4(ITS_ADDRESS), ECHO);
        socket.connect(interface.context(), to, port)?;
        Ok(Self {
            socket: sockets.add(socket),
            link,
            interface,
            sockets,
        })
    }
}

/// The peer's network device.
#[derive(Default)]
struct Link {
    received: VecDeque<Vec<u8>>,
    sent: VecDeque<Vec<u8>>,
}

struct Received(Vec<u8>);

impl phy::RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(&self.0)
    }
}

struct Room<'a>(&'a mut VecDeque<Vec<u8>>);

impl phy::TxToken for Room<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let mut frame = vec![0; length];
        let result = fill(&mut frame);
        self.0.push_back(frame);
        result
    }
}

impl phy::Device for Link {
    type RxToken<'a> = Received;
    type TxToken<'a> = Room<'a>;

    fn receive(&mut self, _: Moment) -> Option<(Received, Room<'_>)> {
        let frame = self.received.pop_front()?;
        Some((Received(frame), Room(&mut self.sent)))
    }

    fn transmit(&mut self, _: Moment) -> Option<Room<'_>> {
        Some(Room(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
}
