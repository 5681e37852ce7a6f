//! Reads counters of 64 bits whose halves are two registers.

use crate::mmio::Registers;

/// Reads a counter whose lower and upper half are at these offsets. The lower half may overflow between
/// two accesses, so the upper one is read until it stays the same.
#[inline]
pub(super) fn read<R: Registers>(registers: &R, [low, high]: [usize; 2]) -> u64 {
    let mut upper = registers.read32(high);
    loop {
        let lower = registers.read32(low);
        let again = registers.read32(high);
        if again == upper {
            return u64::from(upper) << 32 | u64::from(lower);
        }
        upper = again;
    }
}
