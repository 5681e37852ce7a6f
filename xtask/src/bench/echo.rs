//! Sends requests that a machine echoes: datagrams and pings.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::guest::link::Link;
use crate::guest::outcome::Outcome;
use crate::guest::packet::{self, Ipv4, Mac};

/// The port of the echo (RFC 862).
const ECHO: u16 = 7;

/// The number of different requests; larger than the number in flight.
const DIFFERENT: usize = 256;

/// The time limit for an answer.
const LIMIT: Duration = Duration::from_secs(2);

/// The number of consecutive unanswered requests that ends a measurement.
const MOST_LOST: usize = 5;

/// The size of the headers before the payload, in bytes: Ethernet, IPv4, and UDP or ICMP.
const HEADERS: usize = 14 + 20 + 8;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A datagram with a payload of this many bytes.
    Datagram(usize),
    /// An ICMP echo request with a payload of this many bytes.
    Ping(usize),
}

/// Prepared requests, so that little work is left between them.
#[derive(Debug)]
pub struct Requests {
    kind: Kind,
    frames: Vec<Vec<u8>>,
}

impl Requests {
    /// Creates requests for the machine with this hardware address.
    #[must_use]
    pub fn new(kind: Kind, to: Mac) -> Self {
        Self::for_port(ECHO, kind, to)
    }

    /// Creates requests for an echo service on another port; pings have no port.
    #[must_use]
    pub fn for_port(port: u16, kind: Kind, to: Mac) -> Self {
        let frame = |number: u16| match kind {
            Kind::Datagram(length) => packet::summed_datagram(to, port, &payload(number, length)),
            Kind::Ping(length) => {
                packet::ping(to, number, &payload(number, length), Ipv4::default())
            }
        };
        Self {
            kind,
            frames: (0..DIFFERENT as u16).map(frame).collect(),
        }
    }

    /// The frame of a request.
    fn frame(&self, number: usize) -> &[u8] {
        &self.frames[number % DIFFERENT]
    }

    /// Returns the number of the request that a frame correctly answers.
    fn answered(&self, frame: &[u8]) -> Option<usize> {
        let number = match self.kind {
            Kind::Datagram(_) => frame.get(HEADERS..HEADERS + 2)?,
            Kind::Ping(_) => frame.get(HEADERS - 2..HEADERS)?,
        };
        let number = usize::from(u16::from_be_bytes(number.try_into().ok()?));
        let request = self.frames.get(number)?;
        let is_right = match self.kind {
            Kind::Datagram(length) => {
                let echoed = packet::echoed(frame)?;
                // Swapping addresses and ports does not change the checksum. A datagram may also
                // have none.
                let sum = &frame[40..42];
                echoed == &request[HEADERS..HEADERS + length]
                    && (sum == &request[40..42] || sum == [0, 0])
            }
            Kind::Ping(length) => {
                packet::is_pong(frame, number as u16, &request[HEADERS..HEADERS + length])
            }
        };
        is_right.then_some(number)
    }
}

/// Returns the payload of a request: its number, followed by a repeated byte.
fn payload(number: u16, length: usize) -> Vec<u8> {
    let mut payload = vec![0x5a; length];
    let number = number.to_be_bytes();
    let head = number.len().min(length);
    payload[..head].copy_from_slice(&number[..head]);
    payload
}

/// Sends one request at a time, each after the answer to the previous one and after `ready` has
/// returned; returns the duration of each round trip.
///
/// # Errors
/// Several requests in a row get no answer.
pub fn one_at_a_time(
    link: &Link,
    requests: &Requests,
    count: usize,
    mut ready: impl FnMut() -> Outcome,
) -> Outcome<Vec<Duration>> {
    let mut times = Vec::with_capacity(count);
    let mut lost = 0;
    for number in 0..count {
        ready()?;
        let sent = Instant::now();
        link.send(requests.frame(number));
        let answer = link.receive(LIMIT, |frame| {
            (requests.answered(frame) == Some(number % DIFFERENT)).then_some(())
        })?;
        match answer {
            Some(()) => {
                times.push(sent.elapsed());
                lost = 0;
            }
            None => lost += 1,
        }
        if lost == MOST_LOST {
            return Err(format!("{MOST_LOST} requests in a row got no answer").into());
        }
    }
    Ok(times)
}

