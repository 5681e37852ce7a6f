//! The deadlines of sockets: a binary heap with at most one entry per socket, so that a changed
//! deadline leaves no old entry.

use alloc::vec::Vec;

use super::buffer::OutOfMemory;
use crate::time::NEVER;

/// The index that stands for no entry in the binary heap.
const NOWHERE: usize = usize::MAX;

/// The deadlines of all sockets, in nanoseconds.
#[derive(Default)]
pub(super) struct Deadlines {
    /// A min-heap of deadlines and sockets.
    heap: Vec<(u64, usize)>,
    /// The index of each socket's entry in the binary heap of deadlines.
    places: Vec<usize>,
}

impl Deadlines {
    /// Makes room for one more socket; its index is the number of earlier ones.
    pub(super) fn grow(&mut self) -> Result<(), OutOfMemory> {
        let sockets = self.places.len() + 1;
        self.places.try_reserve(1).map_err(|_| OutOfMemory)?;
        self.heap
            .try_reserve(sockets - self.heap.len())
            .map_err(|_| OutOfMemory)?;
        self.places.push(NOWHERE);
        Ok(())
    }

    /// Returns the earliest deadline; [`NEVER`] if there is none.
    #[inline]
    pub(super) fn next(&self) -> u64 {
        self.heap.first().map_or(NEVER, |(deadline, _)| *deadline)
    }

    /// Removes one deadline that has passed, and returns its socket.
    pub(super) fn take_expired(&mut self, now: u64) -> Option<usize> {
        let (deadline, socket) = *self.heap.first()?;
        if deadline > now {
            return None;
        }
        self.remove(0);
        Some(socket)
    }

    /// Replaces a socket's deadline; [`NEVER`] removes it.
    pub(super) fn set(&mut self, socket: usize, deadline: u64) {
        let place = self.places[socket];
        if place == NOWHERE {
            if deadline != NEVER {
                self.heap.push((deadline, socket));
                self.sift_up(self.heap.len() - 1);
            }
        } else if deadline == NEVER {
            self.remove(place);
        } else {
            let former = core::mem::replace(&mut self.heap[place].0, deadline);
            if deadline < former {
                self.sift_up(place);
            } else {
                self.sift_down(place);
            }
        }
    }

    /// Returns whether the socket has a deadline.
    #[cfg(test)]
    fn has(&self, socket: usize) -> bool {
        self.places[socket] != NOWHERE
    }

    fn remove(&mut self, place: usize) {
        let (_, socket) = self.heap.swap_remove(place);
        self.places[socket] = NOWHERE;
        if place < self.heap.len() {
            self.sift_up(place);
            self.sift_down(place);
        }
    }

    /// Moves an entry towards the front until its parent is not later.
    fn sift_up(&mut self, mut place: usize) {
        let entry = self.heap[place];
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.heap[parent].0 <= entry.0 {
                break;
            }
            self.put(place, self.heap[parent]);
            place = parent;
        }
        self.put(place, entry);
    }

    /// Moves an entry towards the end until its children are not earlier.
    fn sift_down(&mut self, mut place: usize) {
        let entry = self.heap[place];
        loop {
            let child = 2 * place + 1;
            let Some(mut least) = self.heap.get(child).copied() else {
                break;
            };
            let mut next = child;
            if let Some(other) = self.heap.get(child + 1)
                && other.0 < least.0
            {
                (least, next) = (*other, child + 1);
            }
            if entry.0 <= least.0 {
                break;
            }
            self.put(place, least);
            place = next;
        }
        self.put(place, entry);
    }

    fn put(&mut self, place: usize, entry: (u64, usize)) {
        self.heap[place] = entry;
        self.places[entry.1] = place;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_come_in_order_after_any_changes() {
        const SOCKETS: usize = 50;
        let mut deadlines = Deadlines::default();
        let mut expected = [NEVER; SOCKETS];
        for _ in 0..SOCKETS {
            deadlines.grow().unwrap();
        }
        let mut random = 1u32;
        for _ in 0..if cfg!(miri) { 200 } else { 5000 } {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let socket = (random >> 8) as usize % SOCKETS;
            let deadline = if random & 0x80 == 0 {
                u64::from(random >> 16)
            } else {
                NEVER
            };
            deadlines.set(socket, deadline);
            expected[socket] = deadline;
            assert_eq!(deadlines.next(), *expected.iter().min().unwrap());
            assert_eq!(deadlines.has(socket), deadline != NEVER);
        }
        let mut last = 0;
        while deadlines.next() != NEVER {
            let next = deadlines.next();
            assert!(last <= next);
            last = next;
            assert_eq!(deadlines.take_expired(next.wrapping_sub(1)), None);
            let socket = deadlines.take_expired(next).unwrap();
            assert_eq!(core::mem::replace(&mut expected[socket], NEVER), next);
        }
        assert_eq!(expected, [NEVER; SOCKETS]);
    }
}
