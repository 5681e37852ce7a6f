//! The bytes of one direction of a connection.

use alloc::vec::Vec;

use crate::net::buffer::OutOfMemory;

/// A queue of bytes in memory of fixed size, a power of two. Bytes can be stored behind its end
/// before they become part of it.
#[derive(Default)]
pub(super) struct Ring {
    /// The memory; empty until it is [allocated](Self::allocate).
    bytes: Vec<u8>,
    capacity: usize,
    /// The index of the first byte.
    start: usize,
    length: usize,
}

impl Ring {
    /// Creates an empty queue for `capacity` bytes, without allocating memory.
    pub(super) fn new(capacity: usize) -> Self {
        debug_assert!(capacity.is_power_of_two());
        Self {
            capacity,
            ..Self::default()
        }
    }

    /// Allocates the memory, unless it is allocated already.
    pub(super) fn allocate(&mut self) -> Result<(), OutOfMemory> {
        if !self.bytes.is_empty() {
            return Ok(());
        }
        self.bytes = crate::net::buffer::bytes(self.capacity)?;
        Ok(())
    }

    /// Returns the size of the memory in bytes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// Returns the number of bytes in the queue.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.length
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Returns the number of free bytes.
    #[inline]
    pub(super) fn free(&self) -> usize {
        self.capacity - self.length
    }

    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns the index of the byte at `offset`.
    #[inline]
    fn place(&self, offset: usize) -> usize {
        (self.start + offset) & self.bytes.len().wrapping_sub(1)
    }

    /// Adds bytes, as many as fit; returns the number.
    #[inline]
    pub(super) fn push(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.free());
        if let Some(bytes) = bytes.get(..count) {
            self.put(0, bytes);
            self.length += count;
        }
        count
    }

    /// Stores bytes `offset` behind the end, where they must fit. They are not part of the queue
    /// yet.
    #[inline]
    pub(super) fn put(&mut self, offset: usize, bytes: &[u8]) {
        debug_assert!(offset + bytes.len() <= self.free());
        let place = self.place(self.length + offset);
        let first = bytes.len().min(self.bytes.len() - place);
        let (one, other) = bytes.split_at(first);
        if let Some(room) = self.bytes.get_mut(place..place + first) {
            room.copy_from_slice(one);
        }
        if !other.is_empty()
            && let Some(room) = self.bytes.get_mut(..other.len())
        {
            room.copy_from_slice(other);
        }
    }

    /// Makes `count` bytes that were [stored](Self::put) behind the end part of the queue.
    #[inline]
    pub(super) fn extend(&mut self, count: usize) {
        self.length += count.min(self.free());
    }

    /// Returns up to `count` bytes from `offset`, in two pieces because the memory wraps around.
    #[inline]
    pub(super) fn get(&self, offset: usize, count: usize) -> [&[u8]; 2] {
        let count = count.min(self.length.saturating_sub(offset));
        if count == 0 {
            return [&[], &[]];
        }
        let place = self.place(offset);
        let first = count.min(self.bytes.len() - place);
        [
            self.bytes.get(place..place + first).unwrap_or_default(),
            self.bytes.get(..count - first).unwrap_or_default(),
        ]
    }

    /// Moves bytes to `room`, as many as there are and fit; returns the number.
    #[inline]
    pub(super) fn pop(&mut self, room: &mut [u8]) -> usize {
        let [one, other] = self.get(0, room.len());
        let (first, second) = room.split_at_mut(one.len());
        first.copy_from_slice(one);
        let count = one.len() + other.len();
        if !other.is_empty()
            && let Some(second) = second.get_mut(..other.len())
        {
            second.copy_from_slice(other);
        }
        self.skip(count);
        count
    }

    /// Removes the first `count` bytes, which must exist.
    #[inline]
    pub(super) fn skip(&mut self, count: usize) {
        debug_assert!(count <= self.length);
        self.start = self.place(count);
        self.length -= count;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn the_queue_continues_across_the_end_of_its_memory() {
        let mut ring = Ring::new(16);
        ring.allocate().unwrap();
        let mut expected = VecDeque::new();
        let mut next = 0u8;
        for step in 0..200usize {
            let bytes: Vec<u8> = (0..step % 11).map(|n| next.wrapping_add(n as u8)).collect();
            let pushed = ring.push(&bytes);
            assert_eq!(pushed, bytes.len().min(16 - expected.len()));
            expected.extend(&bytes[..pushed]);
            next = next.wrapping_add(pushed as u8);
            for offset in 0..18 {
                let got = ring.get(offset, 5).concat();
                let wanted: Vec<u8> = expected.iter().copied().skip(offset).take(5).collect();
                assert_eq!(got, wanted);
            }
            let mut room = std::vec![0; step % 7];
            let popped = ring.pop(&mut room);
            assert_eq!(popped, room.len().min(expected.len()));
            let wanted: Vec<u8> = expected.drain(..popped).collect();
            assert_eq!(room[..popped], wanted);
            assert_eq!(
                (ring.len(), ring.free()),
                (expected.len(), 16 - expected.len())
            );
        }
    }

    #[test]
    fn bytes_behind_the_end_appear_once_the_gap_is_filled() {
        let mut ring = Ring::new(8);
        ring.allocate().unwrap();
        ring.push(b"123456");
        ring.skip(5);
        ring.put(3, b"def");
        ring.put(0, b"abc");
        ring.extend(6);
        assert_eq!(ring.get(0, 8).concat(), b"6abcdef");
    }
}
