//! The hardware addresses of other machines on the link (RFC 826): one table for UDP, TCP, ping and
//! the DHCP client.
//!
//! An address is believed for 30 seconds after an ARP packet named it. One that is used after that is
//! asked for again while it is still used, and forgotten where nobody answers three questions.

use core::cell::{Cell, RefCell};
use core::net::Ipv4Addr;

use super::address::is_peer;
use super::configuration::Configuration;
use super::packet::Mac;
use crate::time::NEVER;

/// How long a hardware address is believed without news of it, in nanoseconds.
const LIFETIME: u64 = 30_000_000_000;
/// The time between two questions for one address, in nanoseconds (RFC 1122, 2.3.2.1).
const INTERVAL: u64 = 1_000_000_000;
/// How often an address is asked for before its machine counts as not there.
const QUESTIONS: u8 = 3;

/// The table has this many rows of as many places. An address can only be in one row, so that finding
/// one costs little and a stranger who names many fills no more than there is.
const ROWS: usize = 16;
const PLACES: usize = 4;

/// How a packet gets to its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// In a frame to this hardware address.
    To(Mac),
    /// The hardware address was asked for. The packet waits.
    Asked,
    /// Too many are asked for already: the packet is dropped.
    TooMany,
    /// No route leads there, no other machine can have the address, or this machine has none.
    Nowhere,
}

/// What is to be done about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Everybody is asked who has it.
    Ask(Ipv4Addr),
    /// Nobody answered: what waits for it is dropped.
    GiveUp(Ipv4Addr),
}

#[derive(Clone, Copy)]
struct Entry {
    /// Unspecified in a free place.
    address: Ipv4Addr,
    /// [`Mac::NONE`] while it was not answered.
    mac: Mac,
    /// In nanoseconds.
    believed_until: u64,
    /// Questions since the last answer.
    asked: u8,
    /// When the next question is due, or giving up, in nanoseconds; [`NEVER`] where none is.
    next: u64,
    /// This machine sends there; else the other one only asked for us.
    wanted: bool,
}

impl Entry {
    const FREE: Self = Self {
        address: Ipv4Addr::UNSPECIFIED,
        mac: Mac::NONE,
        believed_until: 0,
        asked: 0,
        next: NEVER,
        wanted: false,
    };
}

/// The table.
pub(super) struct Neighbours {
    /// The earliest time at which something is due, in nanoseconds.
    due: Cell<u64>,
    table: RefCell<Table>,
}

struct Table {
    configuration: Option<Configuration>,
    rows: [[Entry; PLACES]; ROWS],
}

impl Neighbours {
    pub(super) fn new() -> Self {
        Self {
            due: Cell::new(NEVER),
            table: RefCell::new(Table {
                configuration: None,
                rows: [[Entry::FREE; PLACES]; ROWS],
            }),
        }
    }

    /// Sets how the network is reached. Machines on another network than before are forgotten.
    pub(super) fn configure(&self, configuration: Option<Configuration>) {
        let table = &mut *self.table.borrow_mut();
        table.configuration = configuration;
        for entry in table.rows.as_flattened_mut() {
            if configuration.is_none_or(|known| !known.is_on_link(entry.address)) {
                *entry = Entry::FREE;
            }
        }
    }

    /// Who frames for `peer` are handed to. None where no route leads there.
    pub(super) fn next_hop(&self, peer: Ipv4Addr) -> Option<Ipv4Addr> {
        self.table.borrow().configuration?.next_hop(peer)
    }

    /// How a packet gets to the machine `to`. What is not known is asked for.
    #[inline]
    pub(super) fn find(&self, to: Ipv4Addr, now: u64) -> Way {
        let table = &mut *self.table.borrow_mut();
        let Some(known) = &table.configuration else {
            return Way::Nowhere;
        };
        if known.address.contains_addr(&to)
            && let Some(entry) = row(&mut table.rows, to)
                .iter()
                .find(|one| one.address == to)
            && now < entry.believed_until
        {
            return Way::To(entry.mac);
        }
        self.find_or_ask(table, to, now)
    }

