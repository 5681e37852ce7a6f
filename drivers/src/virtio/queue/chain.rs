//! What a chain is to whoever lends it, and what is kept of it privately.

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
    /// `len` bytes that the device reads.
    #[inline]
    #[must_use]
    pub const fn readable(address: PhysicalAddress, len: u32) -> Self {
        Self {
            address: address.0,
            len,
            writable: false,
        }
    }

    /// `len` bytes that the device writes.
    #[inline]
    #[must_use]
    pub const fn writable(address: PhysicalAddress, len: u32) -> Self {
        Self {
            address: address.0,
            len,
            writable: true,
        }
    }

    /// The first `len` bytes, and the rest, which is at `rest`.
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

/// A chain that the device has given back. It is the caller's until [`Queue::free`](super::Queue::free) or
/// [`Queue::lend_again`](super::Queue::lend_again).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Used {
    /// The chain's first descriptor.
    pub head: u16,
    /// What the caller gave with the chain.
    pub owner: u16,
    /// How many bytes the device says it wrote, at most as many as the chain holds.
    pub len: u32,
    /// The device claimed to have written more than the chain holds.
    pub overlong: bool,
}

/// Why a queue is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// A used entry named a descriptor that does not start a chain the device has.
    Id(u32),
    /// The used index ran ahead by more chains than the device has.
    Index {
        /// How far it ran.
        ahead: u16,
        /// How many chains the device has.
        lent: u16,
    },
}

impl fmt::Display for Refusal {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "the device gave back chain {id}, which it did not have"),
            Self::Index { ahead, lent } => {
                write!(
                    f,
                    "the device gave back {ahead} chains at once and had {lent}"
                )
            }
        }
    }
}

impl core::error::Error for Refusal {}

/// What a descriptor is to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// In the free list.
    Free,
    /// A chain of one descriptor that the device has.
    Lent,
    /// The head of a chain of several descriptors that the device has.
    LentChain,
    /// The head of a chain that was given back and not yet freed or lent again.
    Held,
    /// In a chain behind its head.
    Behind,
}

impl State {
    /// That of a head of `count` descriptors that the device has.
    #[inline]
    pub(super) const fn lent(count: u16) -> Self {
        if count == 1 {
            Self::Lent
        } else {
            Self::LentChain
        }
    }
}

/// The size is a power of two, so that looking one up takes a shift.
#[derive(Clone, Copy, Debug)]
#[repr(align(16))]
pub(super) struct Shadow {
    pub(super) state: State,
    /// The next in the free list or in the chain.
    pub(super) next: u16,
    /// Of a head: how many descriptors the chain takes from the table.
    pub(super) count: u16,
    /// Of a head: what its owner gave.
    pub(super) owner: u16,
    /// Of a head: how many bytes the device may write.
    pub(super) writable: u32,
}
