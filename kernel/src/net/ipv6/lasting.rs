//! Lists of addresses each of which lasts until a time, in nanoseconds: routers and name servers.

use core::net::Ipv6Addr;

use crate::time::NEVER;

const SECOND: u64 = 1_000_000_000;
/// The lifetime in seconds that stands for no end.
const ENDLESS: u32 = u32::MAX;

/// A router or a name server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lasting {
    pub(super) address: Ipv6Addr,
    /// When the entry expires, in nanoseconds since boot.
    pub(super) until: u64,
    /// The router that advertised it; for a router, its own address.
    pub(super) from: Ipv6Addr,
}

impl Lasting {
    /// Returns an entry that was configured, and counts for ever.
    pub(super) const fn fixed(address: Ipv6Addr) -> Self {
        Self {
            address,
            until: NEVER,
            from: address,
        }
    }
}

/// The time at which a lifetime in seconds ends, in nanoseconds.
pub(super) fn ends(now: u64, lifetime: u32) -> u64 {
    match lifetime {
        ENDLESS => NEVER,
        lifetime => now.saturating_add(u64::from(lifetime) * SECOND),
    }
}

/// Returns the address of an entry.
pub(super) fn first(one: Option<Lasting>) -> Option<Ipv6Addr> {
    one.map(|one| one.address)
}

/// Sets until when a router or name server counts; a time that has passed removes it. If there is no
/// place, a new one replaces one whose router is stale, or is ignored.
pub(super) fn renew<const N: usize>(
    all: &mut [Option<Lasting>; N],
    new: Lasting,
    now: u64,
    is_stale: impl Fn(Ipv6Addr) -> bool,
) {
    let known = all.iter().position(|one| first(*one) == Some(new.address));
    let free = || all.iter().position(Option::is_none);
    let stale = || { all.iter() }.position(|one| one.is_some_and(|one| is_stale(one.from)));
    if let Some(place) = known.or_else(free).or_else(stale) {
        // A router that repeats what another known router has said does not take its place.
        let from = all[place].filter(|one| one.address == new.address && !is_stale(one.from));
        let from = from.map_or(new.from, |one| one.from);
        all[place] = (new.until > now).then_some(Lasting { from, ..new });
        close(all);
    }
}

/// Removes what has expired. Returns whether there was something.
pub(super) fn expire<const N: usize>(all: &mut [Option<Lasting>; N], now: u64) -> bool {
    let mut expired = false;
    for place in &mut *all {
        expired |= place.take_if(|one| one.until <= now).is_some();
    }
    close(all);
    expired
}

/// Moves the entries up so that free ones are last.
fn close<const N: usize>(all: &mut [Option<Lasting>; N]) {
    all.sort_by_key(Option::is_none);
}
