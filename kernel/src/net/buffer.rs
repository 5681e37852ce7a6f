//! Memory for what is queued: taken when a socket is made, never while it works.

use alloc::vec::Vec;

/// The size of a queue of datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// The most datagrams in it.
    pub datagrams: usize,
    /// The most payload bytes in it, all datagrams together.
    pub bytes: usize,
}

/// There is no memory for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfMemory;

/// `length` zeroes.
pub(super) fn bytes(length: usize) -> Result<Vec<u8>, OutOfMemory> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| OutOfMemory)?;
    bytes.resize(length, 0);
    Ok(bytes)
}
