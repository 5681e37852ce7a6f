//! The device's side of a split virtqueue (virtio 1.2, 2.7), in the memory of this process.

use alloc::vec::Vec;
use core::ptr;
use core::sync::atomic::{Ordering, fence};

use crate::virtio::queue::MAX_SIZE;

/// Bits of a descriptor's flags (2.7.5).
mod flag {
    pub(super) const NEXT: u16 = 1;
    pub(super) const WRITE: u16 = 2;
    pub(super) const INDIRECT: u16 = 4;
}

/// The bit of the available ring's flags by which the driver asks for no interrupts (2.7.6).
const NO_INTERRUPT: u16 = 1;

/// A part of a chain: memory that the driver has lent to the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Part {
    address: u64,
    len: u32,
}

/// A chain of descriptors that the driver has made available.
#[derive(Debug)]
pub struct Chain {
    head: u16,
    readable: Vec<Part>,
    writable: Vec<Part>,
}

impl Chain {
    /// Returns all bytes that the device may read.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in &self.readable {
            bytes.extend_from_slice(&read_bytes(*part));
        }
        bytes
    }

    /// Returns the number of bytes that the device may write.
    #[must_use]
    pub fn room(&self) -> usize {
        self.writable.iter().map(|part| part.len as usize).sum()
    }

    /// Writes `bytes` from byte `at` of the writable parts on; returns how many fit.
    pub fn write(&mut self, at: usize, bytes: &[u8]) -> usize {
        let (mut skipped, mut rest) = (at, bytes);
        for part in &self.writable {
            let len = part.len as usize;
            if skipped >= len {
                skipped -= len;
                continue;
            }
            let (now, later) = rest.split_at(rest.len().min(len - skipped));
            write_bytes(part.address + skipped as u64, now);
            (skipped, rest) = (0, later);
        }
        bytes.len() - rest.len()
    }
}

/// The addresses of a queue, as the driver has written them to the registers.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Addresses {
    /// The descriptor table.
    pub descriptors: u64,
    /// The available ring.
    pub available: u64,
    /// The used ring.
    pub used: u64,
}

/// The device's side of one virtqueue.
#[derive(Debug)]
pub struct DeviceQueue {
    at: Addresses,
    size: u16,
    /// Whether both sides state the index at which they want to be notified (2.7.10).
    event_index: bool,
    /// The index of the next available entry.
    next: u16,
    /// The index of the next used entry.
    used: u16,
    /// The used index when the driver was last told about it.
    announced: u16,
}

impl DeviceQueue {
    /// Takes over a queue that the driver of this process has set up: the addresses are those of its
    /// memory.
    ///
    /// # Panics
    ///
    /// If the driver broke the rules of 2.7: a size that is no power of two.
    pub(super) fn new(at: Addresses, size: u16, event_index: bool) -> Self {
        assert!(
            size.is_power_of_two() && size <= MAX_SIZE,
            "a virtqueue of {size} entries"
        );
        Self {
            at,
            size,
            event_index,
            next: 0,
            used: 0,
            announced: 0,
        }
    }

    /// Takes the next chain; `None` if the driver has made no other available. Then it will notify
    /// the device of the next one.
    ///
    /// # Panics
    ///
    /// If the driver broke the rules of 2.7.
    pub fn pop(&mut self) -> Option<Chain> {
        if self.waiting() == 0 {
            self.ask_for_notification();
            if self.waiting() == 0 {
                return None;
            }
        }
        assert!(
            self.waiting() <= self.size,
            "more chains than the virtqueue has entries"
        );
        // 2.7.13.2: the entry is read after the index.
        fence(Ordering::SeqCst);
        let entry = self.at.available + 4 + 2 * u64::from(self.next % self.size);
        let head = read::<u16>(entry);
        self.next = self.next.wrapping_add(1);
        Some(self.follow(head))
    }

    /// Returns a chain to the driver, of which `written` bytes were written. The driver learns it when
    /// [`announce`](Self::announce) says so.
    pub fn push(&mut self, chain: Chain, written: usize) {
        self.push_entry(u32::from(chain.head), written as u32);
    }

