//! Memory for what is queued: taken when a socket is made, never while it works.

use alloc::vec::Vec;
use core::cell::RefCell;

use smoltcp::storage::{PacketBuffer, PacketMetadata};

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

/// A queue's memory.
pub(super) fn datagrams<H: Clone>(size: Queue) -> Result<PacketBuffer<'static, H>, OutOfMemory> {
    let mut metadata = Vec::new();
    metadata
        .try_reserve_exact(size.datagrams)
        .map_err(|_| OutOfMemory)?;
    metadata.resize(size.datagrams, PacketMetadata::EMPTY);
    Ok(PacketBuffer::new(metadata, bytes(size.bytes)?))
}

/// `length` zeroes.
pub(super) fn bytes(length: usize) -> Result<Vec<u8>, OutOfMemory> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| OutOfMemory)?;
    bytes.resize(length, 0);
    Ok(bytes)
}

/// Buffers of received datagrams that were dropped, kept for the next ones: a server that receives
/// and replies then allocates nothing.
#[derive(Default)]
pub(super) struct Pool {
    spare: RefCell<Vec<Vec<u8>>>,
}

impl Pool {
    /// Capacity of each buffer in the pool: whatever fits an Ethernet frame.
    const BUFFER: usize = 1536;
    /// The most buffers that are kept.
    const BUFFERS: usize = 16;

    /// A copy of `payload`.
    pub(super) fn copy(&self, payload: &[u8]) -> Result<Vec<u8>, OutOfMemory> {
        let mut buffer = self.spare.borrow_mut().pop().unwrap_or_default();
        if buffer.capacity() < payload.len() || buffer.capacity() == 0 {
            buffer
                .try_reserve_exact(payload.len().max(Self::BUFFER))
                .map_err(|_| OutOfMemory)?;
        }
        buffer.extend_from_slice(payload);
        Ok(buffer)
    }

    /// Takes a buffer back.
    pub(super) fn give(&self, mut buffer: Vec<u8>) {
        let mut spare = self.spare.borrow_mut();
        if buffer.capacity() == Self::BUFFER && spare.len() < Self::BUFFERS {
            if spare.capacity() == 0 && spare.try_reserve_exact(Self::BUFFERS).is_err() {
                return;
            }
            buffer.clear();
            spare.push(buffer);
        }
    }
}
