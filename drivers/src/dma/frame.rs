//! Ethernet frames in memory that a network device reads and writes.
//!
//! A [`Frame`] is owned by one holder at a time: the receive ring, the network stack, a task, the
//! transmit ring. It moves by value and its bytes stay where they are, so a datagram that is
//! answered crosses the whole kernel without being copied.
//!
//! The Ethernet header begins [`START`] bytes into the frame's memory. That puts the addresses of an
//! IPv4 header without options, the header behind it and that one's payload on multiples of 8
//! bytes, so that a processor which only reads aligned words reads each field in one access. The
//! bytes in front are for the header that a device puts before each frame.

use alloc::alloc::{alloc_zeroed, dealloc};
use core::alloc::Layout;
use core::fmt;
use core::mem;
use core::ptr::NonNull;
use core::slice;
use core::sync::atomic::Ordering;

mod list;
mod pool;

pub use list::FrameList;
pub use pool::Frames;

use super::{LEAKED, LINE, OutOfMemory};
use crate::address::PhysicalAddress;

const _: () = assert!(
    cfg!(target_endian = "little"),
    "headers are read and written as little-endian words"
);

/// Where the Ethernet header begins in the part of a frame's memory that devices see, in bytes.
pub const START: usize = 14;

/// The 64-bit words from the start of that part that hold the headers of a UDP datagram: the device's,
/// Ethernet's, IPv4's without options, and UDP's. The payload begins behind them.
pub const HEADER_WORDS: usize = 7;

/// The longest frame there can be, in bytes.
const LONGEST: usize = u16::MAX as usize - START - LINE;

/// An Ethernet frame, and the memory it is in.
///
/// It is as small as a pointer, since it is handed on often: what is known of it stands in a cache line
/// of its own in front of the memory that devices see. That memory is always initialised, so that a
/// device which claims to have written more than it did shows old bytes at worst. It begins and ends on
/// a cache line: a device that writes into one frame writes into nothing else.
pub struct Frame {
    block: NonNull<Block>,
}

/// What a frame points to: this, and behind it the memory that devices see.
#[repr(C, align(64))]
struct Block {
    /// The one behind it in a list, which is the list's.
    next: Option<NonNull<Self>>,
    /// The most bytes that the frame can have: the size of the memory that devices see, less [`START`].
    capacity: u16,
    /// The length of the frame in bytes.
    len: u16,
    owner: u16,
    verified: bool,
    changed: bool,
}

const _: () =
    assert!(size_of::<Block>() == LINE && size_of::<Option<Frame>>() == size_of::<usize>());

