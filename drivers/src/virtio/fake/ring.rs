//! The device's side of a split queue, accessed by address as in a real device.

use alloc::vec::Vec;
use core::ptr;

/// A chain that the driver has made available.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Chain {
    pub(crate) head: u16,
    /// Address and length of each readable segment, in order.
    pub(crate) readable: Vec<(u64, u32)>,
    /// Address and length of each writable segment, in order.
    pub(crate) writable: Vec<(u64, u32)>,
    /// Whether the chain was in an indirect table.
    pub(crate) indirect: bool,
}

impl Chain {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for &(address, len) in &self.readable {
            let (from, len) = (ptr::with_exposed_provenance(address as usize), len as usize);
            bytes.reserve(len);
            let room = bytes.spare_capacity_mut().as_mut_ptr().cast::<u8>();
            // SAFETY: tests only use addresses of live memory, and there is room for so many bytes.
            unsafe { ptr::copy_nonoverlapping::<u8>(from, room, len) };
            // SAFETY: so many more bytes were just written.
            unsafe { bytes.set_len(bytes.len() + len) };
        }
        bytes
    }

    /// Writes `bytes` into the writable segments. Returns how many fit.
    pub(crate) fn write(&self, bytes: &[u8]) -> u32 {
        let mut rest = bytes;
        for &(address, len) in &self.writable {
            let (now, later) = rest.split_at(rest.len().min(len as usize));
            let to = ptr::with_exposed_provenance_mut::<u8>(address as usize);
            // SAFETY: tests only use addresses of live memory; a segment has its length.
            unsafe { ptr::copy_nonoverlapping(now.as_ptr(), to, now.len()) };
            rest = later;
        }
        (bytes.len() - rest.len()) as u32
    }

    pub(crate) fn room(&self) -> u32 {
        self.writable.iter().map(|(_, len)| len).sum()
    }
}

pub(crate) fn read<T: Copy>(address: u64) -> T {
    // SAFETY: tests only use addresses of live memory.
    unsafe { ptr::with_exposed_provenance::<T>(address as usize).read_volatile() }
}

pub(crate) fn write<T>(address: u64, value: T) {
    // SAFETY: tests only use addresses of live memory.
    unsafe { ptr::with_exposed_provenance_mut::<T>(address as usize).write_volatile(value) }
}

/// The device's side of one queue.
#[derive(Clone, Debug)]
pub(crate) struct DeviceRing {
    descriptors: u64,
    available: u64,
    used: u64,
    size: u16,
    event_index: bool,
    next: u16,
    done: u16,
}

impl DeviceRing {
    pub(crate) fn new(
        descriptors: u64,
        available: u64,
        used: u64,
        size: u16,
        event_index: bool,
    ) -> Self {
        Self {
            descriptors,
            available,
            used,
            size,
            event_index,
            next: 0,
            done: 0,
        }
    }

    /// 2.7.2 and 4.2.4: all parts follow one page-aligned address.
    pub(crate) fn legacy(base: u64, size: u16, event_index: bool) -> Self {
        let available = base + 16 * u64::from(size);
        let end = available + 2 * (3 + u64::from(size));
        Self::new(
            base,
            available,
            end.next_multiple_of(4096),
            size,
            event_index,
        )
    }

    pub(crate) fn available_index(&self) -> u16 {
        read(self.available + 2)
    }

    pub(crate) fn used_event(&self) -> u16 {
        read(self.available + 4 + 2 * u64::from(self.size))
    }

    pub(crate) fn available_flags(&self) -> u16 {
        read(self.available)
    }

    pub(crate) fn set_available_event(&self, index: u16) {
        write(self.used + 4 + 8 * u64::from(self.size), index);
    }

    pub(crate) fn set_used_flags(&self, flags: u16) {
        write(self.used, flags);
    }

    pub(crate) fn set_used_index(&self, index: u16) {
        write(self.used + 2, index);
    }

    /// Returns the next available index that the device has not taken.
    pub(crate) fn next(&self) -> u16 {
        self.next
    }

    /// Returns how many chains the driver has made available and the device has not taken.
    pub(crate) fn waiting(&self) -> u16 {
        self.available_index().wrapping_sub(self.next)
    }

    fn descriptor(&self, table: u64, index: u16) -> (u64, u32, u16, u16) {
        let at = table + 16 * u64::from(index);
        (read(at), read(at + 8), read(at + 12), read(at + 14))
    }

    /// Returns the number of bytes in all descriptors of the queue.
    pub(crate) fn length_of(&self, index: u16) -> u32 {
        self.descriptor(self.descriptors, index).1
    }

    /// Takes the next chain, after the checks that a device makes.
    pub(crate) fn pop(&mut self) -> Option<Chain> {
        if self.waiting() == 0 {
            return None;
        }
        assert!(
            self.waiting() <= self.size,
            "more chains than the queue has entries"
        );
        let head: u16 = read(self.available + 4 + 2 * u64::from(self.next % self.size));
        self.next = self.next.wrapping_add(1);
        let mut chain = Chain {
            head,
            readable: Vec::new(),
            writable: Vec::new(),
            indirect: false,
        };
        let (mut table, mut count, mut index) = (self.descriptors, self.size, head);
        for _ in 0..=u32::from(self.size) + 64 {
            assert!(index < count, "descriptor {index} of {count}");
            let (address, len, flags, next) = self.descriptor(table, index);
            if flags & 4 != 0 {
                assert!(
                    !chain.indirect && flags == 4,
                    "a table in a table, or in a chain"
                );
                assert!(len > 0 && len.is_multiple_of(16), "a table of {len} bytes");
                chain.indirect = true;
                (table, count, index) = (address, (len / 16) as u16, 0);
                continue;
            }
            if flags & 2 != 0 {
                chain.writable.push((address, len));
            } else {
                assert!(
                    chain.writable.is_empty(),
                    "2.7.4.2: what is read comes first"
                );
                chain.readable.push((address, len));
            }
            if flags & 1 == 0 {
                return Some(chain);
            }
            index = next;
        }
        panic!("the chain from {head} has no end")
    }

    /// Writes a used entry without publishing it.
    pub(crate) fn fill(&mut self, id: u32, len: u32) {
        let entry = self.used + 4 + 8 * u64::from(self.done % self.size);
        write(entry, id);
        write(entry + 4, len);
        self.done = self.done.wrapping_add(1);
    }

    /// Publishes the entries. Returns whether an interrupt is due (2.7.7.2).
    pub(crate) fn announce(&mut self) -> bool {
        let old: u16 = read(self.used + 2);
        self.set_used_index(self.done);
        if self.event_index {
            // An interrupt is due if one of the published indices is the requested one.
            let mut index = old;
            while index != self.done {
                if index == self.used_event() {
                    return true;
                }
                index = index.wrapping_add(1);
            }
            return false;
        }
        self.available_flags() & 1 == 0
    }

    /// Returns one chain to the driver. The result is whether an interrupt is due.
    pub(crate) fn give_back(&mut self, id: u32, len: u32) -> bool {
        self.fill(id, len);
        self.announce()
    }
}
