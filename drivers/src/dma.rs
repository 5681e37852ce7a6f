//! Memory that is handed to devices.

use alloc::alloc::{alloc_zeroed, dealloc};
use core::alloc::Layout;
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::address::PhysicalAddress;

mod blocks;
mod frame;

pub use blocks::Blocks;
pub use frame::{Frame, FrameList, Frames, HEADER_WORDS, START};

/// The cache line: no two buffers share one, so a device that writes into a line writes into
/// nothing else.
const LINE: usize = 64;

/// How many bytes were given up.
static LEAKED: AtomicUsize = AtomicUsize::new(0);

/// How many bytes of device memory were [given up](Buffer::leak) so far, because a device could not
/// be made to let go of them.
#[must_use]
pub fn leaked_bytes() -> usize {
    LEAKED.load(Ordering::Relaxed)
}

/// There is not enough memory for a buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory {
    /// How many bytes were asked for.
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
/// It is owned: whoever has it may look into it, and giving it to a driver is giving it away until
/// the driver hands it back. It is always initialised, so that a device which lies about how much
/// it wrote shows old bytes at worst.
pub struct Buffer {
    /// The first byte. A line before it is the [`Shape`]: a buffer is moved with every request, so it
    /// is one word.
    memory: NonNull<u8>,
}

/// The layout and the length of a buffer. They stand in a cache line in front of the memory that
/// devices use, and no device is given their address.
struct Shape {
    /// Of the whole allocation, which starts as many bytes before the first byte as its alignment.
    layout: Layout,
    len: usize,
    leaked: bool,
}

// SAFETY: a buffer owns its memory, like a `Box`.
unsafe impl Send for Buffer {}
// SAFETY: a shared buffer gives out shared slices only, like a `Box`.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// A buffer of `len` zero bytes that starts and ends on a cache line of 64 bytes.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] where the allocator has no such piece; nothing is aborted.
    pub fn new(len: usize) -> Result<Self, OutOfMemory> {
        Self::aligned(len, LINE)
    }

    /// A buffer of `len` zero bytes whose address is a multiple of `align`, a power of two.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] where the allocator has no such piece; nothing is aborted.
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
        // SAFETY: the line before the first byte is in the allocation, aligned, and ours alone.
        unsafe { buffer.shape().write(shape) };
        Ok(buffer)
    }

    #[inline]
    const fn shape(&self) -> NonNull<Shape> {
        const { assert!(size_of::<Shape>() <= LINE && align_of::<Shape>() <= LINE) };
        // SAFETY: the allocation starts at least a line before the first byte.
        unsafe { self.memory.sub(LINE) }.cast()
    }

    /// How many bytes there are to see.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        // SAFETY: the shape was written when the buffer was made, and is ours alone.
        unsafe { self.shape().as_ref() }.len
    }

    /// Whether there is nothing to see.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Hides the bytes from `len` on; has no effect where there are not so many.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        // SAFETY: as in `len`; the borrow is unique.
        let shape = unsafe { self.shape().as_mut() };
        shape.len = shape.len.min(len);
    }

    /// Where the buffer is, as a device is to be told.
    #[inline]
    #[must_use]
    pub fn address(&self) -> PhysicalAddress {
        PhysicalAddress(self.memory.as_ptr().expose_provenance() as u64)
    }

    /// Gives the memory up: it is never freed. For a device that cannot be stopped from writing into
    /// it.
    #[inline(never)]
    pub fn leak(&mut self) {
        // SAFETY: as in `len`; the borrow is unique.
        let shape = unsafe { self.shape().as_mut() };
        if !shape.leaked {
            shape.leaked = true;
            LEAKED.fetch_add(shape.layout.size(), Ordering::Relaxed);
        }
    }

    /// The first byte, for the modules that share memory with a device.
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
            // SAFETY: the allocation starts so many bytes before the first byte.
            let allocation = unsafe { self.memory.sub(layout.align()) };
            // SAFETY: it came from the allocator with this layout.
            unsafe { dealloc(allocation.as_ptr(), layout) }
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
        // Miri has no memory that large to refuse.
        assert!(cfg!(miri) || Buffer::new(isize::MAX as usize - 63).is_err());
    }

    #[test]
    fn truncating_hides_the_end() {
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
