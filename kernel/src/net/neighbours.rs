//! The hardware addresses of other machines on the link (RFC 826): one table for UDP, TCP, ping and
//! the DHCP client.
//!
//! An address is valid for 30 seconds after an ARP packet contained it. If it is used later, a new
//! ARP request is sent; it is removed if three requests get no answer.

use core::cell::{Cell, RefCell};
use core::net::Ipv4Addr;

use super::address::is_peer;
use super::configuration::Configuration;
use super::packet::Mac;
use crate::time::NEVER;

/// How long a hardware address is valid, in nanoseconds.
const LIFETIME: u64 = 30_000_000_000;
/// The time between two ARP requests for one address, in nanoseconds (RFC 1122, 2.3.2.1).
const INTERVAL: u64 = 1_000_000_000;
/// The number of unanswered ARP requests after which a machine counts as absent.
const QUESTIONS: u8 = 3;

/// The number of rows in the table; each has the same number of entries. An address can only be in
/// one row, so that look-ups are cheap and the size of the table is fixed, even if a peer uses many
/// addresses.
const ROWS: usize = 16;
const PLACES: usize = 4;

/// The next hop of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The hardware address of the next hop.
    To(Mac),
    /// The hardware address has been requested; the packet waits.
    Asked,
    /// Too many addresses are being requested already: the packet is dropped.
    TooMany,
    /// There is no route, no other machine can have the address, or this machine has no address.
    Nowhere,
}

/// An action that is due for an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Send an ARP request for the address.
    Ask(Ipv4Addr),
    /// Drop the packets that wait for the address: no machine answered.
    GiveUp(Ipv4Addr),
}

#[derive(Clone, Copy)]
struct Entry {
    /// The IPv4 address; unspecified if the entry is free.
    address: Ipv4Addr,
    /// The hardware address; [`Mac::NONE`] until an answer arrives.
    mac: Mac,
    /// When the hardware address expires, in nanoseconds.
    valid_until: u64,
    /// The number of ARP requests since the last answer.
    asked: u8,
    /// When the next action is due, in nanoseconds; [`NEVER`] if none is.
    next: u64,
    /// Whether this machine sends to the neighbour; otherwise the neighbour has only asked for this
    /// machine's address.
    wanted: bool,
}

impl Entry {
    const FREE: Self = Self {
        address: Ipv4Addr::UNSPECIFIED,
        mac: Mac::NONE,
        valid_until: 0,
        asked: 0,
        next: NEVER,
        wanted: false,
    };
}

/// The table of neighbours on the link.
pub(super) struct Neighbours {
    /// When the next action is due, in nanoseconds.
    due: Cell<u64>,
    table: RefCell<Table>,
    #[cfg(feature = "ipv6")]
    pub(super) ipv6: super::ipv6::Ipv6,
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
            #[cfg(feature = "ipv6")]
            ipv6: super::ipv6::Ipv6::new(),
        }
    }

    /// Sets the network configuration. Machines on a network that is no longer configured are
    /// removed.
    pub(super) fn configure(&self, configuration: Option<Configuration>) {
        let table = &mut *self.table.borrow_mut();
        table.configuration = configuration;
        for entry in table.rows.as_flattened_mut() {
            if configuration.is_none_or(|known| !known.is_on_link(entry.address)) {
                *entry = Entry::FREE;
            }
        }
    }

    /// Returns the next hop for `peer`; `None` if there is no route.
    pub(super) fn next_hop(&self, peer: Ipv4Addr) -> Option<Ipv4Addr> {
        self.table.borrow().configuration?.next_hop(peer)
    }

    /// Returns the next hop of packets to the machine `to`. Requests its hardware address if it is
    /// unknown.
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
            && now < entry.valid_until
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
        if now >= entry.valid_until && entry.next == NEVER {
            self.ask(entry, now);
        }
        if entry.mac == Mac::NONE {
            Way::Asked
        } else {
            Way::To(entry.mac)
        }
    }

    /// Requests the hardware address of the next hop to `peer` again, because `peer` does not
    /// answer.
    #[cold]
    pub(super) fn doubt(&self, peer: Ipv4Addr, now: u64) {
        let table = &mut *self.table.borrow_mut();
        let hop = table.configuration.and_then(|known| known.next_hop(peer));
        // Strangers' connections must not replace the entries of machines that answer.
        if let Some(entry) = hop.and_then(|hop| table.place(hop, false, now))
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

    /// Records that the machine `address` has this hardware address. An unknown machine is recorded
    /// only if it sent a request for this one, because an answer follows (RFC 826).
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
            entry.valid_until = now.saturating_add(LIFETIME);
            entry.next = NEVER;
            self.keep_due(table);
        }
    }

    /// Updates when the next action is due.
    fn keep_due(&self, table: &Table) {
        let entries = table.rows.as_flattened().iter();
        let next = entries.map(|entry| entry.next).min();
        self.due.set(next.unwrap_or(NEVER));
    }

    /// Returns when [`take_due`](Self::take_due) has an action, in nanoseconds.
    #[inline]
    pub(super) fn due(&self) -> u64 {
        #[cfg(feature = "ipv6")]
        return self.due.get().min(self.ipv6.due());
        #[cfg(not(feature = "ipv6"))]
        self.due.get()
    }

    /// Returns one action that is due.
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
    /// Returns the entry of `address`, creating it if necessary. A `wanted` entry may replace any
    /// other entry except those being requested; other entries only replace entries that this
    /// machine does not send to. `None` if there is no such entry.
    fn place(&mut self, address: Ipv4Addr, wanted: bool, now: u64) -> Option<&mut Entry> {
        let keeps = |entry: &Entry| {
            let asked_for = entry.next != NEVER;
            asked_for || !wanted && entry.wanted && now < entry.valid_until
        };
        let row = row(&mut self.rows, address);
        let place = match row.iter().position(|entry| entry.address == address) {
            Some(place) => place,
            None => {
                let free = (0..PLACES).filter(|place| !keeps(&row[*place]));
                let place =
                    free.min_by_key(|place| (row[*place].wanted, row[*place].valid_until))?;
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

/// Returns the row for `address`; neighbours' addresses differ in their last bits.
#[inline]
fn row(rows: &mut [[Entry; PLACES]; ROWS], address: Ipv4Addr) -> &mut [Entry; PLACES] {
    &mut rows[usize::from(address.octets()[3]) % ROWS]
}
