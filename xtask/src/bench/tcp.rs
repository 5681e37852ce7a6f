//! A TCP connection under full control of a measurement: it sends only the requested segments,
//! without timers, retransmissions, or acknowledgements that depend on the host.

use std::time::{Duration, Instant};

use crate::guest::link::Link;
use crate::guest::outcome::Outcome;
use crate::guest::segment::{Segment, flag, sum_of};

/// The largest payload of a segment on Ethernet, in bytes.
pub const SEGMENT: usize = 1460;

/// The advertised window: the largest one without window scaling, in bytes.
const WINDOW: u16 = 0xffff;

/// The largest number of unacknowledged bytes to send, whatever the machine's window: the link
/// loses frames if there are more.
const MOST_AHEAD: u32 = 1 << 16;

/// The sequence number of the first byte that this end sends.
const FIRST: u32 = 1000;

/// The time limit for an answer.
const LIMIT: Duration = Duration::from_secs(5);

/// The largest number of segments before an acknowledgement (RFC 9293).
const UNACKNOWLEDGED: usize = 2;

/// The content of a segment from the machine.
#[derive(Debug)]
enum Event {
    /// The next bytes of the machine's stream.
    Data(Vec<u8>),
    /// An acknowledgement or a window update.
    Acknowledgement,
}

/// A connection to a service of the machine.
#[derive(Debug)]
pub struct Connection<'a> {
    link: &'a Link,
    here: u16,
    there: u16,
    /// The sequence number of the next byte that this end sends.
    next: u32,
    /// The sequence number of the first byte that the machine has not acknowledged.
    acknowledged: u32,
    /// The sequence number of the machine's next byte.
    expected: u32,
    /// The machine's window in bytes, counted from `acknowledged`.
    window: u32,
    /// The machine's window scale.
    scale: u8,
}

impl<'a> Connection<'a> {
    /// Opens a connection from this end's port `here` to the machine's port `there`.
    ///
    /// # Errors
    /// The machine does not answer, or resets the connection.
    pub fn open(link: &'a Link, here: u16, there: u16) -> Outcome<Self> {
        let mut connection = Self {
            link,
            here,
            there,
            next: FIRST,
            acknowledged: FIRST,
            expected: 0,
            window: 0,
            scale: 0,
        };
        // Options: the maximum segment size (2), and a window scale (3) of 0.
        let [high, low] = (SEGMENT as u16).to_be_bytes();
        let options = [2, 4, high, low, 1, 3, 3, 0];
        let syn = connection.segment(flag::SYN, &options, &[]);
        link.send(&syn.frame(link.mac()));
        connection.next += 1;
        let answer = link.receive(LIMIT, |frame| {
            let answer = connection.ours(frame)?;
            let scale = answer.option(3).and_then(|scale| scale.first().copied());
            let is_ours = answer.acknowledged == FIRST + 1;
            is_ours.then_some((answer.flags, answer.sequence, answer.window, scale))
        })?;
        let Some((flags, sequence, window, scale)) = answer else {
            return Err(format!("no answer to a SYN for port {there}").into());
        };
        if flags != flag::SYN | flag::ACK {
            return Err(format!("port {there} answers a SYN with the flags {flags:#x}").into());
        }
        connection.expected = sequence.wrapping_add(1);
        connection.acknowledged = FIRST + 1;
        connection.window = u32::from(window);
        connection.scale = scale.unwrap_or(0);
        connection.acknowledge();
        Ok(connection)
    }

    /// Acknowledges all data received so far.
    pub fn acknowledge(&self) {
        let segment = self.segment(flag::ACK, &[], &[]);
        self.link.send(&segment.frame(self.link.mac()));
    }

    /// Sends data with this checksum; the segment also acknowledges everything received.
    fn send(&mut self, data: &[u8], sum: u16) {
        let segment = self.segment(flag::ACK | flag::PSH, &[], data);
        self.link.send(&segment.frame_summed(self.link.mac(), sum));
        self.next = self.next.wrapping_add(data.len() as u32);
    }

    /// Sends data and waits for its echo.
    ///
    /// # Errors
    /// The echo does not arrive, or differs.
    pub fn echo(&mut self, data: &[u8]) -> Outcome {
        self.send(data, sum_of(data));
        let mut back = Vec::new();
        while back.len() < data.len() {
            let Some(piece) = self.data(LIMIT)? else {
                return Err(format!("no echo within {LIMIT:?}").into());
            };
            back.extend(piece);
        }
        if back != data {
            return Err("the echo is not what was sent".into());
        }
        Ok(())
    }

