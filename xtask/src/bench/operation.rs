//! The operations whose cost is counted, and the requests that make a machine perform them.

use core::ops::Range;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::cost::Cost;
use super::disk::DiskResult;
use super::echo::{self, Kind, Requests, Until};
use super::running::{Results, Running};
use super::tcp::Connection;
use super::watch::{Done, Watch};
use crate::guest::link::Link;
use crate::guest::outcome::Outcome;
use crate::qmp::Qmp;

/// The number of round trips in a series; see [`Cost::by_slope`].
const ROUND_TRIPS: usize = 300;

/// The number of datagrams that are counted with several in flight.
const DATAGRAMS: usize = 4000;

/// The number of bytes of a TCP stream that are counted.
const STREAM: usize = 1 << 20;

/// How long requests of one kind are counted. Machines run each kind for a second.
const DISK_WINDOW: Duration = Duration::from_millis(400);

/// The port of the echo service that answers after a timer.
const ECHO_LATER: u16 = 1007;

/// The port of the TCP echo service (RFC 862).
pub const TCP_ECHO: u16 = 7;
/// The port of the TCP discard service (RFC 863).
pub const DISCARD: u16 = 9;
/// The port of the TCP character generator (RFC 864).
pub const CHARGEN: u16 = 19;

/// The payload of small requests, in bytes.
pub const SMALL: usize = 64;
/// The payload of large requests, in bytes.
pub const LARGE: usize = 1400;
/// The payload of a ping, in bytes; the ICMP message has 64 bytes.
pub const PING: usize = SMALL - 8;

/// An operation of a serving machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Echo a datagram of [`SMALL`] bytes, with no other in flight.
    Datagram,
    /// Echo a datagram, with several in flight.
    Datagrams {
        /// The payload of a datagram in bytes.
        payload: usize,
        /// The number of datagrams in flight.
        window: usize,
    },
    /// Answer a ping.
    Ping,
    /// Echo [`SMALL`] bytes over TCP.
    TcpEcho,
    /// Echo a datagram of [`SMALL`] bytes after a timer.
    DatagramLater,
    /// The same as [`TcpEcho`](Self::TcpEcho), with this many other connections open.
    TcpEchoAmong(u16),
    /// Send 1 KiB over TCP.
    TcpSent,
    /// Receive 1 KiB over TCP.
    TcpReceived,
}

impl Service {
    /// Counts the cost of the operation for a machine that serves and is warmed up.
    ///
    /// # Errors
    /// The machine does not answer.
    pub fn cost(self, watch: &mut Watch<'_>, link: &Link) -> Outcome<Cost> {
        match self {
            Self::Datagram => round_trips(
                watch,
                link,
                &Requests::new(Kind::Datagram(SMALL), link.mac()),
            ),
            Self::DatagramLater => {
                let kind = Kind::Datagram(SMALL);
                let requests = Requests::for_port(ECHO_LATER, kind, link.mac());
                round_trips(watch, link, &requests)
            }
            Self::Ping => round_trips(watch, link, &Requests::new(Kind::Ping(PING), link.mac())),
            Self::Datagrams { payload, window } => {
                let requests = Requests::new(Kind::Datagram(payload), link.mac());
                let before = watch.settled()?;
                let flow = echo::flow(link, &requests, window, Until::Answered(DATAGRAMS))?;
                let done = watch.settled()?.since(&before);
                Ok(Cost::of(done, flow.answered as f64))
            }
            Self::TcpEcho => tcp_echo(watch, link),
            Self::TcpEchoAmong(others) => {
                let open = |place| Connection::open(link, 41_000 + place, TCP_ECHO);
                let others: Vec<_> = (0..others).map(open).collect::<Outcome<_>>()?;
                let cost = tcp_echo(watch, link)?;
                others.into_iter().for_each(Connection::reset);
                Ok(cost)
            }
            Self::TcpSent => tcp_sent(watch, link),
            Self::TcpReceived => tcp_received(watch, link),
        }
    }
}

/// Sends each request when the processor sleeps, so that the previous one is complete.
fn round_trips(watch: &mut Watch<'_>, link: &Link, requests: &Requests) -> Outcome<Cost> {
    Cost::by_slope(watch, ROUND_TRIPS, |watch, count| {
        echo::one_at_a_time(link, requests, count, || Ok(watch.idle()?)).map(drop)
    })
}

