//! The parts of a request that the driver owns: header and status.

use crate::address::PhysicalAddress;
use crate::dma::{Buffer, OutOfMemory};
use crate::virtio::queue::Segment;

/// The status before the device has written one.
pub(super) const STATUS_NONE: u8 = 0xff;
/// The type in the header of a request that is over. No such type exists, so a device that is
/// misled to the header touches no memory except the status.
const OVER: u32 = !0;

/// The length of a header (5.2.6): type and sector.
const HEADER: u32 = 16;
/// The offset of a discard's range (5.2.6).
const RANGE_AT: usize = 16;
const RANGE: u32 = 16;
/// The offset of the status. The header and a discard's range are in the first cache line, which
/// the device reads; the status is in the second, which it writes.
const STATUS_AT: usize = 64;
const STRIDE: usize = 128;

/// The header and the status of each request. A slot number is masked to the number of requests;
/// callers pass only numbers of the private record.
pub(super) struct Headers {
    memory: Buffer,
    /// The number of requests, a power of two, less one.
    mask: u16,
}

impl Headers {
    /// Allocates the parts of `count` requests, rounded up to a power of two.
    pub(super) fn new(count: u16) -> Result<Self, OutOfMemory> {
        let count = usize::from(count).next_power_of_two();
        Ok(Self {
            memory: Buffer::new(STRIDE * count)?,
            mask: (count - 1) as u16,
        })
    }

    /// Returns the offset of request `slot`'s parts.
    #[inline]
    fn offset(&self, slot: u16) -> usize {
        STRIDE * usize::from(slot & self.mask)
    }

    /// Returns the address of request `slot`'s parts.
    #[inline]
    fn place(&self, slot: u16) -> *mut u8 {
        self.memory
            .as_ptr()
            .as_ptr()
            .wrapping_add(self.offset(slot))
    }

    fn address(&self, slot: u16, offset: usize) -> PhysicalAddress {
        PhysicalAddress(self.memory.address().0 + (self.offset(slot) + offset) as u64)
    }

    /// Returns the segment with the header of request `slot`, for the device to read.
    pub(super) fn header(&self, slot: u16) -> Segment {
        Segment::readable(self.address(slot, 0), HEADER)
    }

    /// Returns the segment with the range of request `slot`, for the device to read.
    pub(super) fn range(&self, slot: u16) -> Segment {
        Segment::readable(self.address(slot, RANGE_AT), RANGE)
    }

    /// Returns the segment for the status of request `slot`, for the device to write.
    pub(super) fn status(&self, slot: u16) -> Segment {
        Segment::writable(self.address(slot, STATUS_AT), 1)
    }

    /// Writes the header of request `slot`. The device must not be using it.
    #[inline]
    pub(super) fn write(&mut self, slot: u16, kind: u32, sector: u64) {
        let place = self.place(slot);
        let header: *mut u64 = place.cast();
        // SAFETY: `place` is the start of `STRIDE` bytes of our memory, on a cache line.
        unsafe { header.write_volatile(u64::from(kind).to_le()) };
        // SAFETY: as above.
        unsafe { header.wrapping_add(1).write_volatile(sector.to_le()) };
        // SAFETY: as above.
        unsafe { place.wrapping_add(STATUS_AT).write_volatile(STATUS_NONE) };
    }

    /// Writes the range of request `slot`. The device must not be using it.
    pub(super) fn write_range(&mut self, slot: u16, sector: u64, sectors: u32) {
        let place = self.place(slot);
        let range: *mut u64 = place.wrapping_add(RANGE_AT).cast();
        // SAFETY: `place` is the start of `STRIDE` bytes of our memory, on a cache line.
        unsafe { range.write_volatile(sector.to_le()) };
        let count = range.wrapping_add(1);
        // SAFETY: as above.
        unsafe { count.write_volatile(u64::from(sectors).to_le()) };
    }

    /// Reads the status of request `slot`, which the device has given back, and ends the request.
    #[inline]
    pub(super) fn take_status(&mut self, slot: u16) -> u8 {
        let place = self.place(slot);
        // SAFETY: `place` is the start of `STRIDE` bytes of our memory, on a cache line.
        unsafe { place.cast::<u32>().write_volatile(OVER) };
        // SAFETY: as above.
        unsafe { place.wrapping_add(STATUS_AT).read_volatile() }
    }

    /// Leaks the memory: it is never freed; see [`Buffer::leak`].
    pub(super) fn leak(&mut self) {
        self.memory.leak();
    }
}