    /// Receives data, acknowledging every second segment, until the machine has sent `count` bytes.
    /// Then stops acknowledging, so that the machine stops when its window is full. Returns the
    /// number of bytes received.
    ///
    /// # Errors
    /// No data arrives in time.
    pub fn take(&mut self, count: usize) -> Outcome<usize> {
        let mut taken = 0;
        let mut unacknowledged = 0;
        self.acknowledge();
        while taken < count {
            let Some(piece) = self.data(LIMIT)? else {
                return Err(format!("the machine stopped sending after {taken} bytes").into());
            };
            taken += piece.len();
            unacknowledged += 1;
            if unacknowledged == UNACKNOWLEDGED && taken < count {
                self.acknowledge();
                unacknowledged = 0;
            }
        }
        // Receive the rest of the window.
        while let Some(piece) = self.data(Duration::from_millis(30))? {
            taken += piece.len();
        }
        Ok(taken)
    }

    /// Sends `count` bytes, as fast as the machine's window allows, and waits until all are
    /// acknowledged.
    ///
    /// # Errors
    /// The machine stops accepting data.
    pub fn give(&mut self, count: usize) -> Outcome {
        let data = [0x5a; SEGMENT];
        let sum = sum_of(&data);
        let mut left = count;
        while left > 0 || self.acknowledged != self.next {
            let under_way = self.next.wrapping_sub(self.acknowledged);
            let room = self.window.saturating_sub(under_way) as usize;
            let piece = left.min(SEGMENT);
            if piece > 0 && room >= piece {
                let sum = if piece == SEGMENT {
                    sum
                } else {
                    sum_of(&data[..piece])
                };
                self.send(&data[..piece], sum);
                left -= piece;
                continue;
            }
            match self.event(LIMIT)? {
                Some(Event::Acknowledgement) => {}
                Some(Event::Data(_)) => {
                    return Err("the machine sent unexpected data".into());
                }
                None => {
                    return Err(format!(
                        "the machine stopped acknowledging {left} bytes before the end"
                    )
                    .into());
                }
            }
        }
        Ok(())
    }

    /// Resets the connection.
    pub fn reset(self) {
        let segment = self.segment(flag::RST | flag::ACK, &[], &[]);
        self.link.send(&segment.frame(self.link.mac()));
    }

    /// Returns the data of the next segment with data, if one arrives in time.
    fn data(&mut self, limit: Duration) -> Outcome<Option<Vec<u8>>> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.event(left.max(Duration::from_millis(1)))? {
                Some(Event::Data(data)) => return Ok(Some(data)),
                Some(Event::Acknowledgement) => {}
                None => return Ok(None),
            }
        }
    }

    /// Returns the content of the next segment, if one arrives in time.
    fn event(&mut self, limit: Duration) -> Outcome<Option<Event>> {
        let segment = self.link.receive(limit, |frame| {
            let Segment {
                flags,
                sequence,
                acknowledged,
                window,
                payload,
                ..
            } = self.ours(frame)?;
            Some((flags, sequence, acknowledged, window, payload.to_vec()))
        })?;
        let Some((flags, sequence, acknowledged, window, payload)) = segment else {
            return Ok(None);
        };
        if flags & (flag::RST | flag::FIN | flag::SYN) != 0 {
            let port = self.there;
            return Err(format!("port {port} closed the connection: flags {flags:#x}").into());
        }
        self.acknowledged = acknowledged;
        self.window = (u32::from(window) << self.scale).min(MOST_AHEAD);
        if payload.is_empty() {
            return Ok(Some(Event::Acknowledgement));
        }
        if sequence != self.expected {
            return Err("a segment from the machine is out of order".into());
        }
        self.expected = self.expected.wrapping_add(payload.len() as u32);
        Ok(Some(Event::Data(payload)))
    }

    /// Returns the segment in a frame, if it belongs to this connection.
    fn ours<'f>(&self, frame: &'f [u8]) -> Option<Segment<'f>> {
        let segment = Segment::of(frame, false)?;
        let is_ours = segment.source == self.there && segment.destination == self.here;
        is_ours.then_some(segment)
    }

    fn segment<'s>(&self, flags: u8, options: &'s [u8], payload: &'s [u8]) -> Segment<'s> {
        Segment {
            source: self.here,
            destination: self.there,
            sequence: self.next,
            acknowledged: self.expected,
            flags,
            window: WINDOW,
            options,
            payload,
        }
    }
}
