//! The check that no other machine uses an offered address.
//!
//! The check uses ARP (RFC 2131, 2.2 and 4.4.1; RFC 5227). The waits of RFC 5227,
//! 2.1.1 would delay its use by four to seven seconds. A server has normally checked the address
//! itself (RFC 2131, 3.1), and a machine that uses it answers within milliseconds. So the first probe
//! is sent together with the request, and the address is used as soon as the server acknowledges it,
//! unless another machine answered before. Two more probes follow. If a machine uses the address in
//! the next ten seconds, the client declines it after all and pauses (RFC 2131, 3.1.5); later
//! claims are handled by the defence of RFC 5227, 2.4. IPv6 uses addresses in the same optimistic
//! way (RFC 4429). A probe by another machine is no conflict, unlike in RFC 5227, 2.1.1: switches
//! send such probes to track which machines are connected.

use core::net::Ipv4Addr;

use super::{Client, News, Reason, SECOND, State};
use crate::time::NEVER;

/// The number of ARP probes for an offered address (RFC 5227, 1.1: `PROBE_NUM`).
const PROBES: u8 = 3;

/// The time between two probes, in nanoseconds. The address is in use meanwhile, so it is shorter
/// than in RFC 5227.
const PROBE_PAUSE: u64 = SECOND / 4;

/// How long after the first probe the use of the address by another machine makes the client
/// decline it, in nanoseconds.
const CHECK: u64 = 10 * SECOND;

/// The number of doublings of [`PAUSE`](super::PAUSE) after an address was declined: at least ten seconds (RFC
/// 2131, 3.1.5).
pub(super) const DECLINED: u32 = 2;
/// The shortest pause after an address was declined, in nanoseconds (RFC 2131, 3.1.5).
pub(super) const PAUSE_AFTER_DECLINE: u64 = 10_000_000_000;

impl Client {
    /// Begins the check of the address of the lease.
    pub(super) fn begin_check(&mut self, now: u64) {
        self.probes = PROBES;
        self.probe_due = now;
        self.checked_until = now + CHECK;
    }

    /// Returns the probe that is due.
    pub(super) fn next_probe(&mut self, now: u64) -> News {
        self.probes -= 1;
        self.probe_due = match self.probes {
            0 => NEVER,
            _ => now + PROBE_PAUSE,
        };
        News::Probe(self.lease.address)
    }

    /// Handles an ARP message in which another machine uses `address`. Returns whether it ends the
    /// use of the address here.
    #[inline(never)]
    pub(in crate::net) fn conflict(&mut self, address: Ipv4Addr, now: u64) -> bool {
        if now >= self.checked_until || address != self.lease.address {
            return false;
        }
        self.reason = Reason {
            text: "another machine uses the offered address",
            address,
        };
        self.tell(self.reason);
        self.declined = true;
        self.failures = self.failures.max(DECLINED);
        self.state = State::Declining;
        self.due = now;
        // Any address in use is given up.
        self.keep_until = now;
        self.end_check();
        true
    }

    #[inline(never)]
    pub(super) fn end_check(&mut self) {
        self.probe_due = NEVER;
        self.checked_until = 0;
    }
}
