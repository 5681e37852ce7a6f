//! The hardware addresses of other machines on the link: the neighbour cache (RFC 4861, 7.2, 7.3).
//!
//! The table is bounded. A machine that only asked for this one's address replaces no machine that
//! this one sends to; a machine that is being looked for replaces no machine that is known to
//! respond; a default router is never replaced (RFC 6583, 7.1). At most [`SOUGHT`] machines are
//! looked for at a time.

use core::net::Ipv6Addr;

use crate::net::neighbours::Way;
use crate::net::packet::Mac;
use crate::time::NEVER;

/// The number of machines.
const PLACES: usize = 32;
/// The largest number of machines whose hardware addresses are being looked for.
const SOUGHT: usize = 8;
/// The number of unanswered solicitations after which a machine counts as absent (RFC 4861, 10:
/// `MAX_MULTICAST_SOLICIT` and `MAX_UNICAST_SOLICIT`).
const QUESTIONS: u8 = 3;
/// The time before a hardware address in use is verified, in nanoseconds (`DELAY_FIRST_PROBE_TIME`).
const DELAY: u64 = 5_000_000_000;
/// The default times (`REACHABLE_TIME` and `RETRANS_TIMER`), in nanoseconds.
pub(super) const REACHABLE: u64 = 30_000_000_000;
pub(super) const RETRANSMIT: u64 = 1_000_000_000;

/// The states of RFC 4861, 7.3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Incomplete,
    /// The machine responded recently, until this time in nanoseconds.
    Reachable(u64),
    Stale,
    Delay,
    Probe,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    address: Ipv6Addr,
    mac: Mac,
    state: State,
    /// The number of solicitations since the last answer.
    asked: u8,
    /// When the next action is due, in nanoseconds; [`NEVER`] if none is.
    next: u64,
    /// Whether this machine sends to the neighbour.
    wanted: bool,
    /// Whether the neighbour is a default router.
    router: bool,
    /// When the entry was last used, in nanoseconds.
    used: u64,
}

/// What is due for a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Ask for its hardware address: all that could have it, or the machine itself.
    Ask(Ipv6Addr, Option<Mac>),
    /// Drop the packets that wait for it: it did not answer.
    GiveUp(Ipv6Addr),
}

/// An advertisement of a neighbour (RFC 4861, 4.4).
#[derive(Clone, Copy, Debug)]
pub(super) struct Advertised {
    pub(super) mac: Option<Mac>,
    pub(super) solicited: bool,
    pub(super) overrides: bool,
}

/// The table.
pub(super) struct Cache {
    entries: [Option<Entry>; PLACES],
    /// How long a machine that responded counts as reachable, in nanoseconds.
    pub(super) reachable: u64,
    /// The time between two solicitations, in nanoseconds.
    pub(super) retransmit: u64,
}

impl Cache {
    pub(super) fn new() -> Self {
        Self {
            entries: [None; PLACES],
            reachable: REACHABLE,
            retransmit: RETRANSMIT,
        }
    }

    fn get(&mut self, address: Ipv6Addr) -> Option<&mut Entry> {
        let mut known = self.entries.iter_mut().flatten();
        known.find(|entry| entry.address == address)
    }

    /// Returns the hardware address of a neighbour. Looks for it if it is unknown.
    pub(super) fn find(&mut self, address: Ipv6Addr, now: u64) -> Way {
        if self.get(address).is_none() {
            let sought = self.entries.iter().flatten();
            let sought = sought.filter(|entry| entry.state == State::Incomplete);
            if sought.count() >= SOUGHT || !self.add(address, State::Incomplete, now) {
                return Way::TooMany;
            }
        }
        let Some(entry) = self.get(address) else {
            return Way::TooMany;
        };
        entry.wanted = true;
        entry.used = now;
        match entry.state {
            State::Incomplete => return Way::Asked,
            State::Stale => {
                entry.state = State::Delay;
                entry.next = now.saturating_add(DELAY);
            }
            State::Reachable(until) if until <= now => {
                entry.state = State::Delay;
                entry.next = now.saturating_add(DELAY);
            }
            _ => {}
        }
        Way::To(entry.mac)
    }

