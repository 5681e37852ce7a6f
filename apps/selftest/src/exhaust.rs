//! Uses all memory, twice.

use alloc::vec::Vec;

use vmos::{Kernel, Result, println};

/// The size of a buffer, in bytes.
const BUFFER: usize = 64 << 10;

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
        for word in buffer.chunks_exact_mut(size_of::<usize>()) {
            word.copy_from_slice(&number.to_le_bytes());
        }
        buffers.push(buffer);
    }
    for (number, buffer) in buffers.iter().enumerate() {
        let mut words = buffer.chunks_exact(size_of::<usize>());
        assert!(
            words.all(|word| word == number.to_le_bytes()),
            "buffer {number} overlaps another one"
        );
    }
    buffers.len()
}
