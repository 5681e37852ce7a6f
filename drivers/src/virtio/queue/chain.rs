//! Chains of descriptors, as their owners see them, and the private record of them.

use core::fmt;

use super::ring::{Descriptor, NEXT, WRITE};
use crate::address::PhysicalAddress;
use crate::dma::Frame;

/// A piece of memory in a chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    address: u64,
    pub(super) len: u32,
    pub(super) writable: bool,
}

impl Segment {
    /// Returns a segment of `len` bytes that the device reads.
    #[inline]
    #[must_use]
    pub const fn readable(address: PhysicalAddress, len: u32) -> Self {
        Self {
            address: address.0,
            len,
            writable: false,
        }
    }

    /// Returns a segment of `len` bytes that the device writes.
    #[inline]
    #[must_use]
    pub const fn writable(address: PhysicalAddress, len: u32) -> Self {
        Self {
            address: address.0,
            len,
            writable: true,
        }
    }

    /// Splits the segment into its first `len` bytes and the rest; `rest` is the address of the
    /// rest.
    pub(in super::super) const fn split(self, len: u32, rest: PhysicalAddress) -> [Self; 2] {
        let len = if len < self.len { len } else { self.len };
        [
            Self { len, ..self },
            Self {
                address: rest.0,
                len: self.len - len,
                ..self
            },
        ]
    }

    pub(super) const fn descriptor(self, next: Option<u16>) -> Descriptor {
        let flags = if self.writable { WRITE } else { 0 };
        let (flags, next) = match next {
            Some(next) => (flags | NEXT, next),
            None => (flags, 0),
        };
        Descriptor {
            address: self.address,
            len: self.len,
            flags,
            next,
        }
    }
}

/// A chain that the device has returned. Its owner keeps it until it calls
/// [`Queue::free`](super::Queue::free) or [`Queue::lend_again`](super::Queue::lend_again).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Used {
    /// The chain's first descriptor.
    pub head: u16,
    /// The owner's number, as given with the chain.
    pub owner: u16,
    /// The number of bytes that the device reports as written, at most the chain's size.
    pub len: u32,
    /// Whether the device reported more bytes than the chain's size.
    pub overlong: bool,
}

/// The reason why a queue is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// A used entry contained this descriptor, which is not the head of a lent chain.
    Id(u32),
    /// A used entry contained this head of a lent chain whose request has no result yet.
    Unfinished(u16),
    /// The used index advanced by more chains than were lent.
    Index {
        /// How far the index advanced.
        ahead: u16,
        /// How many chains were lent.
        lent: u16,
    },
}

impl fmt::Display for Refusal {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(
                f,
                "the device returned chain {id}, which was not lent to it"
            ),
            Self::Unfinished(head) => {
                write!(f, "the device returned chain {head} without a result")
            }
            Self::Index { ahead, lent } => {
                write!(
                    f,
                    "the device returned {ahead} chains, but only {lent} were lent to it"
                )
            }
        }
    }
}

impl core::error::Error for Refusal {}

/// The number of a chain that is not lent: it is greater than that of any lent one.
pub(super) const NOT_LENT: u64 = u64::MAX;

/// The record of a descriptor. The size is a power of two, so that indexing is a shift.
#[derive(Default, Debug)]
#[repr(align(32))]
pub(super) struct Shadow {
    /// The next descriptor in the free list or in the chain.
    pub(super) next: u16,
    /// For the head of a chain: the number of the chain's descriptors in the queue; otherwise 0.
    pub(super) count: u16,
    /// For a head: its owner's number.
    pub(super) owner: u16,
    /// For a head: how many bytes the device may write.
    pub(super) writable: u32,
    /// For the head of a lent chain: the number of chains lent before it since the last reset; for any
    /// other descriptor [`NOT_LENT`]. The device can have returned a chain if the number is less than
    /// that of the published chains, so one comparison finds every wrong id.
    pub(super) lent_as: u64,
    /// For a head: the frame whose memory the chain lends, if its owner left it with the queue.
    pub(super) frame: Option<Frame>,
}

impl Shadow {
    /// Sets everything but the frame.
    #[inline]
    pub(super) const fn describe(
        &mut self,
        next: u16,
        count: u16,
        owner: u16,
        writable: u32,
        lent_as: u64,
    ) {
        (self.next, self.count, self.owner) = (next, count, owner);
        (self.writable, self.lent_as) = (writable, lent_as);
    }

    /// Returns whether this is the head of a chain that was returned and not yet freed or lent again.
    #[inline]
    pub(super) const fn is_held(&self) -> bool {
        self.lent_as == NOT_LENT && self.count > 0
    }
}
