//! Tests of TCP segment by segment, with segments that no correct host would send.

use std::cell::Cell;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use vmos_machine_tests::ensure;
use vmos_machine_tests::ethernet::{Sender, Wire};
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::packet::{self, Mac};
use vmos_machine_tests::segment::{Segment, flag};
use vmos_machine_tests::setting::Setting;

use super::frames::wired;
use super::{Case, Need};

pub(super) const CASES: [Case; 2] = [
    Case::new(
        "connects_under_a_flood_of_requests",
        connects_under_a_flood_of_requests,
    )
    .needing(Need::Table),
    Case::new(
        "a_restarted_client_gets_in_from_the_same_port",
        a_restarted_client_gets_in_from_the_same_port,
    )
    .needing(Need::Table),
];

const ECHO: u16 = 7;
/// A TCP client of the machine's echo service.
const AT_ONCE: Duration = Duration::from_secs(1);

/// One end of a connection to the echo service.
struct Client<'a> {
    wire: &'a Wire,
    mac: Mac,
    port: u16,
    sequence: u32,
    acknowledged: u32,
}

impl<'a> Client<'a> {
    fn new(wire: &'a Wire, mac: Mac, port: u16, sequence: u32) -> Self {
        Self {
            wire,
            mac,
            port,
            sequence,
            acknowledged: 0,
        }
    }

    fn say(&self, flags: u8, payload: &[u8]) -> Outcome {
        let segment = Segment {
            source: self.port,
            destination: ECHO,
            sequence: self.sequence,
            acknowledged: self.acknowledged,
            flags,
            window: 8000,
            options: &[],
            payload,
        };
        self.wire.send(&segment.frame(self.mac))
    }