    #[cold]
    fn find_or_ask(&self, table: &mut Table, to: Ipv4Addr, now: u64) -> Way {
        let Some(known) = &table.configuration else {
            return Way::Nowhere;
        };
        if to.is_broadcast() || known.address.broadcast() == Some(to) {
            return Way::To(Mac::BROADCAST);
        }
        if to.is_multicast() {
            return Way::To(Mac::multicast(to));
        }
        let Some(hop) = known.next_hop(to).filter(|_| is_peer(to, known.address)) else {
            return Way::Nowhere;
        };
        let Some(entry) = table.place(hop, true, now) else {
            return Way::TooMany;
        };
        entry.wanted = true;
        if now >= entry.believed_until && entry.next == NEVER {
            self.ask(entry, now);
        }
        if entry.mac == Mac::NONE {
            Way::Asked
        } else {
            Way::To(entry.mac)
        }
    }

    /// Has the way to `peer` asked for anew, since nobody answers there.
    #[cold]
    pub(super) fn doubt(&self, peer: Ipv4Addr, now: u64) {
        let table = &mut *self.table.borrow_mut();
        let hop = table.configuration.and_then(|known| known.next_hop(peer));
        if let Some(entry) = hop.and_then(|hop| table.place(hop, true, now))
            && entry.next == NEVER
        {
            self.ask(entry, now);
        }
    }

    fn ask(&self, entry: &mut Entry, now: u64) {
        entry.wanted = true;
        entry.asked = 0;
        entry.next = now;
        self.due.set(now.min(self.due.get()));
    }

    /// Takes up that the machine `address` has this hardware address. One that is not known is
    /// remembered where it asked for us, since it will be sent to next (RFC 826).
    #[cold]
    pub(super) fn hear(&self, address: Ipv4Addr, mac: Mac, asks_for_us: bool, now: u64) {
        let table = &mut *self.table.borrow_mut();
        let known = row(&mut table.rows, address).iter();
        let is_known = known.into_iter().any(|entry| entry.address == address);
        let may_be_new = |known: Configuration| asks_for_us && known.is_on_link(address);
        if !is_known && !table.configuration.is_some_and(may_be_new) {
            return;
        }
        if let Some(entry) = table.place(address, false, now) {
            entry.mac = mac;
            entry.believed_until = now.saturating_add(LIFETIME);
            entry.next = NEVER;
            self.keep_due(table);
        }
    }

    /// Takes up when something is due next.
    fn keep_due(&self, table: &Table) {
        let entries = table.rows.as_flattened().iter();
        let next = entries.map(|entry| entry.next).min();
        self.due.set(next.unwrap_or(NEVER));
    }

    /// When [`take_due`](Self::take_due) has something, in nanoseconds.
    #[inline]
    pub(super) fn due(&self) -> u64 {
        self.due.get()
    }

    /// One thing that is due.
    #[cold]
    pub(super) fn take_due(&self, now: u64) -> Option<Due> {
        let table = &mut *self.table.borrow_mut();
        let mut entries = table.rows.as_flattened_mut().iter_mut();
        let Some(entry) = entries.find(|entry| entry.next <= now) else {
            self.keep_due(table);
            return None;
        };
        let address = entry.address;
        if entry.asked == QUESTIONS {
            *entry = Entry::FREE;
            return Some(Due::GiveUp(address));
        }
        entry.asked += 1;
        entry.next = now.saturating_add(INTERVAL);
        Some(Due::Ask(address))
    }
}

impl Table {
    /// The entry of `address`, which is made where there is none. An entry that is `wanted` takes the
    /// place of any other but those that are asked for; one of a stranger only that of those which
    /// nobody sends to. None where there is no such place.
    fn place(&mut self, address: Ipv4Addr, wanted: bool, now: u64) -> Option<&mut Entry> {
        let keeps = |entry: &Entry| {
            let asked_for = entry.next != NEVER;
            asked_for || !wanted && entry.wanted && now < entry.believed_until
        };
        let row = row(&mut self.rows, address);
        let place = match row.iter().position(|entry| entry.address == address) {
            Some(place) => place,
            None => {
                let free = (0..PLACES).filter(|place| !keeps(&row[*place]));
                let place =
                    free.min_by_key(|place| (row[*place].wanted, row[*place].believed_until))?;
                row[place] = Entry {
                    address,
                    ..Entry::FREE
                };
                place
            }
        };
        Some(&mut row[place])
    }
}

/// The row that `address` can be in: neighbours differ in their last bits.
#[inline]
fn row(rows: &mut [[Entry; PLACES]; ROWS], address: Ipv4Addr) -> &mut [Entry; PLACES] {
    &mut rows[usize::from(address.octets()[3]) % ROWS]
}
