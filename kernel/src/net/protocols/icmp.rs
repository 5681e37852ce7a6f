//! ICMP (RFC 792): echo replies and error messages.

use vmos_drivers::dma::Frame;

use super::fragments;
use crate::net::packet::{
    HEADERS, ICMP, IP_HEADERS, answer_echo, finish_message, is_message_right, source, source_mac,
};
use crate::net::stack::{Inner, Stack};
use crate::net::statistics::count;

/// The types of ICMP messages.
const ECHO_REPLY: u8 = 0;
const UNREACHABLE: u8 = 3;
/// Codes of [`UNREACHABLE`].
pub(super) const PROTOCOL_UNREACHABLE: u8 = 2;
pub(super) const PORT_UNREACHABLE: u8 = 3;
const FRAGMENTATION_NEEDED: u8 = 4;

/// The number of bytes of the original packet that an error contains: its header and the 8 bytes
/// after it. RFC 792 requires no more, and more would make the answer longer than the packet.
const QUOTED: usize = 20 + 8;

/// The largest number of errors sent within [`PERIOD`] (RFC 1812, 4.3.2.8).
const ERRORS: u32 = 100;
/// The period of the rate limit, in nanoseconds.
const PERIOD: u64 = 1_000_000_000;

/// Limits the rate of errors.
#[derive(Default)]
pub(super) struct Errors {
    /// When the current period started, in nanoseconds.
    since: u64,
    sent: u32,
}

impl Errors {
    /// Returns whether one more error may be sent, and counts it.
    pub(super) fn may_send(&mut self, now: u64) -> bool {
        if now.saturating_sub(self.since) >= PERIOD {
            *self = Self {
                since: now,
                sent: 0,
            };
        }
        self.sent += 1;
        self.sent <= ERRORS
    }
}

impl Stack {
    /// Handles a message from one machine to this one. Returns the frame if it is no longer needed.
    pub(super) fn take_message(
        &self,
        inner: &mut Inner,
        mut frame: Frame,
        now: u64,
    ) -> Option<Frame> {
        if frame.len() < HEADERS || !is_message_right(&frame) {
            return Some(frame);
        }
        let [kind, code, _, _, high, low, ..] = frame.headers()[6].to_le_bytes();
        if kind == ECHO_REPLY {
            let identifier = u16::from_be_bytes([high, low]);
            self.hear_reply(*source(&frame).ip(), identifier, now);
        } else if (kind, code) == (UNREACHABLE, FRAGMENTATION_NEEDED) {
            let quoted = frame.bytes().get(HEADERS - 2..).unwrap_or_default();
            inner.connections.hear_too_long(quoted, now);
        } else if let Some(own) = self.outgoing.own()
            && answer_echo(&mut frame, &own)
        {
            self.answer_long(frame);
            return None;
        }
        Some(frame)
    }

    /// Sends an answer, in fragments if it is longer than a frame.
    fn answer_long(&self, mut frame: Frame) {
        if frame.len() <= self.outgoing.longest_frame() {
            self.outgoing.allow_fragments(&mut frame);
            return self.answer(frame);
        }
        let identification = self.outgoing.identify();
        let longest = self.outgoing.longest_frame();
        match fragments::cut(&frame, longest, identification, &self.frames) {
            Ok(pieces) => {
                while let Some(piece) = pieces.pop() {
                    self.answer(piece);
                }
            }
            Err(_) => count(&self.counters.out_of_memory),
        }
        self.frames.give(frame);
    }

    /// Reports to the sender that its packet cannot be delivered here. The packet must come from
    /// one machine, go to this one, and not be an error itself (RFC 1122, 3.2.2).
    pub(super) fn refuse(&self, inner: &mut Inner, packet: &Frame, code: u8, now: u64) {
        if !inner.protocols.errors.may_send(now) {
            return count(&self.counters.icmp_errors_suppressed);
        }
        let (Some(own), Ok(mut error)) =
            (self.outgoing.own(), self.frames.take_for(HEADERS + QUOTED))
        else {
            return count(&self.counters.out_of_memory);
        };
        let behind = packet.bytes().get(14..).unwrap_or_default();
        let quoted = behind.get(..QUOTED).unwrap_or(behind);
        error.set_len(HEADERS + quoted.len());
        error.set_changed(false);
        own.address(
            &mut error,
            source_mac(packet),
            packet.headers()[5] as u32,
            ICMP,
        );
        let message = error.bytes_mut().get_mut(IP_HEADERS..).unwrap_or_default();
        message.fill(0);
        if let Some((head, place)) = message.split_first_chunk_mut::<8>() {
            head[..2].copy_from_slice(&[UNREACHABLE, code]);
            place.copy_from_slice(quoted);
        }
        finish_message(&mut error);
        self.answer(error);
    }
}
