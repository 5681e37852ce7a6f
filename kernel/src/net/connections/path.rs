//! Path MTU discovery: routers that do not forward segments of this length (RFC 1191).

use core::net::Ipv4Addr;

use super::connection::Connection;
use super::segment::ALL_HEADERS;
use super::sequence::Sequence;
use super::{ConnectionId, Connections, named};
use crate::net::packet::TCP;
use crate::time::NEVER;

/// The length of the IPv4 and TCP headers in bytes.
const HEADERS: usize = ALL_HEADERS - 14;

/// The smallest accepted MTU, in bytes: every link that is usable for TCP has it, so a smaller one
/// is an attack that slows the connection down (RFC 5927, 7; 552 as in Linux).
const SHORTEST: usize = 552;

/// How long a router's MTU is used before longer segments are tried again, in nanoseconds (RFC 1191,
/// 6.3; RFC 8201, 4).
const LIFETIME: u64 = 600_000_000_000;

/// The MTUs to try if a router does not report its own (RFC 1191, 5).
const UNSAID: usize = 576;

impl Connections {
    /// Handles a router's message about a packet of this machine: the router's MTU, in two bytes,
    /// and the start of the packet. The packet must be in flight, since anybody can send such a
    /// message (RFC 5927, 4.1). The lost data is sent again in shorter segments. After ten minutes,
    /// longer ones are tried again, since the path may be another one.
    #[cold]
    pub(in crate::net) fn hear_too_long(&mut self, message: &[u8], now: u64) {
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
        // The first message of several tells what the peer accepts.
        if connection.timers.lengthen == NEVER {
            sending.accepted = sending.longest as u16;
        }
        connection.timers.lengthen = now.saturating_add(LIFETIME);
        sending.longest = longest;
        sending.lose_all();
        sending.recovers = true;
        sending.recover = sending.most;
        sending.resend = true;
        self.statistics.shortened += 1;
        self.touch(ConnectionId(index));
    }
}

impl Connection {
    /// Sends segments as long as the peer accepts again.
    pub(super) fn lengthen(&mut self) {
        self.timers.lengthen = NEVER;
        self.sending.longest = self.sending.accepted.into();
    }
}
