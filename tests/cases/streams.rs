//! Tests of TCP segment by segment, with segments that no correct host would send.

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

fn connects_under_a_flood_of_requests(setting: &Setting) -> Outcome {
    let (_machine, wire, mac) = wired(setting)?;
    let flood = Flood::start(wire.sender()?, mac);
    // The backlog must be full before the first client connects.
    thread::sleep(Duration::from_millis(500));
    for port in 50_000..50_010 {
        let mut client = Client::new(&wire, mac, port, u32::from(port) * 77_777);
        client.call().map_err(|error| {
            let rate = flood.rate();
            format!(
                "with {rate} requests per second, client {}: {error}",
                port - 49_999
            )
        })?;
        client.reset()?;
    }
    // On a busy computer there are fewer, since the machine receives frames more slowly.
    let rate = flood.rate();
    ensure!(rate > 2000, "only {rate} requests per second were sent");
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

/// Sends connection requests from unused addresses, 20,000 per second.
struct Flood {
    begun: Instant,
    sent: Arc<AtomicU32>,
    ends: Arc<AtomicBool>,
}

impl Flood {
    const PER_MILLISECOND: u32 = 20;

    fn start(sender: Sender, mac: Mac) -> Self {
        let flood = Self {
            begun: Instant::now(),
            sent: Arc::default(),
            ends: Arc::default(),
        };
        let (begun, sent, ends) = (flood.begun, flood.sent.clone(), flood.ends.clone());
        let frames: Vec<_> = (0..5000).map(|number| request(number, mac)).collect();
        thread::spawn(move || {
            for frame in frames.iter().cycle() {
                let due = u64::from(sent.fetch_add(1, Ordering::Relaxed) / Self::PER_MILLISECOND);
                let early = Duration::from_millis(due).checked_sub(begun.elapsed());
                thread::sleep(early.unwrap_or_default());
                if ends.load(Ordering::Relaxed) || sender.send(frame).is_err() {
                    return;
                }
            }
        });
        flood
    }

    /// The number of requests per second.
    fn rate(&self) -> u128 {
        u128::from(self.sent.load(Ordering::Relaxed)) * 1000 / self.begun.elapsed().as_millis()
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
    }
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
