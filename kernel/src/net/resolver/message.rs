//! Questions and answers of the Domain Name System (RFC 1035, 4).

use core::net::Ipv4Addr;

/// The longest message over UDP (RFC 1035, 4.2.1).
pub(in crate::net) const MESSAGE: usize = 512;

/// The number of bytes in the header.
const HEADER: usize = 12;
/// The longest label and the longest name in text form, in bytes.
const LABEL: usize = 63;
const NAME: usize = 253;
/// Flag: recursion is desired.
const ASKS: u16 = 0x0100;
/// Flag: the message is an answer.
const IS_ANSWER: u16 = 0x8000;
/// The mask of the operation, 0 for a query.
const OPERATION: u16 = 0x7800;
/// The answer is truncated.
const TRUNCATED: u16 = 0x0200;
/// The mask of the response code.
const CODE: u16 = 0x000f;
/// The response code for a name that does not exist.
const NO_SUCH_NAME: u16 = 3;
/// The record type of an alias, and the class: the Internet.
const ALIAS: u16 = 5;
const INTERNET: u16 = 1;
/// The largest number of aliases to follow.
const ALIASES: usize = 16;

/// The largest number of addresses of an answer; further ones are ignored.
pub(in crate::net) const ADDRESSES: usize = 8;

/// Addresses of one version.
pub(in crate::net) trait Version: Copy {
    /// The type of the records that contain such an address.
    const RECORD: u16;

    /// Returns the address in the data of a record; `None` if the data have another length.
    fn read(data: &[u8]) -> Option<Self>;
}

impl Version for Ipv4Addr {
    /// `A` (RFC 1035, 3.4.1).
    const RECORD: u16 = 1;

    fn read(data: &[u8]) -> Option<Self> {
        data.as_array().copied().map(Self::from_octets)
    }
}

#[cfg(feature = "ipv6")]
impl Version for core::net::Ipv6Addr {
    /// `AAAA` (RFC 3596, 2.1).
    const RECORD: u16 = 28;

    fn read(data: &[u8]) -> Option<Self> {
        data.as_array().copied().map(Self::from_octets)
    }
}

/// The addresses of an answer, in its order; at least one.
pub(in crate::net) type Found<V> = [Option<V>; ADDRESSES];

/// A server's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Answer<V> {
    Found(Found<V>),
    /// The name does not exist or has no address.
    Unknown,
    /// The server reported a failure.
    Failure,
}

/// Writes the question for the addresses of a name; returns `None` if the name is not valid.
pub(in crate::net) fn question<'a, V: Version>(
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
    put(&V::RECORD.to_be_bytes());
    put(&INTERNET.to_be_bytes());
    let header = [id, ASKS, 1, 0, 0, 0];
    for (field, value) in room.chunks_exact_mut(2).zip(header) {
        field.copy_from_slice(&value.to_be_bytes());
    }
    room.get(..at)
}

/// Returns the message's answer to the question; `None` if it does not answer it.
pub(in crate::net) fn answer<V: Version>(message: &[u8], question: &[u8]) -> Option<Answer<V>> {
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
    // Records may be in any order, so all of them are searched for each name.
    let first = rest.at;
    let mut wanted = name;
    for _ in 0..ALIASES {
        let mut alias = None;
        let (mut found, mut count) = ([None; ADDRESSES], 0);
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
            if kind == ALIAS {
                alias = Some(data);
            } else if kind == V::RECORD
                && let Some(place) = found.get_mut(count)
            {
                *place = Some(V::read(bytes)?);
                count += 1;
            }
        }
        if count > 0 {
            return Some(Answer::Found(found));
        }
        match alias {
            Some(alias) => wanted = alias,
            None => break,
        }
    }
    // What a shortened answer lacks may be elsewhere (RFC 2181, 9).
    Some(if flags & TRUNCATED == 0 {
        Answer::Unknown
    } else {
        Answer::Failure
    })
}

/// The part of a message that has not been read.
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

    /// Skips a name, up to its end or to a reference to another place.
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

/// Returns whether the names at two places are the same.
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

/// Iterates over the labels of a name, which may refer to other places (RFC 1035, 4.1.4). The last
/// label is empty.
struct Labels<'a> {
    message: &'a [u8],
    at: usize,
    /// The number of steps left, since a name that refers to itself would never end.
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