/// The result of keeping several requests in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flow {
    /// The number of answered requests.
    pub answered: usize,
    /// The number of lost requests.
    pub lost: usize,
    /// The duration of the flow.
    pub time: Duration,
}

/// The condition that ends a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The flow ends after this many answers.
    Answered(usize),
    /// The flow ends after this time.
    Passed(Duration),
}

/// Keeps `window` requests in flight. Machines answer in order, so an answer to a newer request
/// means that the older ones are lost.
///
/// # Errors
/// Several times in a row, no request of a window is answered.
pub fn flow(link: &Link, requests: &Requests, window: usize, until: Until) -> Outcome<Flow> {
    let mut flow = Flow::default();
    let mut under_way: VecDeque<usize> = VecDeque::with_capacity(window);
    let mut next = 0;
    let mut silences = 0;
    let start = Instant::now();
    let goes_on = |flow: &Flow| match until {
        Until::Answered(count) => flow.answered < count,
        Until::Passed(time) => start.elapsed() < time,
    };
    while goes_on(&flow) {
        while under_way.len() < window {
            link.send(requests.frame(next));
            under_way.push_back(next % DIFFERENT);
            next += 1;
        }
        let answer = link.receive(Duration::from_millis(100), |frame| requests.answered(frame))?;
        let position = answer.map(|answer| under_way.iter().position(|&sent| sent == answer));
        match position {
            Some(Some(overtaken)) => {
                flow.answered += 1;
                flow.lost += overtaken;
                under_way.drain(..=overtaken);
                silences = 0;
            }
            // A duplicate answer.
            Some(None) => {}
            None => {
                flow.lost += under_way.len();
                under_way.clear();
                silences += 1;
            }
        }
        if silences == 10 {
            return Err(format!("no answer with {window} requests in flight").into());
        }
    }
    flow.time = start.elapsed();
    // Receive the answers in flight, so that they are not mistaken for later ones.
    for _ in 0..under_way.len() {
        let answer = link.receive(Duration::from_millis(100), |frame| requests.answered(frame))?;
        match answer {
            Some(_) => flow.answered += 1,
            None => break,
        }
    }
    Ok(flow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::packet::{BROADCAST, ITS_ADDRESS, OUR_ADDRESS};

    /// Returns the correct echo of a datagram.
    fn echo(request: &[u8]) -> Vec<u8> {
        let mut frame = request.to_vec();
        frame[26..30].copy_from_slice(&ITS_ADDRESS.octets());
        frame[30..34].copy_from_slice(&OUR_ADDRESS.octets());
        let (from, to) = ([request[34], request[35]], [request[36], request[37]]);
        frame[34..36].copy_from_slice(&to);
        frame[36..38].copy_from_slice(&from);
        frame
    }

    #[test]
    fn an_echo_answers_the_request_with_its_number() {
        let requests = Requests::new(Kind::Datagram(64), BROADCAST);
        assert_eq!(requests.answered(&echo(requests.frame(3))), Some(3));
        assert_eq!(requests.answered(&echo(requests.frame(259))), Some(3));
    }

    #[test]
    fn an_echo_with_another_payload_sum_or_length_is_no_answer() {
        let requests = Requests::new(Kind::Datagram(64), BROADCAST);
        let right = echo(requests.frame(3));
        for at in [39, 41, 50, 14 + 20 + 8 + 63] {
            let mut wrong = right.clone();
            wrong[at] ^= 1;
            assert_eq!(requests.answered(&wrong), None, "byte {at}");
        }
        assert_eq!(requests.answered(&right[..60]), None);
    }

    #[test]
    fn an_echo_may_do_without_a_checksum() {
        let requests = Requests::new(Kind::Datagram(64), BROADCAST);
        let mut frame = echo(requests.frame(3));
        frame[40..42].fill(0);
        assert_eq!(requests.answered(&frame), Some(3));
    }
}
