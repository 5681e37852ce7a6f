//! Memory for devices.

use alloc::alloc::{alloc_zeroed, dealloc};
use core::alloc::Layout;
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::address::PhysicalAddress;

mod blocks;
mod frame;
#[cfg(test)]
pub(crate) mod live;
mod pages;

pub use blocks::Blocks;
pub use frame::{Frame, FrameList, Frames, HEADER_WORDS, START};
pub use pages::{PAGE, Pages};

/// The size of a cache line in bytes. No two buffers share a line, so a device that writes a whole
/// line changes no other buffer.
pub const LINE: usize = 64;

/// The number of bytes that were leaked, because a device could not be stopped from using them.
static LEAKED: AtomicUsize = AtomicUsize::new(0);

/// Counts memory that is never freed, in bytes.
fn note_leak(bytes: usize) {
    #[cfg(target_has_atomic = "ptr")]
    LEAKED.fetch_add(bytes, Ordering::Relaxed);
    // Version 6-M of the Arm architecture has only loads and stores. There is one processor, and interrupts
    // are masked.
    #[cfg(not(target_has_atomic = "ptr"))]
    LEAKED.store(LEAKED.load(Ordering::Relaxed) + bytes, Ordering::Relaxed);
}

/// Returns how many bytes of device memory were [leaked](Buffer::leak) so far, because a device
/// could not be stopped from using them.
#[must_use]
pub fn leaked_bytes() -> usize {
    LEAKED.load(Ordering::Relaxed)
}

/// There is not enough memory for a buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory {
    /// The requested number of bytes.
    pub bytes: usize,
}

impl fmt::Display for OutOfMemory {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no memory left for a buffer of {} bytes", self.bytes)
    }
}

impl core::error::Error for OutOfMemory {}

/// Memory that a device may read and write.
///
/// A buffer has one owner: passing it to a driver gives up access until the driver returns it. It
/// is always initialised, so a device that misreports how much it wrote exposes old bytes at worst.
pub struct Buffer {
    /// The address of the first byte. The [`Shape`] is in the cache line before it: buffers are
    /// moved often, so a buffer is only one word.
    memory: NonNull<u8>,
}

/// The layout and the length of a buffer, in the cache line before the memory for devices. No
/// device gets its address.
struct Shape {
    /// The layout of the whole allocation; the first byte is at an offset of its alignment.
    layout: Layout,
    len: usize,
    leaked: bool,
}

