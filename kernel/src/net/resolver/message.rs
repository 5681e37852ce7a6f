//! Questions and answers as they are on the wire (RFC 1035, 4).

use core::net::Ipv4Addr;

/// The longest message over UDP (RFC 1035, 4.2.1).
pub(in crate::net) const MESSAGE: usize = 512;

/// Bytes of the header.
const HEADER: usize = 12;
/// The longest part of a name, and the longest name as it is written.
const LABEL: usize = 63;
const NAME: usize = 253;
/// Recursion is desired.
const ASKS: u16 = 0x0100;
/// It is an answer.
const IS_ANSWER: u16 = 0x8000;
/// The operation, 0 for a question.
const OPERATION: u16 = 0x7800;
/// What came of it.
const CODE: u16 = 0x000f;
/// A name that does not exist.
const NO_SUCH_NAME: u16 = 3;
/// An IPv4 address, another name for the same, and the Internet.
const ADDRESS: u16 = 1;
const ALIAS: u16 = 5;
const INTERNET: u16 = 1;
/// How many names in a row may stand for one another.
const ALIASES: usize = 16;

/// What a server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Answer {
    Address(Ipv4Addr),
    /// There is no such name, or it has no address.
    Unknown,
    /// The server cannot say.
    Failure,
}

/// Writes the question for the address by a name; none where it is no name.
pub(in crate::net) fn question<'a>(
    room: &'a mut [u8; MESSAGE],
    id: u16,
    name: &str,
) -> Option<&'a [u8]> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.len() > NAME {
        return None;
    }
    let mut at = HEADER;
    let mut put = |bytes: &[u8]| {
        room[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    for label in name.split('.') {
        if label.is_empty() || label.len() > LABEL {
            return None;
        }
        put(&[label.len() as u8]);
        put(label.as_bytes());
    }
    put(&[0]);
    put(&ADDRESS.to_be_bytes());
    put(&INTERNET.to_be_bytes());
    let header = [id, ASKS, 1, 0, 0, 0];
    for (field, value) in room.chunks_exact_mut(2).zip(header) {
        field.copy_from_slice(&value.to_be_bytes());
    }
    room.get(..at)
}

/// What a message says to a question; none where it is no answer to that.
pub(in crate::net) fn answer(message: &[u8], question: &[u8]) -> Option<Answer> {
    let mut rest = Reader { message, at: 0 };
    let (id, flags) = (rest.number()?, rest.number()?);
    let (questions, answers) = (rest.number()?, rest.number()?);
    let asked = question.get(..2)? == id.to_be_bytes();
    if !asked || flags & (IS_ANSWER | OPERATION) != IS_ANSWER || questions != 1 {
        return None;
    }
    rest.at = HEADER;
    let name = HEADER;
    let again = message.get(HEADER..question.len())?;
    if !again.eq_ignore_ascii_case(question.get(HEADER..)?) {
        return None;
    }
    rest.at = question.len();
    match flags & CODE {
        0 => {}
        NO_SUCH_NAME => return Some(Answer::Unknown),
        _ => return Some(Answer::Failure),
    }
    // Records may be in any order, so for each name all of them are looked at.
    let first = rest.at;
    let mut wanted = name;
    for _ in 0..ALIASES {
        let mut alias = None;
        rest.at = first;
        for _ in 0..answers {
            let owner = rest.at;
            rest.skip_name()?;
            let (kind, class) = (rest.number()?, rest.number()?);
            rest.take(4)?;
            let length = rest.number()?;
            let data = rest.at;
            let bytes = rest.take(usize::from(length))?;
            if class != INTERNET || !same_name(message, owner, wanted)? {
                continue;
            }
            match kind {
                ADDRESS => return Some(Answer::Address(Ipv4Addr::from(*bytes.first_chunk()?))),
                ALIAS => alias = Some(data),
                _ => {}
            }
        }
        match alias {
            Some(alias) => wanted = alias,
            None => break,
        }
    }
    Some(Answer::Unknown)
}

/// What is left to be read of a message.
struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let bytes = self.message.get(self.at..self.at + length)?;
        self.at += length;
        Some(bytes)
    }

    fn number(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(*self.take(2)?.first_chunk()?))
    }

    /// Goes behind a name: its parts as far as they stand here.
    fn skip_name(&mut self) -> Option<()> {
        loop {
            match *self.take(1)?.first()? {
                0 => return Some(()),
                length @ 1..=63 => {
                    self.take(usize::from(length))?;
                }
                0xc0.. => {
                    self.take(1)?;
                    return Some(());
                }
                _ => return None,
            }
        }
    }
}

/// Whether the names at two places are one.
fn same_name(message: &[u8], one: usize, other: usize) -> Option<bool> {
    let mut labels = (Labels::new(message, one), Labels::new(message, other));
    loop {
        match (labels.0.next()?, labels.1.next()?) {
            ([], []) => return Some(true),
            (one, other) if !one.eq_ignore_ascii_case(other) => return Some(false),
            _ => {}
        }
    }
}

/// The parts of a name, wherever they stand (RFC 1035, 4.1.4). The last is empty.
struct Labels<'a> {
    message: &'a [u8],
    at: usize,
    /// How many more steps a name can have: one that refers to itself has no end.
    left: usize,
}

impl<'a> Labels<'a> {
    fn new(message: &'a [u8], at: usize) -> Self {
        Self {
            message,
            at,
            left: NAME,
        }
    }

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            self.left = self.left.checked_sub(1)?;
            let length = *self.message.get(self.at)?;
            match length {
                0..=63 => {
                    let label = self
                        .message
                        .get(self.at + 1..)?
                        .get(..usize::from(length))?;
                    self.at += 1 + label.len();
                    return Some(label);
                }
                0xc0.. => {
                    let low = *self.message.get(self.at + 1)?;
                    self.at = usize::from(length & 0x3f) << 8 | usize::from(low);
                }
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests;