fn tcp_echo(watch: &mut Watch<'_>, link: &Link) -> Outcome<Cost> {
    let mut connection = Connection::open(link, 40_100, TCP_ECHO)?;
    let cost = Cost::by_slope(watch, ROUND_TRIPS, |watch, count| {
        for _ in 0..count {
            watch.idle()?;
            connection.echo(&[0x5a; SMALL])?;
        }
        // Otherwise the machine retransmits the last segment while it should be idle.
        connection.acknowledge();
        Ok(())
    })?;
    connection.reset();
    Ok(cost)
}

fn tcp_sent(watch: &mut Watch<'_>, link: &Link) -> Outcome<Cost> {
    let mut connection = Connection::open(link, 40_101, CHARGEN)?;
    connection.take(STREAM / 8)?;
    let before = watch.settled()?;
    let sent = connection.take(STREAM)?;
    let done = watch.settled()?.since(&before);
    connection.reset();
    Ok(Cost::of(done, sent as f64 / 1024.0))
}

fn tcp_received(watch: &mut Watch<'_>, link: &Link) -> Outcome<Cost> {
    let mut connection = Connection::open(link, 40_102, DISCARD)?;
    connection.give(STREAM / 8)?;
    let before = watch.settled()?;
    connection.give(STREAM)?;
    let done = watch.settled()?.since(&before);
    connection.reset();
    Ok(Cost::of(done, STREAM as f64 / 1024.0))
}

/// Counts the instructions from the first one until the machine, which has just become ready, waits
/// for its first frame: those in `text`, and separately all others, which belong to firmware.
///
/// # Errors QEMU has ended.
pub fn boot(watch: &mut Watch<'_>, text: &Range<u64>) -> Outcome<(Cost, f64)> {
    let mut done = watch.settled()?;
    let total = done.counts.instructions as f64;
    let mut own = total;
    if let Some(executions) = &mut done.executions {
        executions.retain(|address, _| text.contains(address));
        own = executions.values().sum();
    }
    let mut cost = Cost::of(done, 1.0);
    cost.instructions = own;
    Ok((cost, total - own))
}

/// Counts the cost of each kind of disk request, with the key of its figure.
///
/// Each kind is counted between two moments in the middle of its run, at both of which the machine
/// is paused, so that the start and the end of a run are excluded even if this process is slow.
/// Runs come in the machine's order. `wanted` says which ones to count; after the last one, the
/// function returns without waiting for the others.
///
/// # Errors
/// The machine does not finish, or a run is too short.
pub fn disk(
    running: &mut Running,
    looks_at_instructions: bool,
    wanted: &[&str],
) -> Outcome<Vec<(&'static str, Cost)>> {
    let mut results: Results = running.results()?;
    let mut monitor = running.machine.monitor()?;
    let mut costs: Vec<(&'static str, Cost)> = Vec::new();
    while costs.len() < wanted.len() {
        let mut watch = Watch::new(running.counter()?, looks_at_instructions);
        let (before, answered_before) = stand_still(&mut watch, &mut monitor)?;
        thread::sleep(DISK_WINDOW);
        let (after, answered) = stand_still(&mut watch, &mut monitor)?;
        let result = DiskResult::of(&running.next_result(&mut results)?)?;
        let requests = answered - answered_before;
        if requests <= 0.0 || result.operations < requests {
            return Err("the disk measurement ended before its requests were counted".into());
        }
        if let Some(key) = result.key().filter(|key| wanted.contains(key)) {
            costs.push((key, Cost::of(after.since(&before), requests)));
        }
    }
    Ok(costs)
}

/// Pauses the machine, and reads its counts and the number of completed disk requests.
fn stand_still(watch: &mut Watch<'_>, monitor: &mut Qmp) -> Outcome<(Done, f64)> {
    monitor.execute("stop", json!({}))?;
    let done = watch.now()?;
    let disks = monitor.execute("query-blockstats", json!({}))?;
    monitor.execute("cont", json!({}))?;
    let disks = disks.as_array().map(Vec::as_slice).unwrap_or_default();
    let answered = |disk: &Value| {
        let number = |key: &str| disk["stats"][key].as_f64().unwrap_or_default();
        number("rd_operations") + number("wr_operations")
    };
    Ok((done, disks.iter().map(answered).sum()))
}
