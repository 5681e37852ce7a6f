//! Memory for queues, allocated when a socket is opened, never while it is in use.

use alloc::vec::Vec;

/// The capacity of a queue of datagrams.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// use vmos::net::Queue;
///
/// let receive = Queue { datagrams: 64, bytes: 32 << 10 };
/// let send = Queue { datagrams: 4, bytes: 4 << 10 };
/// let socket = kernel.net()?.udp_with(9000, receive, send)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// The largest number of datagrams.
    pub datagrams: usize,
    /// The largest number of payload bytes in all datagrams together.
    pub bytes: usize,
}

/// There is not enough memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfMemory;

/// Returns `length` zero bytes.
pub(super) fn bytes(length: usize) -> Result<Vec<u8>, OutOfMemory> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| OutOfMemory)?;
    bytes.resize(length, 0);
    Ok(bytes)
}