    /// Returns the result of `wanted` for the first segment that has one.
    fn hear<T>(&self, wanted: impl Fn(&Segment<'_>) -> Option<T>) -> Option<T> {
        self.wire.receive(AT_ONCE, |frame| {
            // In a flood, most frames are answers to others.
            if frame.get(36..38)? != self.port.to_be_bytes() {
                return None;
            }
            let segment = Segment::of(frame, true)?;
            let is_ours = segment.destination == self.port;
            is_ours.then(|| wanted(&segment)).flatten()
        })
    }

    /// Opens the connection, and checks that a word is echoed.
    fn call(&mut self) -> Outcome {
        let begun = Instant::now();
        self.say(flag::SYN, b"")?;
        let first = self.hear(|segment| {
            let accepts = segment.flags == flag::SYN | flag::ACK;
            accepts.then_some(segment.sequence)
        });
        self.acknowledged = first
            .ok_or_else(|| format!("port {} got no answer within {AT_ONCE:?}", self.port))?
            .wrapping_add(1);
        self.sequence = self.sequence.wrapping_add(1);
        self.say(flag::ACK, b"")?;
        self.say(flag::ACK | flag::PSH, b"hello")?;
        self.sequence = self.sequence.wrapping_add(5);
        let echoed = self.hear(|segment| (segment.payload == b"hello").then_some(()));
        ensure!(echoed.is_some(), "port {} was not served", self.port);
        self.acknowledged = self.acknowledged.wrapping_add(5);
        let took = begun.elapsed();
        ensure!(took < AT_ONCE, "port {} was served in {took:?}", self.port);
        Ok(())
    }

    fn reset(&self) -> Outcome {
        self.say(flag::RST | flag::ACK, b"")
    }
}

/// The number of requests per second at which all of ten clients must be served.
const FLOOD: u32 = 20_000;

/// A busy computer may not manage the flood: the machine, the flood and everything else share its
/// processors. Then several attempts are made, and the machine must take at least a quarter as many
/// requests as it takes frames that it drops.
fn connects_under_a_flood_of_requests(setting: &Setting) -> Outcome {
    const ATTEMPTS: u16 = 8;
    let (_machine, wire, mac) = wired(setting)?;
    let mut most = (0, 0);
    for attempt in 0..ATTEMPTS {
        let dropped = Flood::start(wire.sender()?, unknown(mac), u32::MAX);
        thread::sleep(Duration::from_millis(200));
        let possible = dropped.end();
        let requests = (0..5000).map(|number| request(number, mac)).collect();
        let flood = Flood::start(wire.sender()?, requests, FLOOD + FLOOD / 5);
        // The machine is to have as many as it holds before the first client asks.
        thread::sleep(Duration::from_millis(500));
        flood.restart();
        for number in 0..10 {
            let port = 50_000 + 10 * attempt + number;
            let mut client = Client::new(&wire, mac, port, u32::from(port) * 77_777);
            client.call().map_err(|error| {
                let rate = flood.rate();
                let client = number + 1;
                format!("with {rate} requests a second, client {client}: {error}")
            })?;
            client.reset()?;
        }
        most = most.max((flood.end(), possible));
        if most.0 >= FLOOD {
            return Ok(());
        }
    }
    let (rate, possible) = most;
    ensure!(
        rate >= possible / 4,
        "there were at most {rate} requests a second, while the machine takes {possible} frames that it \
         drops"
    );
    Ok(())
}

fn a_restarted_client_gets_in_from_the_same_port(setting: &Setting) -> Outcome {
    let (_machine, wire, mac) = wired(setting)?;
    Client::new(&wire, mac, 50_000, 1_000_000).call()?;
    let mut client = Client::new(&wire, mac, 50_000, 3_000_000_000);
    client.say(flag::SYN, b"")?;
    let known = client.hear(|segment| (segment.flags == flag::ACK).then_some(segment.acknowledged));
    let sequence = known.ok_or("the request got no answer")?;
    ensure!(sequence == 1_000_006, "the old connection is at {sequence}");
    let reset = Client::new(&wire, mac, 50_000, sequence);
    reset.say(flag::RST, b"")?;
    client.call()
}

/// Frames that a thread sends repeatedly.
struct Flood {
    begun: Cell<Instant>,
    /// The number of frames sent before `begun`.
    before: Cell<u32>,
    sent: Arc<AtomicU32>,
    ends: Arc<AtomicBool>,
}

impl Flood {
    /// Starts to send `frames`, at most `rate` a second.
    fn start(sender: Sender, frames: Vec<Vec<u8>>, rate: u32) -> Self {
        let begun = Instant::now();
        let flood = Self {
            begun: Cell::new(begun),
            before: Cell::new(0),
            sent: Arc::default(),
            ends: Arc::default(),
        };
        let (sent, ends) = (flood.sent.clone(), flood.ends.clone());
        thread::spawn(move || {
            for frame in frames.iter().cycle() {
                let number = sent.load(Ordering::Relaxed);
                let due = u64::from(number / 20) * 20_000_000 / u64::from(rate);
                let early = Duration::from_micros(due).checked_sub(begun.elapsed());
                thread::sleep(early.unwrap_or_default());
                if ends.load(Ordering::Relaxed) || sender.send(frame).is_err() {
                    return;
                }
                sent.store(number + 1, Ordering::Relaxed);
            }
        });
        flood
    }

    /// Starts to measure the rate.
    fn restart(&self) {
        self.begun.set(Instant::now());
        self.before.set(self.sent.load(Ordering::Relaxed));
    }

    /// Returns the number of frames sent per second. The machine has taken all but a few hundred of
    /// them: sending waits while it takes none.
    fn rate(&self) -> u32 {
        let sent = self.sent.load(Ordering::Relaxed) - self.before.get();
        let rate = u128::from(sent) * 1_000_000 / self.begun.get().elapsed().as_micros().max(1);
        u32::try_from(rate).unwrap_or(u32::MAX)
    }

    /// Stops sending; returns the rate.
    fn end(self) -> u32 {
        self.rate()
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
    }
}

/// Frames of a protocol that no machine uses.
fn unknown(mac: Mac) -> Vec<Vec<u8>> {
    let mut frame = request(0, mac);
    frame[12..14].copy_from_slice(&[0x88, 0xb6]);
    vec![frame]
}

fn request(number: u32, mac: Mac) -> Vec<u8> {
    let segment = Segment {
        source: 1024 + u16::try_from(number % 60_000).unwrap_or(0),
        destination: ECHO,
        sequence: number.wrapping_mul(0x9e37_79b9),
        acknowledged: 0,
        flags: flag::SYN,
        window: 65_535,
        options: &[2, 4, 5, 0xb4],
        payload: b"",
    };
    let mut frame = segment.frame(mac);
    packet::spoof(&mut frame, Ipv4Addr::from_bits(0xc612_0000 + number));
    frame
}
