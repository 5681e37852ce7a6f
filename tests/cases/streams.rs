//! Tests of TCP segment by segment, with segments that no correct host would send.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use vmos_machine_tests::ensure;
use vmos_machine_tests::ethernet::{Sender, Wire};
use vmos_machine_tests::machine::LIMIT;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::packet::{self, Mac};
use vmos_machine_tests::segment::{Segment, flag};
use vmos_machine_tests::setting::Setting;

use super::frames::wired;
use super::{Case, Need};

pub(super) const CASES: [Case; 2] = [
    Case::spread(
        "connects_under_a_flood_of_requests",
        connects_under_a_flood_of_requests,
    )
    .needing(Need::Table),
    Case::spread(
        "a_restarted_client_gets_in_from_the_same_port",
        a_restarted_client_gets_in_from_the_same_port,
    )
    .needing(Need::Table),
];

const ECHO: u16 = 7;
/// The time after which a client sends a segment again.
const AGAIN: Duration = Duration::from_secs(1);

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
        self.hear_within(LIMIT, &wanted)
    }

    fn hear_within<T>(
        &self,
        limit: Duration,
        wanted: &impl Fn(&Segment<'_>) -> Option<T>,
    ) -> Option<T> {
        self.wire.receive(limit, |frame| {
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
        self.call_while(|| begun.elapsed() < LIMIT)
    }

    /// Opens the connection, and checks that a word is echoed while `is_in_time` returns true.
    fn call_while(&mut self, is_in_time: impl Fn() -> bool) -> Outcome {
        let ask = || self.say(flag::SYN, b"");
        let first = self.hear_while(&is_in_time, ask, |segment| {
            let accepts = segment.flags == flag::SYN | flag::ACK;
            accepts.then_some(segment.sequence)
        })?;
        self.acknowledged = first
            .ok_or_else(|| format!("port {} got no answer in time", self.port))?
            .wrapping_add(1);
        self.sequence = self.sequence.wrapping_add(1);
        self.say(flag::ACK, b"")?;
        let ask = || self.say(flag::ACK | flag::PSH, b"hello");
        let echoed = self.hear_while(&is_in_time, ask, |segment| {
            (segment.payload == b"hello").then_some(())
        })?;
        self.sequence = self.sequence.wrapping_add(5);
        ensure!(
            echoed.is_some(),
            "port {} was not served in time",
            self.port
        );
        self.acknowledged = self.acknowledged.wrapping_add(5);
        Ok(())
    }

    /// Asks, and again each second, as every client does (RFC 6298, 2.1), until there is an answer
    /// or `is_in_time` returns false.
    fn hear_while<T>(
        &self,
        is_in_time: impl Fn() -> bool,
        ask: impl Fn() -> Outcome,
        wanted: impl Fn(&Segment<'_>) -> Option<T>,
    ) -> Outcome<Option<T>> {
        let (mut heard, mut asked) = (None, None::<Instant>);
        while heard.is_none() && is_in_time() {
            if asked.is_none_or(|asked| asked.elapsed() >= AGAIN) {
                ask()?;
                asked = Some(Instant::now());
            }
            heard = self.hear_within(Duration::from_millis(50), &wanted);
        }
        Ok(heard.filter(|_| is_in_time()))
    }

    fn reset(&self) -> Outcome {
        self.say(flag::RST | flag::ACK, b"")
    }
}

/// The number of requests per second at which each of ten clients must be served within a second.
const FLOOD: u32 = 20_000;
/// How often a machine's speed is measured, for how long each time, and how often at most if it seems slow.
const ROUNDS: u32 = 5;
const ROUND: Duration = Duration::from_millis(100);
const MOST_ROUNDS: u32 = 30;

/// Checks that each of ten clients is served in a flood, and that the machine would serve them at its
/// full rate.
///
/// A busy computer does not manage that rate: the machine, the flood and everything else share its
/// processors. So time is counted in requests that the machine has taken, of which there are
/// [`FLOOD`] in a second. And the machine must take as many, or at least a quarter as many as it
/// takes frames that it drops; both are measured in turn, so that what else the computer does slows
/// both down.
fn connects_under_a_flood_of_requests(setting: &Setting) -> Outcome {
    let (_machine, wire, mac) = wired(setting)?;
    let requests: Vec<_> = (0..5000).map(|number| request(number, mac)).collect();
    let flood = Flood::start(wire.sender()?, requests.clone(), FLOOD + FLOOD / 5);
    // The machine is to have as many as it holds before the first client asks.
    thread::sleep(Duration::from_millis(500));
    for number in 0..10 {
        let port = 50_000 + number;
        let mut client = Client::new(&wire, mac, port, u32::from(port) * 77_777);
        let (begun, before) = (Instant::now(), flood.sent());
        let called = client.call_while(|| {
            flood.sent() - before < FLOOD && begun.elapsed() < Duration::from_secs(60)
        });
        called.map_err(|error| {
            let (sent, client) = (flood.sent() - before, number + 1);
            let took = begun.elapsed();
            format!("client {client}, while {sent} requests were taken in {took:?}: {error}")
        })?;
        client.reset()?;
    }
    drop(flood);
    let (mut taken, mut dropped) = (0, 0);
    for round in 1..=MOST_ROUNDS {
        for (frames, sent) in [(unknown(mac), &mut dropped), (requests.clone(), &mut taken)] {
            let flood = Flood::start(wire.sender()?, frames, u32::MAX);
            thread::sleep(ROUND);
            *sent += flood.end();
            let _ = wire.drain();
        }
        let full = FLOOD * round * u32::try_from(ROUND.as_millis())? / 1000;
        if round >= ROUNDS && (taken >= full || taken >= dropped / 4) {
            return Ok(());
        }
    }
    Err(format!(
        "the machine takes {taken} requests in the time in which it takes {dropped} frames that it drops"
    )
    .into())
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
    sent: Arc<AtomicU32>,
    ends: Arc<AtomicBool>,
}

impl Flood {
    /// Starts to send `frames`, at most `rate` a second.
    fn start(sender: Sender, frames: Vec<Vec<u8>>, rate: u32) -> Self {
        let begun = Instant::now();
        let flood = Self {
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

    /// Returns the number of frames sent. The machine has taken all but a few hundred of them:
    /// sending waits while it takes none.
    fn sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Stops sending; returns the number of frames sent.
    fn end(self) -> u32 {
        self.sent()
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
