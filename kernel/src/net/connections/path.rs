//! Routers that do not pass on segments as long as ours (RFC 1191).

use core::net::Ipv4Addr;

use super::segment::ALL_HEADERS;
use super::sequence::Sequence;
use super::{ConnectionId, Connections, named};
use crate::net::packet::TCP;

/// Bytes in the headers of IPv4 and TCP.
const HEADERS: usize = ALL_HEADERS - 14;

/// The shortest packet that a router may ask for, in bytes: every link on which TCP is of use carries as
/// much, and who asks for less wants to slow us down (RFC 5927, 7; 552 as in Linux).
const SHORTEST: usize = 552;

/// What a packet is cut to where a router does not say how long it may be (RFC 1191, 5).
const UNSAID: usize = 576;

impl Connections {
    /// Takes what a router says of a packet of ours: the longest that it passes on, in two bytes, and how
    /// the packet began. What it quotes must be under way, since anybody can send such a message (RFC
    /// 5927, 4.1). What was lost is sent again in shorter segments.
    #[cold]
    pub(in crate::net) fn hear_too_long(&mut self, message: &[u8]) {
        let Some((limit, quoted)) = message.split_first_chunk::<2>() else {
            return;
        };
        let Some(
            &[
                0x45,
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                _,
                TCP,
                _,
                _,
                _,
                _,
                _,
                _,
                a,
                b,
                c,
                d,
            ],
        ) = quoted.first_chunk::<20>()
        else {
            return;
        };
        let Some(&[p, q, r, s, e, f, g, h]) = quoted.get(20..).and_then(<[u8]>::first_chunk) else {
            return;
        };
        let [port, remote] = [[p, q], [r, s]].map(u16::from_be_bytes);
        let sequence = Sequence(u32::from_be_bytes([e, f, g, h]));
        let name = named(port, Ipv4Addr::new(a, b, c, d), remote);
        let Some(index) = self.names.get(name) else {
            return;
        };
        let limit = match u16::from_be_bytes(*limit) {
            0 => UNSAID,
            limit => usize::from(limit).max(SHORTEST),
        };
        let longest = limit - HEADERS;
        let Some(Some(connection)) = self.slots.get_mut(index) else {
            return;
        };
        let sending = &mut connection.sending;
        let offset = sequence.0.wrapping_sub(sending.unacknowledged.0) as usize;
        let under_way = sending.most.ahead_of(sending.unacknowledged);
        if offset >= under_way || longest >= sending.longest {
            return;
        }
        sending.longest = longest;
        sending.lose_all();
        sending.recovers = true;
        sending.recover = sending.most;
        sending.resend = true;
        self.statistics.shortened += 1;
        self.touch(ConnectionId(index));
    }
}