    /// Adds a machine. Returns false if there is no place for it.
    fn add(&mut self, address: Ipv6Addr, state: State, now: u64) -> bool {
        let wanted = state == State::Incomplete;
        let is_evictable = |entry: &Option<Entry>| {
            entry.is_none_or(|entry| {
                let idle = match entry.state {
                    State::Stale => true,
                    State::Reachable(until) => until <= now,
                    _ => false,
                };
                idle && !entry.router && (wanted || !entry.wanted)
            })
        };
        let places = (0..PLACES).filter(|place| is_evictable(&self.entries[*place]));
        let order = |place: &usize| self.entries[*place].map(|entry| (entry.wanted, entry.used));
        let Some(place) = places.min_by_key(order) else {
            return false;
        };
        self.entries[place] = Some(Entry {
            address,
            mac: Mac::NONE,
            state,
            asked: 0,
            next: if wanted { now } else { NEVER },
            wanted,
            router: false,
            used: now,
        });
        true
    }

    /// Records the hardware address in a solicitation or a router's advertisement (RFC 4861, 7.2.3).
    /// Returns it if packets may wait for it.
    pub(super) fn hear(&mut self, address: Ipv6Addr, mac: Mac, now: u64) -> Option<Mac> {
        if self.get(address).is_none() && !self.add(address, State::Stale, now) {
            return None;
        }
        let entry = self.get(address)?;
        let sought = entry.state == State::Incomplete;
        if entry.mac != mac {
            entry.mac = mac;
            entry.state = State::Stale;
            entry.asked = 0;
            entry.next = NEVER;
        }
        sought.then_some(mac)
    }

    /// Records an advertisement of a neighbour, if it is known (RFC 4861, 7.2.5). Returns the
    /// hardware address if it is new.
    pub(super) fn advertised(
        &mut self,
        address: Ipv6Addr,
        heard: Advertised,
        now: u64,
    ) -> Option<Mac> {
        let reachable = now.saturating_add(self.reachable);
        let entry = self.get(address)?;
        let was = entry.mac;
        if entry.state == State::Incomplete {
            entry.mac = heard.mac?;
            entry.state = if heard.solicited {
                State::Reachable(reachable)
            } else {
                State::Stale
            };
        } else {
            let other = heard.mac.filter(|mac| *mac != was);
            match other {
                Some(_) if !heard.overrides => {
                    if let State::Reachable(_) = entry.state {
                        entry.state = State::Stale;
                    }
                    return None;
                }
                Some(mac) => {
                    entry.mac = mac;
                    entry.state = State::Stale;
                }
                None => {}
            }
            if heard.solicited {
                entry.state = State::Reachable(reachable);
            } else if other.is_none() {
                return None;
            }
        }
        entry.asked = 0;
        entry.next = NEVER;
        (entry.mac != was).then_some(entry.mac)
    }

    /// Verifies the hardware address of a machine that does not answer.
    pub(super) fn doubt(&mut self, address: Ipv6Addr, now: u64) {
        if let Some(entry) = self.get(address)
            && entry.next == NEVER
        {
            entry.state = State::Probe;
            entry.next = now;
        }
    }

    /// Records which machines are default routers.
    pub(super) fn set_routers(&mut self, is_router: impl Fn(Ipv6Addr) -> bool) {
        for entry in self.entries.iter_mut().flatten() {
            entry.router = is_router(entry.address);
        }
    }

    /// Returns whether the hardware address of a machine is being looked for.
    pub(super) fn is_sought(&mut self, address: Ipv6Addr) -> bool {
        let entry = self.get(address);
        entry.is_some_and(|entry| entry.state == State::Incomplete)
    }

    /// Returns when [`take_due`](Self::take_due) has an action, in nanoseconds.
    pub(super) fn due(&self) -> u64 {
        let all = self.entries.iter().flatten();
        all.map(|entry| entry.next).min().unwrap_or(NEVER)
    }