impl Frame {
    /// A frame of no bytes in zeroed memory, with room for `capacity` bytes or a few more.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] where the allocator has no such piece, or the frame would be longer than any.
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
        // Of zeroes all fields are what they are to be, no frame the next one.
        frame.block_mut().capacity = (size - START) as u16;
        Ok(frame)
    }

    /// Gives up the frame and returns its block. The block is not freed until it is a frame again.
    #[inline]
    const fn into_block(self) -> NonNull<Block> {
        let block = self.block;
        mem::forget(self);
        block
    }

    /// The frame of a block.
    ///
    /// # Safety
    ///
    /// The block must come from [`into_block`](Self::into_block), and become a frame once.
    #[inline]
    const unsafe fn from_block(block: NonNull<Block>) -> Self {
        Self { block }
    }

    #[inline]
    const fn block(&self) -> &Block {
        // SAFETY: the block is ours, aligned and initialised.
        unsafe { self.block.as_ref() }
    }

    #[inline]
    const fn block_mut(&mut self) -> &mut Block {
        // SAFETY: as in `block`; the borrow is unique.
        unsafe { self.block.as_mut() }
    }

    /// The memory that devices see.
    #[inline]
    const fn words(&self) -> NonNull<u64> {
        // SAFETY: the allocation goes on behind the block.
        unsafe { self.block.add(1) }.cast()
    }

    /// The size of the memory that devices see, in bytes.
    const fn size(&self) -> usize {
        START + self.capacity()
    }

    /// The most bytes that the frame can have.
    #[inline]
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.block().capacity as usize
    }

    /// How many bytes the frame has.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.block().len as usize
    }

    /// Whether the frame has no bytes.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.block().len == 0
    }

    /// Sets how many bytes the frame has, at most its capacity. Bytes that come into view so are
    /// what was there before.
    #[inline]
    pub fn set_len(&mut self, len: usize) {
        let most = self.capacity();
        self.block_mut().len = len.min(most) as u16;
    }

    /// The number that the holder gave the frame, to know it again.
    #[inline]
    #[must_use]
    pub const fn owner(&self) -> u16 {
        self.block().owner
    }

    /// Gives the frame a number.
    #[inline]
    pub const fn set_owner(&mut self, owner: u16) {
        self.block_mut().owner = owner;
    }

    /// Whether the device says that the checksum of the transport layer is right.
    #[inline]
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        self.block().verified
    }

    /// Notes whether the checksum of the transport layer is known to be right.
    #[inline]
    pub const fn set_verified(&mut self, verified: bool) {
        self.block_mut().verified = verified;
    }

    /// Whether the holder has noted that the content is not what was received.
    #[inline]
    #[must_use]
    pub const fn is_changed(&self) -> bool {
        self.block().changed
    }

    /// Notes whether the content is what was received.
    #[inline]
    pub const fn set_changed(&mut self, changed: bool) {
        self.block_mut().changed = changed;
    }

    /// The frame, from its Ethernet header on.
    #[inline]
    #[must_use]
    pub const fn bytes(&self) -> &[u8] {
        let start = self.words().cast::<u8>().as_ptr().wrapping_add(START);
        // SAFETY: the memory is ours and initialised, and `len` keeps within it.
        unsafe { slice::from_raw_parts(start, self.len()) }
    }

    /// The frame, from its Ethernet header on.
    #[inline]
    #[must_use]
    pub const fn bytes_mut(&mut self) -> &mut [u8] {
        let start = self.words().cast::<u8>().as_ptr().wrapping_add(START);
        // SAFETY: as in `bytes`; the borrow is unique.
        unsafe { slice::from_raw_parts_mut(start, self.len()) }
    }

    /// All of the memory that devices see, whatever the frame's length is.
    #[must_use]
    pub const fn memory(&self) -> &[u8] {
        // SAFETY: the memory is ours, initialised, and as large.
        unsafe { slice::from_raw_parts(self.words().cast::<u8>().as_ptr(), self.size()) }
    }

    /// The headers as little-endian words, whatever the frame's length is: what lies behind its end is
    /// from an earlier frame.
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
        // SAFETY: the memory is ours, initialised, aligned to a cache line and at least one long,
        // which is more than the headers.
        unsafe { self.words().cast().as_ref() }
    }

    /// The headers, as [`headers`](Self::headers) gives them.
    #[inline]
    #[must_use]
    pub const fn headers_mut(&mut self) -> &mut [u64; HEADER_WORDS] {
        // SAFETY: as in `headers`; the borrow is unique.
        unsafe { self.words().cast().as_mut() }
    }

    /// All words behind the [headers](Self::headers), whatever the frame's length is.
    #[inline]
    #[must_use]
    pub fn payload_words(&self) -> &[u64] {
        let count = self.size() / size_of::<u64>() - HEADER_WORDS;
        let first = self.words().as_ptr().wrapping_add(HEADER_WORDS);
        // SAFETY: the memory is ours, initialised and aligned, and has so many words behind the
        // headers, since it is a cache line long at least.
        unsafe { slice::from_raw_parts(first, count) }
    }

    /// Where the frame begins, for a device.
    #[inline]
    #[must_use]
    pub fn address(&self) -> PhysicalAddress {
        PhysicalAddress((self.words().as_ptr().expose_provenance() + START) as u64)
    }

    /// Gives the memory up: it is never freed. For a device that cannot be stopped from writing into
    /// it.
    pub fn leak(self) {
        LEAKED.fetch_add(self.size(), Ordering::Relaxed);
        mem::forget(self);
    }
}

// SAFETY: a frame owns its memory, like a `Box`.
unsafe impl Send for Frame {}

impl Drop for Frame {
    #[inline(never)]
    fn drop(&mut self) {
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

/// The layout of a block and `size` bytes behind it.
const fn layout(size: usize) -> Layout {
    // SAFETY: the alignment is a power of two, and the size, which fits 20 bits, cannot overflow
    // when it is rounded up to that.
    unsafe { Layout::from_size_align_unchecked(LINE + size, LINE) }
}

#[cfg(test)]
mod tests;
