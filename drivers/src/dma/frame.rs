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
use alloc::vec::Vec;
use core::alloc::Layout;
use core::cell::RefCell;
use core::fmt;
use core::mem;
use core::ptr::NonNull;
use core::slice;
use core::sync::atomic::Ordering;

use super::{LEAKED, LINE, OutOfMemory};
use crate::address::PhysicalAddress;

const _: () = assert!(
    cfg!(target_endian = "little"),
    "headers are read and written as little-endian words"
);

/// Where the Ethernet header begins in a frame's memory, in bytes.
pub const START: usize = 14;

/// The 64-bit words from the start of a frame's memory that hold the headers of a UDP datagram: the
/// device's, Ethernet's, IPv4's without options, and UDP's. The payload begins behind them.
pub const HEADER_WORDS: usize = 7;

/// The longest frame there can be, in bytes.
const LONGEST: usize = u16::MAX as usize - START - LINE;

/// An Ethernet frame, and the memory it is in.
///
/// The memory is always initialised, so that a device which claims to have written more than it did
/// shows old bytes at worst. It begins and ends on a cache line: a device that writes into one frame
/// writes into nothing else.
pub struct Frame {
    memory: NonNull<u64>,
    /// The size of the memory in words.
    words: u16,
    /// The length of the frame in bytes.
    len: u16,
    owner: u16,
    verified: bool,
}

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
        let memory = NonNull::new(memory.cast()).ok_or(OutOfMemory { bytes: size })?;
        Ok(Self {
            memory,
            words: (size / size_of::<u64>()) as u16,
            len: 0,
            owner: 0,
            verified: false,
        })
    }

    const fn size(&self) -> usize {
        self.words as usize * size_of::<u64>()
    }

    /// The most bytes that the frame can have.
    #[inline]
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.size() - START
    }

    /// How many bytes the frame has.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether the frame has no bytes.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Sets how many bytes the frame has, at most its capacity. Bytes that come into view so are
    /// what was there before.
    #[inline]
    pub fn set_len(&mut self, len: usize) {
        self.len = len.min(self.capacity()) as u16;
    }

    /// The number that the holder gave the frame, to know it again.
    #[inline]
    #[must_use]
    pub const fn owner(&self) -> u16 {
        self.owner
    }

    /// Gives the frame a number.
    #[inline]
    pub const fn set_owner(&mut self, owner: u16) {
        self.owner = owner;
    }

    /// Whether the device says that the checksum of the transport layer is right.
    #[inline]
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        self.verified
    }

    /// Notes whether the checksum of the transport layer is known to be right.
    #[inline]
    pub const fn set_verified(&mut self, verified: bool) {
        self.verified = verified;
    }

    /// The frame, from its Ethernet header on.
    #[inline]
    #[must_use]
    pub const fn bytes(&self) -> &[u8] {
        let start = self.memory.cast::<u8>().as_ptr().wrapping_add(START);
        // SAFETY: the memory is ours and initialised, and `len` keeps within it.
        unsafe { slice::from_raw_parts(start, self.len()) }
    }

    /// The frame, from its Ethernet header on.
    #[inline]
    #[must_use]
    pub const fn bytes_mut(&mut self) -> &mut [u8] {
        let start = self.memory.cast::<u8>().as_ptr().wrapping_add(START);
        // SAFETY: as in `bytes`; the borrow is unique.
        unsafe { slice::from_raw_parts_mut(start, self.len()) }
    }

    /// All of the memory, whatever the frame's length is.
    #[must_use]
    pub const fn memory(&self) -> &[u8] {
        // SAFETY: the memory is ours, initialised, and as large.
        unsafe { slice::from_raw_parts(self.memory.cast::<u8>().as_ptr(), self.size()) }
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
        unsafe { self.memory.cast().as_ref() }
    }

    /// The headers, as [`headers`](Self::headers) gives them.
    #[inline]
    #[must_use]
    pub const fn headers_mut(&mut self) -> &mut [u64; HEADER_WORDS] {
        // SAFETY: as in `headers`; the borrow is unique.
        unsafe { self.memory.cast().as_mut() }
    }

    /// All words behind the [headers](Self::headers), whatever the frame's length is.
    #[inline]
    #[must_use]
    pub fn payload_words(&self) -> &[u64] {
        // SAFETY: the memory is ours, initialised and aligned, and has so many words.
        let all = unsafe { slice::from_raw_parts(self.memory.as_ptr(), usize::from(self.words)) };
        all.get(HEADER_WORDS..).unwrap_or_default()
    }

    /// Where the frame begins, for a device.
    #[inline]
    #[must_use]
    pub fn address(&self) -> PhysicalAddress {
        PhysicalAddress((self.memory.as_ptr().expose_provenance() + START) as u64)
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
        // SAFETY: the memory came from the allocator with this layout.
        unsafe { dealloc(self.memory.cast().as_ptr(), layout(self.size())) }
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} bytes at {:p})", self.len, self.memory)
    }
}

const fn size_for(capacity: usize) -> usize {
    (START + capacity).next_multiple_of(LINE)
}

