//! Builds and parses TCP segments (RFC 9293) for a measurement that controls each segment it sends,
//! on a link that loses nothing.

use super::packet::{self, Ipv4, Mac};

const PROTOCOL_TCP: u8 = 6;

/// The control bits of a segment.
pub mod flag {
    /// The sender sends no more data.
    pub const FIN: u8 = 0x01;
    /// Opens a connection.
    pub const SYN: u8 = 0x02;
    /// Resets the connection.
    pub const RST: u8 = 0x04;
    /// The receiver should deliver the data immediately.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement number is valid.
    pub const ACK: u8 = 0x10;
}

/// A TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// The source port.
    pub source: u16,
    /// The destination port.
    pub destination: u16,
    /// The sequence number of the first byte.
    pub sequence: u32,
    /// The acknowledgement number: the next byte that the sender expects.
    pub acknowledged: u32,
    /// The control bits; see [`flag`].
    pub flags: u8,
    /// The receive window of the sender, in units of its window scale.
    pub window: u16,
    /// The options; a multiple of 4 bytes long.
    pub options: &'a [u8],
    /// The payload.
    pub payload: &'a [u8],
}

/// Returns the one's complement sum of a payload.
#[must_use]
pub fn sum_of(payload: &[u8]) -> u16 {
    packet::add(0, payload)
}

impl<'a> Segment<'a> {
    /// Returns the frame that carries the segment to the machine.
    #[must_use]
    pub fn frame(&self, to: Mac) -> Vec<u8> {
        self.frame_summed(to, sum_of(self.payload))
    }

    /// Does the same with a precomputed [`sum_of`] the payload. Summing is most of the work, and
    /// measurements send the same data repeatedly.
    #[must_use]
    pub fn frame_summed(&self, to: Mac, sum_of_payload: u16) -> Vec<u8> {
        let header = 20 + self.options.len();
        // The header length is a multiple of 4 bytes, and at most 60.
        let offset = u8::try_from(header / 4).unwrap_or(5) << 4;
        let mut message = Vec::with_capacity(header + self.payload.len());
        message.extend(self.source.to_be_bytes());
        message.extend(self.destination.to_be_bytes());
        message.extend(self.sequence.to_be_bytes());
        message.extend(self.acknowledged.to_be_bytes());
        message.extend([offset, self.flags]);
        message.extend(self.window.to_be_bytes());
        message.extend([0; 4]);
        message.extend(self.options);
        let length = u16::try_from(header + self.payload.len()).unwrap_or(u16::MAX);
        let sum = packet::add(packet::sum_of_addresses(PROTOCOL_TCP, length), &message);
        let sum = !packet::add(sum, &sum_of_payload.to_be_bytes());
        message[16..18].copy_from_slice(&sum.to_be_bytes());
        message.extend(self.payload);
        packet::ipv4(to, Ipv4::default(), PROTOCOL_TCP, &message)
    }

    /// Parses the segment in a frame from the machine, if its headers are valid. The checksum is
    /// verified only if `sum` is set, because that is slow for large segments.
    #[must_use]
    pub fn of(frame: &'a [u8], sum: bool) -> Option<Self> {
        let message = packet::ipv4_packet(frame, PROTOCOL_TCP)?.get(20..)?;
        let header = message.get(..20)?;
        let length = usize::from(header[12] >> 4) * 4;
        let options = message.get(20..length)?;
        if sum && packet::sum_to_machine(PROTOCOL_TCP, message) != 0 {
            return None;
        }
        let short = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let long = |at: usize| u32::from(short(at)) << 16 | u32::from(short(at + 2));
        Some(Self {
            source: short(0),
            destination: short(2),
            sequence: long(4),
            acknowledged: long(8),
            flags: header[13],
            window: short(14),
            options,
            payload: message.get(length..)?,
        })
    }

    /// Returns the value of an option.
    #[must_use]
    pub fn option(&self, kind: u8) -> Option<&'a [u8]> {
        const END: u8 = 0;
        const NOTHING: u8 = 1;
        let mut rest = self.options;
        loop {
            match *rest {
                [] | [END, ..] => return None,
                [NOTHING, ref more @ ..] => rest = more,
                [found, length, ..] => {
                    let value = rest.get(2..usize::from(length))?;
                    if found == kind {
                        return Some(value);
                    }
                    rest = rest.get(usize::from(length)..)?;
                }
                [_] => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::packet::{BROADCAST, ITS_ADDRESS, OUR_ADDRESS};
    use super::*;

    fn segment() -> Segment<'static> {
        Segment {
            source: 40_000,
            destination: 7,
            sequence: 0x0102_0304,
            acknowledged: 0xfffe_fdfc,
            flags: flag::PSH | flag::ACK,
            window: 0x1234,
            options: &[1, 1, 3, 3, 7, 2, 4, 5],
            payload: b"odd",
        }
    }

    /// Returns the frame as if the machine had sent it.
    fn from_machine(segment: &Segment<'_>) -> Vec<u8> {
        let mut frame = segment.frame(BROADCAST);
        // Swapping the addresses does not change the checksums.
        frame[26..30].copy_from_slice(&ITS_ADDRESS.octets());
        frame[30..34].copy_from_slice(&OUR_ADDRESS.octets());
        frame
    }

    #[test]
    fn a_segment_is_read_as_it_was_written() {
        let written = Segment {
            options: &[1, 1, 1, 0],
            ..segment()
        };
        let frame = from_machine(&written);
        assert_eq!(Segment::of(&frame, true), Some(written));
    }

    #[test]
    fn a_wrong_checksum_is_detected_only_on_request() {
        let mut frame = from_machine(&segment());
        frame[14 + 20 + 28] ^= 1;
        assert_eq!(Segment::of(&frame, true), None);
        assert!(Segment::of(&frame, false).is_some());
    }

    #[test]
    fn a_segment_from_another_address_has_right_checksums() {
        let address = [192, 0, 2, 77];
        let mut frame = segment().frame(BROADCAST);
        packet::spoof(&mut frame, address.into());
        assert_eq!(frame[26..30], address);
        let message = &frame[34..];
        let pseudo = [&address[..], &ITS_ADDRESS.octets(), &[0, 6, 0, 31]].concat();
        assert_eq!(packet::add(0, &frame[14..34]), 0xffff);
        assert_eq!(packet::add(packet::add(0, &pseudo), message), 0xffff);
    }

    #[test]
    fn an_option_is_found_after_others_but_not_after_a_wrong_length() {
        let mut segment = segment();
        assert_eq!(segment.option(3), Some(&[7][..]));
        assert_eq!(segment.option(2), None);
        segment.options = &[5, 0, 3, 3];
        assert_eq!(segment.option(3), None);
    }

    #[test]
    fn a_truncated_segment_is_rejected() {
        let frame = from_machine(&segment());
        for length in 0..14 + 20 + 28 {
            assert_eq!(Segment::of(&frame[..length], false), None, "{length}");
        }
    }
}