    /// Writes an entry into the used ring, whether it is true or not.
    pub(super) fn push_entry(&mut self, id: u32, written: u32) {
        let entry = self.at.used + 4 + 8 * u64::from(self.used % self.size);
        write(entry, id);
        write(entry + 4, written);
        self.used = self.used.wrapping_add(1);
        // 2.7.14: the index is written after the entry.
        fence(Ordering::SeqCst);
        write(self.at.used + 2, self.used);
    }

    /// Writes the last entry of the used ring once more.
    pub(super) fn push_last(&mut self) {
        let last = self.at.used + 4 + 8 * u64::from(self.used.wrapping_sub(1) % self.size);
        self.push_entry(read(last), read(last + 4));
    }

    /// Says that there are `count` more entries than there are.
    pub(super) fn skip(&mut self, count: u16) {
        self.used = self.used.wrapping_add(count);
        write(self.at.used + 2, self.used);
    }

    /// Returns the number of entries.
    pub(super) const fn size(&self) -> u16 {
        self.size
    }

    /// Returns whether the driver wants an interrupt for the chains returned since the last call
    /// (2.7.7.2).
    pub fn announce(&mut self) -> bool {
        fence(Ordering::SeqCst);
        let (new, old) = (self.used, self.announced);
        self.announced = new;
        if new == old {
            return false;
        }
        if self.event_index {
            let wanted = read::<u16>(self.at.available + 4 + 2 * u64::from(self.size));
            new.wrapping_sub(wanted).wrapping_sub(1) < new.wrapping_sub(old)
        } else {
            read::<u16>(self.at.available) & NO_INTERRUPT == 0
        }
    }

    fn waiting(&self) -> u16 {
        read::<u16>(self.at.available + 2).wrapping_sub(self.next)
    }

    fn ask_for_notification(&self) {
        if self.event_index {
            write(self.at.used + 4 + 8 * u64::from(self.size), self.next);
            // The driver may have made a chain available before it saw this.
            fence(Ordering::SeqCst);
        }
    }

    fn follow(&self, head: u16) -> Chain {
        let mut chain = Chain {
            head,
            readable: Vec::new(),
            writable: Vec::new(),
        };
        let (mut table, mut count, mut index) = (self.at.descriptors, u32::from(self.size), head);
        let mut is_indirect = false;
        // One more than the table has entries: the last one may refer to an indirect table.
        for _ in 0..=u32::from(MAX_SIZE) {
            assert!(u32::from(index) < count, "descriptor {index} of {count}");
            let at = table + 16 * u64::from(index);
            let part = Part {
                address: read(at),
                len: read(at + 8),
            };
            let (flags, next) = (read::<u16>(at + 12), read::<u16>(at + 14));
            if flags & flag::INDIRECT != 0 {
                assert!(!is_indirect, "an indirect table within an indirect table");
                is_indirect = true;
                (table, count, index) = (part.address, part.len / 16, 0);
                continue;
            }
            if flags & flag::WRITE != 0 {
                chain.writable.push(part);
            } else {
                assert!(
                    chain.writable.is_empty(),
                    "a readable descriptor after a writable one"
                );
                chain.readable.push(part);
            }
            if flags & flag::NEXT == 0 {
                return chain;
            }
            index = next;
        }
        panic!("the chain of descriptor {head} has no end")
    }
}

fn read<T: Copy>(address: u64) -> T {
    // SAFETY: the driver of this process owns the memory, and lends it to the device until the
    // chain is returned or the device is reset.
    unsafe { ptr::with_exposed_provenance::<T>(address as usize).read_volatile() }
}

fn write<T>(address: u64, value: T) {
    // SAFETY: as in `read`.
    unsafe { ptr::with_exposed_provenance_mut::<T>(address as usize).write_volatile(value) }
}

fn read_bytes(part: Part) -> Vec<u8> {
    let mut bytes = alloc::vec![0; part.len as usize];
    let from = ptr::with_exposed_provenance::<u8>(part.address as usize);
    // SAFETY: as in `read`; the vector is new, so the two do not overlap.
    unsafe { ptr::copy_nonoverlapping(from, bytes.as_mut_ptr(), bytes.len()) };
    bytes
}

fn write_bytes(address: u64, bytes: &[u8]) {
    let to = ptr::with_exposed_provenance_mut::<u8>(address as usize);
    // SAFETY: as in `read`; the source belongs to the device, so the two do not overlap.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
}