    /// Returns one action that is due.
    pub(super) fn take_due(&mut self, now: u64) -> Option<Due> {
        let pause = self.retransmit;
        let place = self
            .entries
            .iter_mut()
            .find(|entry| entry.is_some_and(|entry| entry.next <= now))?;
        let entry = place.as_mut()?;
        if entry.asked == QUESTIONS {
            let address = entry.address;
            *place = None;
            return Some(Due::GiveUp(address));
        }
        if entry.state == State::Delay {
            entry.state = State::Probe;
        }
        entry.asked += 1;
        entry.next = now.saturating_add(pause);
        let known = (entry.state == State::Probe).then_some(entry.mac);
        Some(Due::Ask(entry.address, known))
    }

    /// Forgets all machines.
    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const MAC: Mac = Mac::new([2, 0, 0, 0, 0, 7]);

    fn at(last: u16) -> Ipv6Addr {
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last)
    }

    fn answer(solicited: bool, overrides: bool) -> Advertised {
        Advertised {
            mac: Some(MAC),
            solicited,
            overrides,
        }
    }

    #[test]
    fn an_address_is_asked_for_used_and_verified() {
        let mut cache = Cache::new();
        assert_eq!(cache.find(at(1), 0), Way::Asked);
        assert_eq!(cache.take_due(0), Some(Due::Ask(at(1), None)));
        assert_eq!((cache.take_due(0), cache.due()), (None, SECOND));
        assert_eq!(cache.advertised(at(1), answer(true, true), 1), Some(MAC));
        assert_eq!((cache.find(at(1), 2), cache.due()), (Way::To(MAC), NEVER));
        // After half a minute it is used and, five seconds later, verified.
        let later = 40 * SECOND;
        assert_eq!(cache.find(at(1), later), Way::To(MAC));
        assert_eq!(cache.due(), later + DELAY);
        for attempt in 0..3 {
            let now = later + DELAY + attempt * SECOND;
            assert_eq!(cache.take_due(now), Some(Due::Ask(at(1), Some(MAC))));
        }
        let end = later + DELAY + 3 * SECOND;
        assert_eq!(cache.take_due(end), Some(Due::GiveUp(at(1))));
        assert_eq!(cache.due(), NEVER);
    }

    #[test]
    fn an_unsolicited_advertisement_changes_only_what_it_may() {
        let mut cache = Cache::new();
        let other = Mac::new([2, 0, 0, 0, 0, 8]);
        assert_eq!(cache.advertised(at(1), answer(true, true), 0), None);
        assert_eq!(cache.hear(at(1), other, 0), None);
        assert_eq!(cache.advertised(at(1), answer(false, false), 0), None);
        assert_eq!(cache.find(at(1), 0), Way::To(other));
        assert_eq!(cache.advertised(at(1), answer(false, true), 0), Some(MAC));
        assert_eq!(cache.find(at(1), 0), Way::To(MAC));
    }

    #[test]
    fn strangers_replace_neither_routers_nor_machines_in_use() {
        let mut cache = Cache::new();
        cache.hear(at(1), MAC, 0);
        cache.set_routers(|address| address == at(1));
        for last in 2..10 {
            cache.find(at(last), 0);
            cache.advertised(at(last), answer(true, true), 0);
        }
        for last in 100..1000 {
            cache.hear(at(last), Mac::new([4, 0, 0, 0, 0, 7]), SECOND);
            cache.find(at(last + 1000), SECOND);
        }
        for last in 1..10 {
            assert_eq!(cache.find(at(last), 2 * SECOND), Way::To(MAC), "{last}");
        }
        let sought = cache.entries.iter().flatten();
        let sought = sought.filter(|entry| entry.state == State::Incomplete);
        assert_eq!(sought.count(), SOUGHT);
        // What nobody answers for makes room again.
        for second in 2..10 {
            while cache.take_due(second * SECOND).is_some() {}
        }
        assert_eq!(cache.find(at(5000), 30 * SECOND), Way::Asked);
    }
}
