//! Lists of addresses each of which lasts until a time, in nanoseconds: routers and name servers.

use core::net::Ipv6Addr;

use crate::time::NEVER;

const SECOND: u64 = 1_000_000_000;
/// The lifetime in seconds that stands for no end.
const ENDLESS: u32 = u32::MAX;

/// The time at which a lifetime in seconds ends, in nanoseconds.
pub(super) fn ends(now: u64, lifetime: u32) -> u64 {
    match lifetime {
        ENDLESS => NEVER,
        lifetime => now.saturating_add(u64::from(lifetime) * SECOND),
    }
}

/// Returns the address of an entry.
pub(super) fn first(one: Option<(Ipv6Addr, u64)>) -> Option<Ipv6Addr> {
    one.map(|(address, _)| address)
}

/// Sets until when a router or name server counts; a time that has passed removes it. A further one
/// is ignored if there is no place.
pub(super) fn renew<const N: usize>(
    all: &mut [Option<(Ipv6Addr, u64)>; N],
    address: Ipv6Addr,
    until: u64,
    now: u64,
) {
    let known = all.iter().position(|one| first(*one) == Some(address));
    let place = known.or_else(|| all.iter().position(Option::is_none));
    if let Some(place) = place {
        all[place] = (until > now).then_some((address, until));
        close(all);
    }
}

/// Removes what has expired. Returns whether there was something.
pub(super) fn expire<const N: usize>(all: &mut [Option<(Ipv6Addr, u64)>; N], now: u64) -> bool {
    let mut expired = false;
    for place in &mut *all {
        expired |= place.take_if(|(_, until)| *until <= now).is_some();
    }
    close(all);
    expired
}

/// Moves the entries up so that free ones are last.
fn close<const N: usize>(all: &mut [Option<(Ipv6Addr, u64)>; N]) {
    all.sort_by_key(Option::is_none);
}
