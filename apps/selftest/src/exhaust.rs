//! Uses all memory, twice.

use alloc::vec::Vec;

use vmos::{Kernel, Result, println};

/// The size of a buffer, in bytes.
const BUFFER: usize = 64 << 10;
/// The distance between two words that are written and compared, in bytes: an overlap of this size is found.
/// To write and compare all words takes many times as long.
const DISTANCE: usize = 64;
/// The size of a buffer's number, in bytes.
const WORD: usize = size_of::<usize>();

/// Takes buffers until there is no memory, checks that none overlaps another one, and frees them, twice.
/// Prints how many there were each time.
pub(crate) fn check(kernel: Kernel) -> Result<()> {
    let first = take_all(kernel);
    let second = take_all(kernel);
    println!("exhausted: {first} {second}");
    Ok(())
}

fn take_all(kernel: Kernel) -> usize {
    let mut buffers = Vec::new();
    while buffers.try_reserve(1).is_ok()
        && let Ok(mut buffer) = kernel.buffer(BUFFER)
    {
        let number = buffers.len();
        for part in buffer.chunks_exact_mut(DISTANCE) {
            part[..WORD].copy_from_slice(&number.to_le_bytes());
        }
        buffers.push(buffer);
    }
    for (number, buffer) in buffers.iter().enumerate() {
        let mut parts = buffer.chunks_exact(DISTANCE);
        assert!(
            parts.all(|part| part[..WORD] == number.to_le_bytes()),
            "buffer {number} overlaps another one"
        );
    }
    buffers.len()
}
