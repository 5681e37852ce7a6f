//! Maps port numbers to ports: a hash table of fixed size with linear probing.

/// The number of entries of the hash table, a power of two.
const PLACES: usize = 128;

/// The index that stands for an empty entry.
const EMPTY: u8 = u8::MAX;

/// The indices of ports, each at the entry that its number selects, or after it. The table is at
/// most half full, because the number of sockets is limited.
pub(super) struct Table {
    places: [u8; PLACES],
}

impl Table {
    pub(super) const fn new() -> Self {
        Self {
            places: [EMPTY; PLACES],
        }
    }

    /// Creates a table of these numbers and indices. Those that do not fit are omitted.
    pub(super) fn of(ports: impl Iterator<Item = (u16, usize)>) -> Self {
        let mut table = Self::new();
        for (number, index) in ports {
            let mut places = probe(number);
            let free = places.find(|&place| table.places[place] == EMPTY);
            if let (Some(place), Ok(index)) = (free, u8::try_from(index)) {
                table.places[place] = index;
            }
        }
        table
    }

    /// Searches for a number. `at` returns the result for an index, if the port there has that
    /// number.
    #[inline]
    pub(super) fn find<T>(&self, number: u16, at: impl Fn(usize) -> Option<T>) -> Option<T> {
        let mut place = usize::from(number) % PLACES;
        // At least half of the entries are empty.
        loop {
            let index = self.places[place];
            // No port has the index of an empty entry.
            if let Some(found) = at(usize::from(index)) {
                return Some(found);
            }
            if index == EMPTY {
                return None;
            }
            place = (place + 1) % PLACES;
        }
    }
}

/// Returns the indices at which a port number may be found, in search order.
fn probe(number: u16) -> impl Iterator<Item = usize> {
    (0..PLACES).map(move |step| (usize::from(number) + step) % PLACES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::SOCKETS;
    use std::vec::Vec;

    const _: () = assert!(SOCKETS * 2 <= PLACES && SOCKETS < EMPTY as usize);

    fn find(numbers: &[u16], number: u16) -> Option<usize> {
        let ports = numbers.iter().enumerate();
        Table::of(ports.map(|(index, number)| (*number, index))).find(number, |index| {
            (numbers.get(index) == Some(&number)).then_some(index)
        })
    }

    #[test]
    fn every_port_is_found_and_no_other() {
        // All at the same place, all at the end, and consecutive.
        let same: Vec<u16> = (0..SOCKETS as u16).map(|n| n * 128 + 7).collect();
        let end: Vec<u16> = (0..SOCKETS as u16).map(|n| u16::MAX - n * 128).collect();
        let row: Vec<u16> = (0..SOCKETS as u16).map(|n| n + 100).collect();
        for numbers in [same, end, row] {
            for (index, number) in numbers.iter().enumerate() {
                assert_eq!(find(&numbers, *number), Some(index));
            }
            assert_eq!(find(&numbers, 5), None);
            assert_eq!(find(&numbers, 1), None);
        }
        assert_eq!(find(&[], 7), None);
    }
}
