//! What a simulated machine and the world tell each other.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use std::io::{self, ErrorKind, Read};

/// The size of a sector of a disk in bytes.
pub const SECTOR: usize = 512;
/// The size of the head of a message: its kind, two numbers, and the number of the bytes that follow.
const HEAD: usize = 1 + 8 + 8 + 4;
/// The largest number of bytes after the head of a valid message.
const LARGEST: usize = 64 << 20;
/// The largest number of sectors of a disk: those whose [image](Message::Image) fits into a message.
pub(super) const MOST_SECTORS: u64 = (LARGEST / (8 + SECTOR)) as u64;

/// A message. Times are in nanoseconds since the machine's world began.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// To a process that becomes machines: begin with this plan, in its form as text. The next message
    /// to the process is for the machine.
    Begin(String),
    /// To the world: the machine has printed these bytes.
    Console {
        /// The time at which it was printed.
        at: u64,
        /// The text.
        bytes: Vec<u8>,
    },
    /// To the world: what a device did, for the trace.
    Note {
        /// The time of the event.
        at: u64,
        /// The description of the event.
        text: String,
    },
    /// To the world: an invariant of the kernel does not hold.
    Violation {
        /// The time at which that was found.
        at: u64,
        /// The description of the violation.
        text: String,
    },
    /// A frame on the wire of network device `port`: to the world, when it was sent; to the machine,
    /// with the next [`Wake`](Self::Wake).
    Frame {
        /// The number of the network device.
        port: u8,
        /// The time at which it was sent.
        at: u64,
        /// The frame.
        bytes: Vec<u8>,
    },
    /// To the world: the machine sleeps, and waits for [`Wake`](Self::Wake).
    Sleep {
        /// The time of the machine.
        now: u64,
        /// The time at which it has something to do by itself; `u64::MAX` for never.
        until: u64,
    },
    /// To the machine: the time has advanced.
    Wake {
        /// The new time, at most [`Sleep::until`](Self::Sleep::until).
        at: u64,
        /// Before this time, nothing happens outside the machine unless it says something first, so it
        /// need not ask.
        horizon: u64,
    },
    /// To the machine: from now on, devices fail by their plan, or they work.
    Faults(bool),
    /// To the machine: the power fails. It answers with an [`Image`](Self::Image) of each disk and with
    /// [`End`](Self::End), and ends.
    Crash,
    /// To the machine: the question for its [`State`](Self::State).
    Ask,
    /// To the world: the use of the heap.
    State {
        /// The bytes that are allocated.
        bytes: u64,
        /// The number of blocks that devices access.
        buffers: u64,
    },
    /// What is on a disk: to the machine before it begins, and to the world when it ends.
    Image {
        /// The number of the disk.
        disk: u8,
        /// The sectors that are not all zeroes, each after its number in eight bytes, the least
        /// significant first.
        sectors: Vec<u8>,
    },
    /// To the world: the machine is off.
    End {
        /// The time at which it was switched off.
        at: u64,
        /// The exit status; `None` if it starts again.
        status: Option<u8>,
    },
}

/// The status in a message of a machine that starts again.
const RESTART: u64 = 256;

impl Message {
    /// Writes the message to the end of `to`.
    pub fn encode(&self, to: &mut Vec<u8>) {
        let (kind, first, second, bytes): (u8, u64, u64, &[u8]) = match self {
            Self::Console { at, bytes } => (0, *at, 0, bytes),
            Self::Note { at, text } => (1, *at, 0, text.as_bytes()),
            Self::Violation { at, text } => (2, *at, 0, text.as_bytes()),
            Self::Frame { port, at, bytes } => (3, *at, u64::from(*port), bytes),
            Self::Sleep { now, until } => (4, *now, *until, &[]),
            Self::Wake { at, horizon } => (5, *at, *horizon, &[]),
            Self::Faults(on) => (6, u64::from(*on), 0, &[]),
            Self::Crash => (7, 0, 0, &[]),
            Self::Ask => (8, 0, 0, &[]),
            Self::State { bytes, buffers } => (9, *bytes, *buffers, &[]),
            Self::Image { disk, sectors } => (10, u64::from(*disk), 0, sectors),
            Self::End { at, status } => (11, *at, status.map_or(RESTART, u64::from), &[]),
            Self::Begin(plan) => (12, 0, 0, plan.as_bytes()),
        };
        to.push(kind);
        to.extend(first.to_le_bytes());
        to.extend(second.to_le_bytes());
        to.extend((bytes.len() as u32).to_le_bytes());
        to.extend(bytes);
    }

    /// Reads a message.
    ///
    /// # Errors
    ///
    /// If the other side has ended or writes no message.
    pub fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut head = [0; HEAD];
        from.read_exact(&mut head)?;
        let number = |at: usize, len: usize| {
            let bytes = head[at..at + len].iter().rev();
            bytes.fold(0, |value, byte| value << 8 | u64::from(*byte))
        };
        let (first, second, len) = (number(1, 8), number(9, 8), number(17, 4) as usize);
        if len > LARGEST {
            return Err(ErrorKind::InvalidData.into());
        }
        let mut bytes = vec![0; len];
        from.read_exact(&mut bytes)?;
        let text = |bytes| String::from_utf8(bytes).map_err(|_| ErrorKind::InvalidData);
        Ok(match head[0] {
            0 => Self::Console { at: first, bytes },
            1 => Self::Note {
                at: first,
                text: text(bytes)?,
            },
            2 => Self::Violation {
                at: first,
                text: text(bytes)?,
            },
            3 => Self::Frame {
                port: second as u8,
                at: first,
                bytes,
            },
            4 => Self::Sleep {
                now: first,
                until: second,
            },
            5 => Self::Wake {
                at: first,
                horizon: second,
            },
            6 => Self::Faults(first != 0),
            7 => Self::Crash,
            8 => Self::Ask,
            9 => Self::State {
                bytes: first,
                buffers: second,
            },
            10 => Self::Image {
                disk: first as u8,
                sectors: bytes,
            },
            11 => Self::End {
                at: first,
                status: u8::try_from(second).ok(),
            },
            12 => Self::Begin(text(bytes)?),
            _ => return Err(ErrorKind::InvalidData.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_is_written() {
        let messages = [
            Message::Console {
                at: 10,
                bytes: vec![1, 2],
            },
            Message::Note {
                at: 1,
                text: "a".into(),
            },
            Message::Violation {
                at: 2,
                text: "b".into(),
            },
            Message::Frame {
                port: 1,
                at: 3,
                bytes: vec![0; 1514],
            },
            Message::Sleep {
                now: 4,
                until: u64::MAX,
            },
            Message::Wake { at: 5, horizon: 6 },
            Message::Faults(true),
            Message::Crash,
            Message::Ask,
            Message::State {
                bytes: 6,
                buffers: 7,
            },
            Message::Image {
                disk: 1,
                sectors: vec![1; 520],
            },
            Message::End {
                at: 8,
                status: Some(255),
            },
            Message::End {
                at: 9,
                status: None,
            },
            Message::Begin("seed=1".into()),
        ];
        let mut bytes = Vec::new();
        messages
            .iter()
            .for_each(|message| message.encode(&mut bytes));
        let mut rest = &bytes[..];
        for message in messages {
            assert_eq!(Message::read(&mut rest).expect("a message"), message);
        }
        assert!(Message::read(&mut rest).is_err());
        assert!(Message::read(&mut &[13; HEAD][..]).is_err());
    }
}
