//! The services of the selftest app, through ports of the loopback address or on a wire: echo, and
//! requests to use a device or to report counts.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::ensure;
use crate::ethernet::Wire;
use crate::machine::{LIMIT, Machine};
use crate::outcome::Outcome;
use crate::packet::{self, Mac};
use crate::segment::{Segment, flag};
use crate::udp::Caller;
use crate::virtqueues::Virtqueues;

/// The port of the echo service (RFC 862).
pub const ECHO: u16 = 7;
/// The port for requests.
pub const REQUESTS: u16 = 99;

/// The time without traffic after which a machine is idle.
pub const IDLE: Duration = Duration::from_millis(200);

/// The time after which a datagram is sent again, because a network may lose one.
const AGAIN: Duration = Duration::from_secs(1);

/// A machine's services.
#[derive(Debug)]
pub struct Service {
    way: Way,
    next: Cell<u32>,
}

/// The connection to the services.
#[derive(Debug)]
enum Way {
    Ports {
        echo: Caller,
        requests: Caller,
        streams: u16,
    },
    Wire {
        wire: Wire,
        mac: Mac,
    },
}

/// The counts of the machine, by name; see the kernel's `Statistics`.
pub type Counts = BTreeMap<String, u64>;

impl Service {
    /// Connects to the services through ports of the loopback address.
    pub fn at_ports(echo: u16, requests: u16, streams: u16) -> Outcome<Self> {
        let way = Way::Ports {
            echo: Caller::new(echo)?,
            requests: Caller::new(requests)?,
            streams,
        };
        Ok(Self {
            way,
            next: Cell::new(0),
        })
    }

    /// Returns a handle to the same services with separate sockets, for another thread. Fails on a
    /// wire.
    pub fn another(&self) -> Outcome<Self> {
        match &self.way {
            Way::Ports {
                echo,
                requests,
                streams,
            } => Self::at_ports(echo.port()?, requests.port()?, *streams),
            Way::Wire { .. } => Err("a wire has only one end here".into()),
        }
    }

    /// Connects to the services over a link for raw frames.
    pub fn on_wire(wire: Wire) -> Outcome<Self> {
        let mac = wire.resolve(LIMIT)?;
        Ok(Self {
            way: Way::Wire { wire, mac },
            next: Cell::new(0),
        })
    }

    /// Returns the link and the hardware address of the machine.
    pub fn wire(&self) -> Outcome<(&Wire, Mac)> {
        match &self.way {
            Way::Wire { wire, mac } => Ok((wire, *mac)),
            Way::Ports { .. } => Err("this machine has no link for raw frames".into()),
        }
    }

    /// Sends a datagram, and waits for one for which `wanted` returns a value.
    fn exchange<T>(
        &self,
        port: u16,
        payload: &[u8],
        limit: Duration,
        wanted: impl Fn(&[u8]) -> Option<T>,
    ) -> Outcome<Option<T>> {
        match &self.way {
            Way::Ports { echo, requests, .. } => {
                let caller = if port == ECHO { echo } else { requests };
                caller.send(payload)?;
                let deadline = Instant::now() + limit;
                while let Some(left) = deadline.checked_duration_since(Instant::now()) {
                    if let Some(found) = caller.receive(left)?.and_then(|found| wanted(&found)) {
                        return Ok(Some(found));
                    }
                }
                Ok(None)
            }
            Way::Wire { wire, mac } => {
                wire.send(&packet::summed_datagram(*mac, port, payload))?;
                Ok(wire.receive(limit, |frame| wanted(packet::echoed(frame)?)))
            }
        }
    }

    /// Makes a request; returns the answer.
    pub fn ask(&self, what: &str, limit: Duration) -> Outcome<String> {
        match self.try_to_ask(what, limit)? {
            Ok(said) => Ok(said),
            Err(said) => Err(format!("`{what}` failed: {said}").into()),
        }
    }

    /// Makes a request that may fail: `Err` then contains the answer.
    pub fn try_to_ask(&self, what: &str, limit: Duration) -> Outcome<Result<String, String>> {
        let number = self.next.replace(self.next.get() + 1);
        let request = format!("{number} {what}");
        let answer = self.exchange(REQUESTS, request.as_bytes(), limit, |answer| {
            let answer = core::str::from_utf8(answer).ok()?;
            let rest = answer.strip_prefix(&format!("{number} "))?;
            let verdict = rest.split_once(' ').unwrap_or((rest, ""));
            match verdict {
                ("ok", said) => Some(Ok(said.to_owned())),
                ("failed", said) => Some(Err(said.to_owned())),
                _ => None,
            }
        })?;
        answer.ok_or_else(|| format!("`{what}` was not answered within {limit:?}").into())
    }