// SAFETY: a buffer owns its memory, like a `Box`.
unsafe impl Send for Buffer {}
// SAFETY: a shared buffer only gives access to shared slices, like a `Box`.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// Allocates a buffer of `len` zero bytes that starts and ends on a cache line of 64 bytes.
    ///
    /// # Errors
    ///
    /// Returns [`OutOfMemory`] if the allocator has no free block of that size; nothing aborts.
    pub fn new(len: usize) -> Result<Self, OutOfMemory> {
        Self::aligned(len, LINE)
    }

    /// Allocates a buffer of `len` zero bytes whose address is a multiple of `align`, a power of
    /// two.
    ///
    /// # Errors
    ///
    /// Returns [`OutOfMemory`] if the allocator has no free block of that size; nothing aborts.
    pub fn aligned(len: usize, align: usize) -> Result<Self, OutOfMemory> {
        let out_of_memory = OutOfMemory { bytes: len };
        let align = align.max(LINE);
        let size = len
            .max(1)
            .checked_next_multiple_of(LINE)
            .and_then(|size| size.checked_add(align))
            .ok_or(out_of_memory)?;
        let layout = Layout::from_size_align(size, align).map_err(|_invalid| out_of_memory)?;
        // SAFETY: the layout's size is not zero.
        let allocation = unsafe { alloc_zeroed(layout) };
        let allocation = NonNull::new(allocation).ok_or(out_of_memory)?;
        // SAFETY: the allocation is longer than its alignment.
        let memory = unsafe { allocation.add(align) };
        let buffer = Self { memory };
        let shape = Shape {
            layout,
            len,
            leaked: false,
        };
        // SAFETY: the line before the first byte is in the allocation, aligned, and used by nothing
        // else.
        unsafe { buffer.shape().write(shape) };
        #[cfg(test)]
        live::allocated();
        Ok(buffer)
    }

    #[inline]
    const fn shape(&self) -> NonNull<Shape> {
        const { assert!(size_of::<Shape>() <= LINE && align_of::<Shape>() <= LINE) };
        // SAFETY: the allocation starts at least a line before the first byte.
        unsafe { self.memory.sub(LINE) }.cast()
    }

    /// Returns the length in bytes.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        // SAFETY: the shape was written when the buffer was created, and nothing else uses it.
        unsafe { self.shape().as_ref() }.len
    }

    /// Returns whether the length is 0.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shortens the buffer to `len` bytes, if it is longer. The memory stays allocated.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        // SAFETY: as in `len`; the borrow is unique.
        let shape = unsafe { self.shape().as_mut() };
        shape.len = shape.len.min(len);
    }

    /// Returns the address for a device.
    #[inline]
    #[must_use]
    pub fn address(&self) -> PhysicalAddress {
        PhysicalAddress(self.memory.as_ptr().expose_provenance() as u64)
    }

    /// Leaks the memory: it is never freed. Needed if a device cannot be stopped from writing into
    /// it.
    #[inline(never)]
    pub fn leak(&mut self) {
        // SAFETY: as in `len`; the borrow is unique.
        let shape = unsafe { self.shape().as_mut() };
        if !shape.leaked {
            shape.leaked = true;
            note_leak(shape.layout.size());
        }
    }

    /// Returns a pointer to the first byte, for the modules that share memory with a device.
    #[inline]
    #[must_use]
    pub const fn as_ptr(&self) -> NonNull<u8> {
        self.memory
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: `len` bytes from `memory` are ours, initialised, and no device has them now.
        unsafe { core::slice::from_raw_parts(self.memory.as_ptr(), self.len()) }
    }
}

impl DerefMut for Buffer {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`; the borrow is unique.
        unsafe { core::slice::from_raw_parts_mut(self.memory.as_ptr(), self.len()) }
    }
}

impl Drop for Buffer {
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: as in `len`.
        let shape = unsafe { self.shape().as_ref() };
        if !shape.leaked {
            let layout = shape.layout;
            // SAFETY: the allocation starts at that many bytes before the first byte.
            let allocation = unsafe { self.memory.sub(layout.align()) };
            // SAFETY: it came from the allocator with this layout.
            unsafe { dealloc(allocation.as_ptr(), layout) }
            #[cfg(test)]
            live::freed();
        }
    }
}

impl fmt::Debug for Buffer {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes at {:p})", self.len(), self.memory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_zero_and_on_a_cache_line() {
        let buffer = Buffer::new(100).expect("the host has 100 bytes");
        assert_eq!(buffer.address().0 % 64, 0);
        assert_eq!(&buffer[..], &[0; 100]);
    }

    #[test]
    fn a_buffer_too_large_is_an_error() {
        assert_eq!(
            Buffer::new(usize::MAX).unwrap_err(),
            OutOfMemory { bytes: usize::MAX }
        );
        // Miri's allocator never fails.
        assert!(cfg!(miri) || Buffer::new(isize::MAX as usize - 63).is_err());
    }

    #[test]
    fn truncating_shortens_the_buffer() {
        let mut buffer = Buffer::new(8).expect("the host has 8 bytes");
        buffer.truncate(9);
        assert_eq!(buffer.len(), 8);
        buffer.truncate(3);
        assert_eq!(buffer.len(), 3);
    }

    #[test]
    fn a_buffer_may_be_empty() {
        assert!(Buffer::new(0).expect("nothing needs little").is_empty());
    }
}
