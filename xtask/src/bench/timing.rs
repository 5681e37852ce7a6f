//! Measures by the clock: how fast a machine is on this host, compared with the other programs of
//! the same run.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::counting;
use super::disk::DiskResult;
use super::echo::{self, Kind, Requests, Until};
use super::figure::Values;
use super::operation::{CHARGEN, DISCARD, LARGE, PING, SMALL, TCP_ECHO};
use super::running::Start;
use crate::forward::{Forward, Protocol};
use crate::guest::outcome::Outcome;
use crate::guest::ports;
use crate::qemu::{GUEST_ADDRESS, Network};

/// The number of round trips that are timed.
const ROUND_TRIPS: usize = 2000;

/// How long a request rate is measured.
const FLOW: Duration = Duration::from_secs(1);

/// The time limit for data from a TCP peer.
const LIMIT: Duration = Duration::from_secs(5);

/// The number of datagrams in flight for the rate.
const WINDOW: usize = 32;

/// Starts a serving machine with a network link; returns the figures, and the duration of each
/// round trip of a small datagram, in microseconds.
///
/// # Errors
/// The machine does not start, or does not answer.
pub fn frames(start: &Start<'_>) -> Outcome<(Values, Vec<f64>)> {
    let mut running = start.wired()?;
    let mut values = Values::from([("boot.ms", running.ready()?.as_secs_f64() * 1e3)]);
    counting::warm_up(&mut running)?;
    let link = running.link()?;
    let requests = |kind| Requests::new(kind, link.mac());
    let small = requests(Kind::Datagram(SMALL));
    let large = requests(Kind::Datagram(LARGE));
    let trips = microseconds(&echo::one_at_a_time(link, &small, ROUND_TRIPS, || Ok(()))?);
    values.insert("udp.p50", quantile(&trips, 0.5));
    values.insert("udp.p99", quantile(&trips, 0.99));
    let pings = requests(Kind::Ping(PING));
    let pongs = echo::one_at_a_time(link, &pings, ROUND_TRIPS / 2, || Ok(()))?;
    values.insert("icmp.p50", quantile(&microseconds(&pongs), 0.5));
    for (key, requests) in [("udp-32x64.rate", &small), ("udp-32x1400.rate", &large)] {
        let flow = echo::flow(link, requests, WINDOW, Until::Passed(FLOW))?;
        values.insert(key, flow.answered as f64 / flow.time.as_secs_f64());
    }
    Ok((values, trips))
}

/// Starts a machine that measures its disk; returns the requests per second.
///
/// # Errors
/// The machine does not start, or does not finish.
pub fn disk(start: &Start<'_>) -> Outcome<Values> {
    let running = start.wired()?;
    let mut results = running.results()?;
    let mut values = Values::new();
    while !DiskResult::are_all_in(&values) {
        let result = DiskResult::of(&running.next_result(&mut results)?)?;
        values.extend(result.rate());
    }
    Ok(values)
}

/// Starts a machine that measures its timer; returns how late a task wakes.
///
/// # Errors
/// The machine does not start, or does not finish.
pub fn timer(start: &Start<'_>) -> Outcome<Values> {
    let running = start.wired()?;
    let result = running.next_result(&mut running.results()?)?;
    let late = |key: &str| -> Outcome<f64> {
        let nanoseconds = result[key].as_f64();
        let nanoseconds = nanoseconds.ok_or_else(|| no_result(&result))?;
        Ok(nanoseconds / 1e3)
    };
    let (median, worst) = (late("late_p50_ns")?, late("late_p99_ns")?);
    Ok(Values::from([("timer.p50", median), ("timer.p99", worst)]))
}

fn no_result(line: &Value) -> String {
    format!("not a timer result: {line}")
}

/// Starts a serving machine behind QEMU's user network, and measures TCP through sockets of the
/// host.
///
/// # Errors
/// The machine does not start, or does not answer.
pub fn tcp(start: &Start<'_>) -> Outcome<Values> {
    let forward = |guest| -> Outcome<Forward> {
        Ok(Forward {
            protocol: Protocol::Tcp,
            host: ports::free_tcp().ok_or("no TCP port is free")?,
            guest,
        })
    };
    let [echo, discard, chargen] = [forward(TCP_ECHO)?, forward(DISCARD)?, forward(CHARGEN)?];
    let running = start.start(Network::User {
        ipv6: false,
        address: GUEST_ADDRESS.to_owned(),
        forwards: vec![echo, discard, chargen],
    })?;
    running.ready()?;

    let mut stream = connect(&echo)?;
    stream.set_nodelay(true)?;
    let mut trips = Vec::new();
    let mut data = [0x5a; SMALL];
    for _ in 0..ROUND_TRIPS / 4 {
        let sent = Instant::now();
        stream.write_all(&data)?;
        stream.read_exact(&mut data)?;
        trips.push(sent.elapsed());
    }
    let trips = microseconds(&trips);
    let mut values = Values::from([("tcp-echo.p50", quantile(&trips, 0.5))]);

    let mut piece = vec![0x5a; 1 << 18];
    let mut stream = connect(&chargen)?;
    let read = rate(|| Ok(stream.read(&mut piece)?))?;
    values.insert("tcp-sent.rate", read);
    let mut stream = connect(&discard)?;
    let written = rate(|| Ok(stream.write(&piece)?))?;
    values.insert("tcp-received.rate", written);
    Ok(values)
}

fn connect(forward: &Forward) -> Outcome<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, forward.host))?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    Ok(stream)
}

/// Measures a data rate in megabytes per second; `step` returns the number of bytes that it
/// transferred. The first bytes, which fill buffers, are not counted.
fn rate(mut step: impl FnMut() -> Outcome<usize>) -> Outcome<f64> {
    let begin = Instant::now();
    while begin.elapsed() < FLOW / 4 {
        step()?;
    }
    let (start, mut bytes) = (Instant::now(), 0);
    while start.elapsed() < FLOW {
        match step()? {
            0 => return Err("the connection was closed during the measurement".into()),
            passed => bytes += passed,
        }
    }
    Ok(bytes as f64 / 1e6 / start.elapsed().as_secs_f64())
}

fn microseconds(times: &[Duration]) -> Vec<f64> {
    let mut times: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e6).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// Returns the given quantile of a sorted list; 0 if it is empty.
#[must_use]
pub fn quantile(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1) as f64;
    let position = (last * part).round() as usize;
    sorted.get(position).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values = [1.0, 2.0, 3.0, 4.0, 100.0];
        assert_eq!(quantile(&values, 0.5), 3.0);
        assert_eq!(quantile(&values, 1.0), 100.0);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }
}