    /// Makes a request that changes nothing, and repeats it if no answer arrives in time: a
    /// datagram is lost while a network device is restarted.
    fn ask_again(&self, what: &str) -> Outcome<String> {
        let deadline = Instant::now() + LIMIT;
        loop {
            match self.ask(what, 5 * AGAIN) {
                Err(_) if Instant::now() < deadline => {}
                outcome => return outcome,
            }
        }
    }

    /// Sends a datagram to the echo service; returns the round trip time.
    pub fn echo(&self, payload: &[u8], limit: Duration) -> Outcome<Duration> {
        let begin = Instant::now();
        let back = self.exchange(ECHO, payload, limit, |back| (back == payload).then_some(()))?;
        ensure!(back.is_some(), "no echo within {limit:?}");
        Ok(begin.elapsed())
    }

    /// Returns all counts of the machine.
    pub fn counts(&self) -> Outcome<Counts> {
        let mut counts = Counts::new();
        loop {
            let first = counts.len();
            let text = self.ask_again(&format!("statistics {first}"))?;
            for line in text.lines() {
                let (name, count) = line.rsplit_once(' ').ok_or("a count without a number")?;
                counts.insert(name.to_owned(), count.parse()?);
            }
            if counts.len() == first {
                return Ok(counts);
            }
        }
    }

    /// Checks that the machine works: echo by UDP and TCP, its disk, random bytes and a timer.
    pub fn serves(&self, limit: Duration) -> Outcome {
        let deadline = Instant::now() + limit;
        let left = || deadline.saturating_duration_since(Instant::now());
        // The network may lose a datagram, and the machine may have dropped one in a flood.
        let mut echoed = self.echo(b"serves", AGAIN.min(limit));
        while echoed.is_err() && !left().is_zero() {
            echoed = self.echo(b"serves", AGAIN);
        }
        echoed?;
        self.stream(limit)
            .map_err(|error| format!("TCP: {error}"))?;
        self.ask("disk 64", limit)?;
        self.ask("rng", limit)?;
        let waited: u64 = self.ask("timer 10", limit)?.parse()?;
        ensure!(waited >= 10_000_000, "a timer of 10 ms took {waited} ns");
        Ok(())
    }

    /// Checks that a stream is echoed; on a wire, that a connection is accepted.
    fn stream(&self, limit: Duration) -> Outcome {
        match &self.way {
            Way::Ports { streams, .. } => {
                let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, *streams))?;
                stream.set_read_timeout(Some(limit))?;
                stream.write_all(b"serves")?;
                stream.shutdown(Shutdown::Write)?;
                let mut back = Vec::new();
                stream.read_to_end(&mut back)?;
                ensure!(back == b"serves", "{} bytes were echoed", back.len());
                Ok(())
            }
            Way::Wire { wire, mac } => {
                let port = 50_000 + u16::try_from(self.next.get() % 10_000)?;
                let begin = segment(port, flag::SYN, 1000, 0);
                wire.send(&begin.frame(*mac))?;
                let accepted = wire.receive(limit, |frame| {
                    let answer = Segment::of(frame, true)?;
                    let is_for_us = answer.destination == port;
                    let accepts = answer.flags == flag::SYN | flag::ACK;
                    (is_for_us && accepts && answer.acknowledged == 1001).then_some(answer.sequence)
                });
                let sequence = accepted.ok_or("a connection was not accepted")?;
                let next = sequence.wrapping_add(1);
                let end = segment(port, flag::RST | flag::ACK, 1001, next);
                wire.send(&end.frame(*mac))
            }
        }
    }

    /// The standard check: the machine works and has not panicked, QEMU runs, and the queues
    /// contain no forgotten requests.
    pub fn is_sound(&self, machine: &mut Machine, queues: &Virtqueues, limit: Duration) -> Outcome {
        let served = self.serves(limit);
        let ended = machine.ended()?;
        ensure!(ended.is_none(), "the machine ended: {ended:?}");
        let lines = machine.serial.lines();
        let panic = lines
            .iter()
            .find(|line| line.to_lowercase().contains("panic"));
        ensure!(panic.is_none(), "{panic:?}");
        served?;
        thread::sleep(IDLE);
        let fault = queues.fault(&mut machine.monitor()?)?;
        ensure!(fault.is_none(), "{fault:?}");
        Ok(())
    }
}

fn segment(port: u16, flags: u8, sequence: u32, acknowledged: u32) -> Segment<'static> {
    Segment {
        source: port,
        destination: ECHO,
        sequence,
        acknowledged,
        flags,
        window: 8192,
        options: &[],
        payload: &[],
    }
}