const fn layout(size: usize) -> Layout {
    // SAFETY: the alignment is a power of two, and the size, which fits 19 bits, cannot overflow
    // when it is rounded up to that.
    unsafe { Layout::from_size_align_unchecked(size, LINE) }
}

/// Frames that nobody holds, kept for the next ones: while a server receives and replies, none is
/// allocated.
pub struct Frames {
    spare: RefCell<Vec<Frame>>,
    capacity: usize,
}

impl Frames {
    /// The most frames that are kept.
    pub const MOST: usize = 64;

    /// A pool of frames with room for `capacity` bytes, none of them allocated yet.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] where no memory is left for the pool itself.
    pub fn new(capacity: usize) -> Result<Self, OutOfMemory> {
        let mut spare = Vec::new();
        spare
            .try_reserve_exact(Self::MOST)
            .map_err(|_error| OutOfMemory {
                bytes: Self::MOST * size_of::<Frame>(),
            })?;
        Ok(Self {
            spare: RefCell::new(spare),
            capacity: size_for(capacity) - START,
        })
    }

    /// The room in each frame, in bytes.
    #[inline]
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// A frame: one that was given back, or a new one. Its content is of an earlier frame, and so are
    /// its length and number.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] where there is no spare one and no memory for another.
    #[inline]
    pub fn take(&self) -> Result<Frame, OutOfMemory> {
        match self.spare.borrow_mut().pop() {
            Some(frame) => Ok(frame),
            None => self.allocate(self.capacity),
        }
    }

    /// A frame with room for `capacity` bytes, which may be more than that of this pool's frames.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    #[inline]
    pub fn take_for(&self, capacity: usize) -> Result<Frame, OutOfMemory> {
        if capacity <= self.capacity {
            self.take()
        } else {
            self.allocate(capacity)
        }
    }

    #[cold]
    fn allocate(&self, capacity: usize) -> Result<Frame, OutOfMemory> {
        Frame::new(capacity)
    }

    /// Takes a frame back. It is kept where it has the pool's size and there are not enough spare
    /// ones yet, else freed.
    #[inline]
    pub fn give(&self, frame: Frame) {
        let mut spare = self.spare.borrow_mut();
        if spare.len() < Self::MOST && frame.capacity() == self.capacity {
            // Within the capacity reserved in `new`.
            spare.push(frame);
        }
    }
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} spare frames", self.spare.borrow().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_a_datagram_are_aligned() {
        let frame = Frame::new(1518).expect("the host has a frame");
        let memory = frame.address().0 - START as u64;
        let (ethernet, ip) = (14, 20);
        assert_eq!(memory % 64, 0);
        for field in [ethernet + 12, ethernet + ip, ethernet + ip + 8] {
            assert_eq!((frame.address().0 + field) % 8, 0, "at {field}");
        }
        assert!(frame.capacity() >= 1518);
    }

    #[test]
    fn bytes_and_words_are_the_same_memory() {
        let mut frame = Frame::new(100).expect("the host has a frame");
        frame.set_len(60);
        frame.bytes_mut()[42..50].copy_from_slice(&7_u64.to_ne_bytes());
        frame.headers_mut()[6] = u64::from_ne_bytes(*b"udp here");
        assert_eq!(frame.payload_words()[0], 7);
        assert_eq!(&frame.bytes()[34..42], b"udp here");
        assert_eq!(frame.headers()[6], u64::from_ne_bytes(*b"udp here"));
        assert_eq!(frame.payload_words().len(), 9);
    }

    #[test]
    fn a_frame_is_no_longer_than_its_memory() {
        let mut frame = Frame::new(64).expect("the host has a frame");
        assert!(frame.is_empty() && frame.bytes().is_empty());
        frame.set_len(10_000);
        assert_eq!((frame.len(), frame.capacity()), (114, 114));
        assert_eq!(frame.bytes(), [0; 114]);
        assert!(Frame::new(usize::MAX).is_err() && Frame::new(LONGEST + 1).is_err());
        assert_eq!(Frame::new(LONGEST).map(|frame| frame.len()), Ok(0));
    }

    #[test]
    fn a_frame_that_is_given_back_is_the_next_one_taken() {
        let frames = Frames::new(1518).expect("the host has a pool");
        let frame = frames.take().expect("the host has a frame");
        let address = frame.address();
        frames.give(frame);
        assert_eq!(frames.take().map(|frame| frame.address()), Ok(address));
    }

    #[test]
    fn a_pool_keeps_only_frames_of_its_size_and_not_too_many() {
        let frames = Frames::new(1518).expect("the host has a pool");
        frames.give(Frame::new(4000).expect("the host has a frame"));
        assert_eq!(frames.spare.borrow().len(), 0);
        let long = frames.take_for(4000).expect("the host has a frame");
        assert!(long.capacity() >= 4000);
        for _ in 0..=Frames::MOST {
            frames.give(Frame::new(1518).expect("the host has a frame"));
        }
        assert_eq!(frames.spare.borrow().len(), Frames::MOST);
    }
}
