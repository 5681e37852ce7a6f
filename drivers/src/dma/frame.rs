//! Ethernet frames in memory that a network device reads and writes.
//!
//! A [`Frame`] has one owner at a time: the receive ring, the network stack, a task, or the
//! transmit ring. It moves by value and its bytes stay in place, so a reply that is written into
//! the received frame is never copied.
//!
//! The Ethernet header starts [`START`] bytes into the frame's memory. This aligns the addresses in
//! an IPv4 header without options, the header after it and that header's payload to 8 bytes, so
//! that a processor without unaligned access reads each field at once. The bytes before it are for
//! the header that a virtio device puts before each frame.

use alloc::alloc::{alloc_zeroed, dealloc};
#[cfg(not(target_has_atomic = "ptr"))]
use alloc::rc::Rc as Arc;
#[cfg(target_has_atomic = "ptr")]
use alloc::sync::Arc;
use core::alloc::Layout;
use core::fmt;
use core::mem;
use core::ptr::NonNull;
use core::slice;

mod list;
mod pool;

pub use list::FrameList;
pub use pool::Frames;

use super::{LINE, OutOfMemory};
use crate::address::PhysicalAddress;

const _: () = assert!(
    cfg!(target_endian = "little"),
    "headers are read and written as little-endian words"
);

/// The offset of the Ethernet header in the part of a frame's memory that devices access, in bytes.
pub const START: usize = 14;

/// The number of 64-bit words, from the start of that part, that contain the headers of a UDP
/// datagram: the device's, Ethernet, IPv4 without options, and UDP. The payload follows.
pub const HEADER_WORDS: usize = 7;

/// The index of the 32-bit word that starts two bytes before the Ethernet header.
const FIFO_START: usize = (START - 2) / size_of::<u32>();

/// The largest possible frame, in bytes.
const LONGEST: usize = u16::MAX as usize - START - LINE;

/// An Ethernet frame with its memory.
///
/// The value is a single pointer, since it moves often; the frame's properties are in a cache line
/// before the memory that devices access. That memory is always initialised, so a device that
/// claims to have written more than it did exposes old bytes at worst. It starts and ends on a
/// cache line, so a device that writes a whole line changes no other frame.
pub struct Frame {
    block: NonNull<Block>,
}

/// The header of a frame's allocation; the memory that devices access follows it.
#[repr(C, align(64))]
struct Block {
    /// The next frame in a list; owned by the list.
    next: Option<NonNull<Self>>,
    /// The longest possible content: the size of the memory that devices access, minus [`START`].
    capacity: u16,
    /// The length of the frame in bytes.
    len: u16,
    owner: u16,
    verified: bool,
    changed: bool,
    /// The frame's [`Membership`], as a pointer.
    membership: Option<NonNull<()>>,
}

/// What counts the frames of a pool with a [limit](Frames::limited): the pool and each of its frames, used
/// or not, has one.
type Membership = Arc<()>;

const _: () =
    assert!(size_of::<Block>() == LINE && size_of::<Option<Frame>>() == size_of::<usize>());

impl Frame {
    /// Allocates an empty frame in zeroed memory, for at least `capacity` bytes.
    ///
    /// # Errors
    ///
    /// Returns [`OutOfMemory`] if the allocator has no free block of that size, or `capacity`
    /// exceeds the largest possible frame.
    pub fn new(capacity: usize) -> Result<Self, OutOfMemory> {
        if capacity > LONGEST {
            return Err(OutOfMemory { bytes: capacity });
        }
        let size = size_for(capacity);
        // SAFETY: the layout's size is not zero.
        let memory = unsafe { alloc_zeroed(layout(size)) };
        let block: NonNull<Block> =
            NonNull::new(memory.cast()).ok_or(OutOfMemory { bytes: size })?;
        let mut frame = Self { block };
        // Zeroes are valid for all other fields; there is no next frame.
        frame.block_mut().capacity = (size - START) as u16;
        Ok(frame)
    }

    /// Makes the new frame one of a pool.
    fn join(&mut self, membership: Membership) {
        self.block_mut().membership = NonNull::new(Membership::into_raw(membership).cast_mut());
    }

    /// Converts the frame into its block. The block is not freed until it is a frame again.
    #[inline]
    const fn into_block(self) -> NonNull<Block> {
        let block = self.block;
        mem::forget(self);
        block
    }

