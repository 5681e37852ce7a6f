//! Requests that a machine sends back: datagrams to its echo, and pings.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::guest::link::Link;
use crate::guest::outcome::Outcome;
use crate::guest::packet::{self, Ipv4, Mac};

/// The port of the echo (RFC 862).
const ECHO: u16 = 7;

/// How many different requests there are; more than are ever under way.
const DIFFERENT: usize = 256;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(2);

/// So many answers that do not come in a row end a measurement.
const MOST_LOST: usize = 5;

/// Bytes of the headers in front of the payload: Ethernet, IPv4, and UDP or ICMP.
const HEADERS: usize = 14 + 20 + 8;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A datagram with a payload of so many bytes.
    Datagram(usize),
    /// An ICMP echo request with a payload of so many bytes.
    Ping(usize),
}

/// Requests made in advance, so that little is done between one and the next.
#[derive(Debug)]
pub struct Requests {
    kind: Kind,
    frames: Vec<Vec<u8>>,
}

impl Requests {
    /// Requests for the machine with this hardware address.
    #[must_use]
    pub fn new(kind: Kind, to: Mac) -> Self {
        Self::for_port(ECHO, kind, to)
    }

    /// The same for an echo on another port; pings have none.
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

    /// Which request a frame answers, if it is a right answer to one.
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
                // Addresses and ports have changed places, which leaves the sum as it was; a
                // datagram may also do without.
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

/// The payload of a request: its number, and the same byte over and over.
fn payload(number: u16, length: usize) -> Vec<u8> {
    let mut payload = vec![0x5a; length];
    let number = number.to_be_bytes();
    let head = number.len().min(length);
    payload[..head].copy_from_slice(&number[..head]);
    payload
}

/// Sends one request after the other, each when the one before has been answered and `ready` has
/// returned; how long each answer took.
///
/// # Errors
/// No answer comes to several in a row.
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
            return Err(format!("{MOST_LOST} requests in a row had no answer").into());
        }
    }
    Ok(times)
}

/// What came of requests of which several are under way at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flow {
    /// Requests answered.
    pub answered: usize,
    /// Requests lost.
    pub lost: usize,
    /// How long it took.
    pub time: Duration,
}

/// When a flow ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// So many requests have been answered.
    Answered(usize),
    /// So much time has passed.
    Passed(Duration),
}

/// Keeps `window` requests under way. Machines answer in order, so that an answer which overtakes
/// older requests says that those are lost.
///
/// # Errors
/// Again and again nothing is answered at all.
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
            // Somebody answers twice.
            Some(None) => {}
            None => {
                flow.lost += under_way.len();
                under_way.clear();
                silences += 1;
            }
        }
        if silences == 10 {
            return Err(format!("with {window} requests under way nothing is answered").into());
        }
    }
    flow.time = start.elapsed();
    // What is still under way has been worked for, and must not be taken for an answer later.
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

    /// What a right echo of a datagram would be.
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
