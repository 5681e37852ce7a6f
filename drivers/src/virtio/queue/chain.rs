//! Chains of descriptors, as their owners see them, and the private record of them.

use core::fmt;

use super::ring::{Descriptor, NEXT, WRITE};
use crate::address::PhysicalAddress;

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

/// The state of a descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// The descriptor is in the free list.
    Free,
    /// The descriptor is a lent chain of one descriptor.
    Lent,
    /// The descriptor is the head of a lent chain of several descriptors.
    LentChain,
    /// The descriptor is the head of a chain that was returned and not yet freed or lent again.
    Held,
    /// The descriptor is in a chain, after its head.
    Behind,
}

impl State {
    /// Returns the state of the head of a lent chain of `count` descriptors.
    #[inline]
    pub(super) const fn lent(count: u16) -> Self {
        if count == 1 {
            Self::Lent
        } else {
            Self::LentChain
        }
    }

    /// Returns whether it is that of the head of a lent chain.
    #[inline]
    pub(super) const fn is_lent(self) -> bool {
        matches!(self, Self::Lent | Self::LentChain)
    }
}

/// The record of a descriptor. The size is a power of two, so that indexing is a shift.
#[derive(Clone, Copy, Debug)]
#[repr(align(16))]
pub(super) struct Shadow {
    pub(super) state: State,
    /// The next descriptor in the free list or in the chain.
    pub(super) next: u16,
    /// For a head: the number of the chain's descriptors in the queue.
    pub(super) count: u16,
    /// For a head: its owner's number.
    pub(super) owner: u16,
    /// For a head: how many bytes the device may write.
    pub(super) writable: u32,
    /// For the head of a lent chain: the number of chains lent before it since the last reset,
    /// wrapping.
    pub(super) lent_as: u32,
}

impl Shadow {
    /// Returns whether the chain was lent among the first `published`. A chain that the device keeps
    /// while 2^31 others are lent counts as one that was not.
    #[inline]
    pub(super) const fn precedes(&self, published: u32) -> bool {
        (self.lent_as.wrapping_sub(published) as i32) < 0
    }
}
