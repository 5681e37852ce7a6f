//! A virtqueue (virtio 1.2, section 2.7), without bookkeeping.
//!
//! Everything shared with the device is atomic, because it may change at any time; a relaxed access
//! is one instruction.

use core::sync::atomic::{AtomicU16, AtomicU32, Ordering::Relaxed, Ordering::SeqCst, fence};

use vmos_drivers::address::PhysicalAddress;

/// The number of entries in the queue.
pub(crate) const ENTRIES: usize = 256;

/// Descriptor flag: another descriptor follows.
pub(crate) const NEXT: u16 = 1;
/// Descriptor flag: the device writes to the buffer.
pub(crate) const WRITE: u16 = 2;

/// A queue, in the layout that the device uses.
#[repr(C, align(4096))]
pub(crate) struct Ring {
    descriptors: [[AtomicU32; 4]; ENTRIES],
    available_flags: AtomicU16,
    available_index: AtomicU16,
    available: [AtomicU16; ENTRIES],
    /// Unused: a field for the event index feature, which is not negotiated.
    _used_event: AtomicU16,
    _padding: AtomicU16,
    used_flags: AtomicU16,
    used_index: AtomicU16,
    used: [[AtomicU32; 2]; ENTRIES],
}

impl Ring {
    /// Creates an empty queue.
    pub(crate) const fn new() -> Self {
        Self {
            descriptors: [const { [const { AtomicU32::new(0) }; 4] }; ENTRIES],
            available_flags: AtomicU16::new(0),
            available_index: AtomicU16::new(0),
            available: [const { AtomicU16::new(0) }; ENTRIES],
            _used_event: AtomicU16::new(0),
            _padding: AtomicU16::new(0),
            used_flags: AtomicU16::new(0),
            used_index: AtomicU16::new(0),
            used: [const { [const { AtomicU32::new(0) }; 2] }; ENTRIES],
        }
    }

    /// Returns the address of the descriptors.
    pub(crate) fn descriptors(&'static self) -> PhysicalAddress {
        address_of(&self.descriptors)
    }

    /// Returns the address of the available ring.
    pub(crate) fn available(&'static self) -> PhysicalAddress {
        address_of(&self.available_flags)
    }

    /// Returns the address of the used ring.
    pub(crate) fn used(&'static self) -> PhysicalAddress {
        address_of(&self.used_flags)
    }

    /// Writes a descriptor of the queue.
    #[inline]
    pub(crate) fn describe(
        &self,
        number: usize,
        PhysicalAddress(address): PhysicalAddress,
        length: u32,
        flags: u16,
        next: u16,
    ) {
        let [low, high, bytes, rest] = &self.descriptors[number % ENTRIES];
        low.store(address as u32, Relaxed);
        high.store((address >> 32) as u32, Relaxed);
        bytes.store(length, Relaxed);
        rest.store(u32::from(flags) | u32::from(next) << 16, Relaxed);
    }

    /// Disables interrupts of this queue.
    pub(crate) fn without_interrupts(&self) {
        self.available_flags.store(1, Relaxed);
    }

    /// Puts a descriptor at a position of the available ring; [`publish`](Self::publish) must
    /// follow.
    #[inline]
    pub(crate) fn offer(&self, position: u16, descriptor: u16) {
        self.available[usize::from(position) % ENTRIES].store(descriptor, Relaxed);
    }

    /// Makes all entries before a position available; returns whether the device must be notified.
    #[inline]
    pub(crate) fn publish(&self, position: u16) -> bool {
        fence(SeqCst);
        self.available_index.store(position, Relaxed);
        fence(SeqCst);
        self.used_flags.load(Relaxed) & 1 == 0
    }

    /// Returns the position after the last entry that the device has used.
    #[inline]
    pub(crate) fn used_to(&self) -> u16 {
        let position = self.used_index.load(Relaxed);
        fence(SeqCst);
        position
    }

    /// Returns the descriptor at a position of the used ring, and how many bytes the device wrote.
    #[inline]
    pub(crate) fn used_at(&self, position: u16) -> (u16, u32) {
        let [descriptor, length] = &self.used[usize::from(position) % ENTRIES];
        (descriptor.load(Relaxed) as u16, length.load(Relaxed))
    }
}

/// Returns the address by which the device finds `thing`: addresses are not translated.
pub(crate) fn address_of<T>(thing: &'static T) -> PhysicalAddress {
    PhysicalAddress(core::ptr::from_ref(thing).expose_provenance() as u64)
}