    /// Converts a block into its frame.
    ///
    /// # Safety
    ///
    /// The block must come from [`into_block`](Self::into_block), and must be converted only once.
    #[inline]
    const unsafe fn from_block(block: NonNull<Block>) -> Self {
        Self { block }
    }

    #[inline]
    const fn block(&self) -> &Block {
        // SAFETY: this frame owns the block, which is aligned and initialised.
        unsafe { self.block.as_ref() }
    }

    #[inline]
    const fn block_mut(&mut self) -> &mut Block {
        // SAFETY: as in `block`; the borrow is unique.
        unsafe { self.block.as_mut() }
    }

    /// Returns the memory that devices access.
    #[inline]
    const fn words(&self) -> NonNull<u64> {
        // SAFETY: the allocation continues after the block.
        unsafe { self.block.add(1) }.cast()
    }

    /// Returns the size of the memory that devices access, in bytes.
    const fn size(&self) -> usize {
        START + self.capacity()
    }

    /// Returns the longest possible length of the frame, in bytes.
    #[inline]
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.block().capacity as usize
    }

    /// Returns the length of the frame in bytes.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.block().len as usize
    }

    /// Returns whether the length is 0.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.block().len == 0
    }

    /// Sets the length of the frame, at most its capacity. Added bytes have their earlier content.
    #[inline]
    pub fn set_len(&mut self, len: usize) {
        let most = self.capacity();
        self.block_mut().len = len.min(most) as u16;
    }

    /// Makes the frame at most `len` bytes long.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        self.block_mut().len = self.len().min(len) as u16;
    }

    /// Returns the number that the frame's owner gave it.
    #[inline]
    #[must_use]
    pub const fn owner(&self) -> u16 {
        self.block().owner
    }

    /// Sets the frame's number.
    #[inline]
    pub const fn set_owner(&mut self, owner: u16) {
        self.block_mut().owner = owner;
    }

    /// Returns whether the device has verified the checksum of the transport layer.
    #[inline]
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        self.block().verified
    }

    /// Sets whether the checksum of the transport layer is known to be right.
    #[inline]
    pub const fn set_verified(&mut self, verified: bool) {
        self.block_mut().verified = verified;
    }

    /// Returns whether the content was changed since it was received, as its owner recorded.
    #[inline]
    #[must_use]
    pub const fn is_changed(&self) -> bool {
        self.block().changed
    }

    /// Sets whether the content was changed since it was received.
    #[inline]
    pub const fn set_changed(&mut self, changed: bool) {
        self.block_mut().changed = changed;
    }

    /// Returns the frame, starting with its Ethernet header.
    #[inline]
    #[must_use]
    pub const fn bytes(&self) -> &[u8] {
        let start = self.words().cast::<u8>().as_ptr().wrapping_add(START);
        // SAFETY: the memory is ours and initialised, and `len` keeps within it.
        unsafe { slice::from_raw_parts(start, self.len()) }
    }

    /// Returns the frame, starting with its Ethernet header.
    #[inline]
    #[must_use]
    pub const fn bytes_mut(&mut self) -> &mut [u8] {
        let start = self.words().cast::<u8>().as_ptr().wrapping_add(START);
        // SAFETY: as in `bytes`; the borrow is unique.
        unsafe { slice::from_raw_parts_mut(start, self.len()) }
    }

    /// Returns all memory that devices access, independent of the frame's length.
    #[must_use]
    pub const fn memory(&self) -> &[u8] {
        // SAFETY: this frame owns the memory, which is initialised and has this size.
        unsafe { slice::from_raw_parts(self.words().cast::<u8>().as_ptr(), self.size()) }
    }

    /// Returns the words of the frame for a device whose FIFO has two bytes before the frame in its first
    /// word: from two bytes before the Ethernet header to the end of the memory, independent of the
    /// frame's length.
    #[must_use]
    pub fn fifo_words(&self) -> &[u32] {
        let first = self.words().cast::<u32>().as_ptr().wrapping_add(FIFO_START);
        // SAFETY: this frame owns the memory, which is initialised, aligned, and longer than `START`. Its
        // size is a multiple of a word.
        unsafe { slice::from_raw_parts(first, self.size() / 4 - FIFO_START) }
    }

    /// Returns the words of the frame; see [`fifo_words`](Self::fifo_words).
    #[must_use]
    pub fn fifo_words_mut(&mut self) -> &mut [u32] {
        let first = self.words().cast::<u32>().as_ptr().wrapping_add(FIFO_START);
        // SAFETY: as in `fifo_words`; the borrow is unique.
        unsafe { slice::from_raw_parts_mut(first, self.size() / 4 - FIFO_START) }
    }

    /// Returns the headers as little-endian words, independent of the frame's length: bytes after
    /// its end are from an earlier frame.
    ///
    /// | word | bytes |
    /// |---:|---|
    /// | 0, 1 | the device's header; from byte 14 on: Ethernet destination, bytes 0 and 1 |
    /// | 2 | Ethernet destination, bytes 2 to 5; source, bytes 0 to 3 |
    /// | 3 | source, bytes 4 and 5; type; IPv4 version and header length, service, total length |
    /// | 4 | identification, fragment, time to live, protocol, header checksum |
    /// | 5 | IPv4 source and destination |
    /// | 6 | UDP source port, destination port, length, checksum |
    #[inline]
    #[must_use]
    pub const fn headers(&self) -> &[u64; HEADER_WORDS] {
        // SAFETY: this frame owns the memory, which is initialised, aligned to a cache line and at
        // least one line long, which is more than the headers.
        unsafe { self.words().cast().as_ref() }
    }

    /// Returns the headers; see [`headers`](Self::headers).
    #[inline]
    #[must_use]
    pub const fn headers_mut(&mut self) -> &mut [u64; HEADER_WORDS] {
        // SAFETY: as in `headers`; the borrow is unique.
        unsafe { self.words().cast().as_mut() }
    }

    /// Returns all words after the [headers](Self::headers), independent of the frame's length.
    #[inline]
    #[must_use]
    pub fn payload_words(&self) -> &[u64] {
        let count = self.size() / size_of::<u64>() - HEADER_WORDS;
        let first = self.words().as_ptr().wrapping_add(HEADER_WORDS);
        // SAFETY: this frame owns the memory, which is initialised and aligned, and has this many
        // words after the headers, since it is at least a cache line long.
        unsafe { slice::from_raw_parts(first, count) }
    }

    /// Returns the words that contain the payload: what follows the [headers](Self::headers). Bytes of
    /// the last word that are after the frame's end are from an earlier frame.
    #[inline]
    #[must_use]
    pub fn payload(&self) -> &[u64] {
        const HEADERS: usize = HEADER_WORDS * size_of::<u64>() - START;
        let count = self
            .len()
            .saturating_sub(HEADERS)
            .div_ceil(size_of::<u64>());
        let first = self.words().as_ptr().wrapping_add(HEADER_WORDS);
        // SAFETY: this frame owns the memory, which is initialised and aligned. The length keeps
        // within it, and its size is a multiple of a word.
        unsafe { slice::from_raw_parts(first, count) }
    }

    /// Returns the address of the frame for a device.
    #[inline]
    #[must_use]
    pub fn address(&self) -> PhysicalAddress {
        PhysicalAddress((self.words().as_ptr().expose_provenance() + START) as u64)
    }

    /// Leaks the memory: it is never freed. Needed if a device cannot be stopped from writing
    /// into it.
    pub fn leak(self) {
        super::note_leak(self.size());
        mem::forget(self);
    }
}

// SAFETY: a frame owns its memory, like a `Box`. A processor that cannot count memberships atomically runs
// only one thread.
unsafe impl Send for Frame {}

impl Drop for Frame {
    #[inline(never)]
    fn drop(&mut self) {
        if let Some(membership) = self.block().membership {
            // SAFETY: it came from `Membership::into_raw`, and this frame is dropped only once.
            drop(unsafe { Membership::from_raw(membership.as_ptr()) });
        }
        let layout = layout(self.size());
        // SAFETY: the block came from the allocator with this layout.
        unsafe { dealloc(self.block.cast().as_ptr(), layout) }
    }
}

impl fmt::Debug for Frame {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} bytes at {:p})", self.len(), self.block)
    }
}

const fn size_for(capacity: usize) -> usize {
    (START + capacity).next_multiple_of(LINE)
}

/// Returns the layout of a block followed by `size` bytes.
const fn layout(size: usize) -> Layout {
    // SAFETY: the alignment is a power of two, and the size, which fits 20 bits, cannot overflow
    // when it is rounded up.
    unsafe { Layout::from_size_align_unchecked(LINE + size, LINE) }
}

#[cfg(test)]
mod tests;
