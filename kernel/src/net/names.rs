//! Finds the socket or connection of a packet: a hash table.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use crate::net::buffer::OutOfMemory;

/// The golden ratio in units of 2^-64. Multiplication by it spreads values that differ in few bits
/// (Knuth, 6.4).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The key of a socket or connection: the values that identify it in its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(u64);

impl Key {
    /// Returns the key of a TCP connection.
    #[inline]
    pub(super) fn connection(local: u16, peer: Ipv4Addr, remote: u16) -> Self {
        let ports = u64::from(local) << 16 | u64::from(remote);
        Self(ports << 32 | u64::from(peer.to_bits()))
    }

    /// Returns all bits of the key.
    pub(super) fn bits(self) -> u64 {
        self.0
    }
}

/// The table: open addressing, at most half full.
pub(super) struct Names {
    /// The number of entries is a power of two.
    entries: Vec<Option<(Key, usize)>>,
    /// An odd factor that differs at each boot, so that peers cannot choose addresses whose hashes
    /// collide. If all collided, a look-up would visit every socket.
    factor: u64,
    used: usize,
}

impl Names {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            entries: Vec::new(),
            factor: (seed ^ GOLDEN) | 1,
            used: 0,
        }
    }

    /// Makes room for `sockets` keys.
    pub(super) fn reserve(&mut self, sockets: usize) -> Result<(), OutOfMemory> {
        let wanted = (2 * sockets).next_power_of_two();
        if wanted <= self.entries.len() {
            return Ok(());
        }
        let mut entries = Vec::new();
        entries.try_reserve_exact(wanted).map_err(|_| OutOfMemory)?;
        entries.resize(wanted, None);
        let former = core::mem::replace(&mut self.entries, entries);
        self.used = 0;
        for (key, socket) in former.into_iter().flatten() {
            self.insert(key, socket);
        }
        Ok(())
    }

    /// Returns the socket with this key.
    #[inline]
    pub(super) fn get(&self, key: Key) -> Option<usize> {
        self.entries.get(self.find(key)?)?.map(|(_, socket)| socket)
    }

    /// Adds a key; [`reserve`](Self::reserve) must have made room for it.
    pub(super) fn insert(&mut self, key: Key, socket: usize) {
        debug_assert!(2 * self.used < self.entries.len());
        if let Some(place) = self.find(key) {
            let former = self.entries[place].replace((key, socket));
            self.used += usize::from(former.is_none());
        }
    }

    /// Removes a key, and moves up the entries that it displaced.
    pub(super) fn remove(&mut self, key: Key) {
        let Some(mut hole) = self.find(key) else {
            return;
        };
        if self.entries[hole].take().is_none() {
            return;
        }
        self.used -= 1;
        let mask = self.entries.len() - 1;
        let mut place = hole;
        loop {
            place = (place + 1) & mask;
            let Some((key, _)) = self.entries[place] else {
                return;
            };
            let way = place.wrapping_sub(self.home(key)) & mask;
            if way >= place.wrapping_sub(hole) & mask {
                self.entries.swap(hole, place);
                hole = place;
            }
        }
    }

    /// Returns the index of the key's entry, or of the entry where it would be; `None` if the table
    /// has no entries.
    #[inline]
    fn find(&self, key: Key) -> Option<usize> {
        let mask = self.entries.len().checked_sub(1)?;
        let mut place = self.home(key);
        // At least half of the entries are empty, so the search ends.
        while let Some((known, _)) = self.entries[place & mask]
            && known != key
        {
            place += 1;
        }
        Some(place & mask)
    }

    /// Returns the index at which the search for the key starts.
    #[inline]
    fn home(&self, key: Key) -> usize {
        // Only the highest bits of the product depend on all bits of the key. With an unknown odd
        // factor, two keys collide no more often than by chance (Dietzfelbinger 1997).
        let highest = key.0.wrapping_mul(self.factor) >> 32;
        ((highest * self.entries.len() as u64) >> 32) as usize
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    #[test]
    fn only_added_names_are_found() {
        let mut table = Names::new(7);
        let mut expected = HashMap::new();
        let key = |n: u32| Key::connection(7, Ipv4Addr::from_bits(n % 3), (n % 50) as u16);
        assert_eq!(table.get(key(1)), None);
        table.reserve(64).unwrap();
        let mut random = 1u32;
        for step in 0..if cfg!(miri) { 100 } else { 20_000 } {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let n = random >> 16;
            if random & 0x100 == 0 && expected.len() < 64 {
                table.insert(key(n), step);
                expected.insert(key(n).0, step);
            } else {
                table.remove(key(n));
                expected.remove(&key(n).0);
            }
            for n in 0..150 {
                assert_eq!(table.get(key(n)), expected.get(&key(n).0).copied());
            }
        }
    }

    #[test]
    fn a_growing_table_keeps_its_names() {
        let mut table = Names::new(7);
        for port in 0..200 {
            table.reserve(usize::from(port) + 1).unwrap();
            let key = Key::connection(port, Ipv4Addr::UNSPECIFIED, 0);
            table.insert(key, usize::from(port));
        }
        for port in 0..200 {
            let key = |remote| Key::connection(port, Ipv4Addr::UNSPECIFIED, remote);
            assert_eq!(table.get(key(0)), Some(usize::from(port)));
            assert_eq!(table.get(key(1)), None);
        }
    }

    #[test]
    fn a_peer_cannot_choose_names_that_collide() {
        for seed in [0, 7, 0x9e37_79b9, 0x0123_4567_89ab_cdef, u64::MAX] {
            let mut table = Names::new(seed);
            table.reserve(64).unwrap();
            for step in (0..10).map(|bit| 1 << bit) {
                let of = |n: u16| Key::connection(7, Ipv4Addr::LOCALHOST, 1024 + n * step);
                let homes: HashSet<_> = (0..64).map(|n| table.home(of(n))).collect();
                assert!(homes.len() > 16, "{} for steps of {step}", homes.len());
            }
        }
    }
}
