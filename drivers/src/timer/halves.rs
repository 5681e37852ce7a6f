//! Reads counters of 64 bits whose halves are two registers.

use crate::mmio::Registers;

/// How often a counter is read again. Its upper half changes once in 2³² ticks. If it changes each time, the
/// address in the board file is not that of a counter.
const TRIES: usize = 8;

/// Reads a counter whose lower and upper half are at these offsets. The lower half may overflow between
/// two accesses, so the upper one is read until it stays the same.
#[inline]
pub(super) fn read<R: Registers>(registers: &R, [low, high]: [usize; 2]) -> u64 {
    let upper = registers.read32(high);
    let lower = registers.read32(low);
    let again = registers.read32(high);
    if again == upper {
        return join(upper, lower);
    }
    read_again(registers, [low, high], again)
}

/// Reads the counter after its upper half has changed to `upper`.
#[cold]
fn read_again<R: Registers>(registers: &R, [low, high]: [usize; 2], mut upper: u32) -> u64 {
    let mut lower = 0;
    for _ in 0..TRIES {
        lower = registers.read32(low);
        let again = registers.read32(high);
        if again == upper {
            break;
        }
        upper = again;
    }
    join(upper, lower)
}

fn join(upper: u32, lower: u32) -> u64 {
    u64::from(upper) << 32 | u64::from(lower)
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::*;
    use crate::mmio::words::WordRegisters;

    /// Registers in place of a counter. Returns the value of the nth access, from 0 on.
    struct Elsewhere {
        value: fn(offset: usize, access: u32) -> u32,
        accesses: Cell<u32>,
    }

    impl Elsewhere {
        fn read(value: fn(usize, u32) -> u32) -> (u64, u32) {
            let registers = Self {
                value,
                accesses: Cell::new(0),
            };
            let count = read(&&registers, [0, 4]);
            (count, registers.accesses.get())
        }
    }

    impl WordRegisters for &Elsewhere {
        fn read(&self, offset: usize) -> u32 {
            let access = self.accesses.get();
            assert!(access < 1000, "it is read without end");
            self.accesses.set(access + 1);
            (self.value)(offset, access)
        }

        fn write(&self, _: usize, _: u32) {
            panic!("a counter is not written")
        }
    }

    #[test]
    fn a_counter_is_read_in_three_accesses() {
        let read = Elsewhere::read(|offset, _| offset as u32 + 1);
        assert_eq!(read, (5 << 32 | 1, 3));
    }

    #[test]
    fn a_carry_between_the_accesses_costs_two_more() {
        let read = Elsewhere::read(|offset, access| match (offset, access) {
            (0, 0..2) => u32::MAX,
            (0, _) => 7,
            (_, 0) => 4,
            _ => 5,
        });
        assert_eq!(read, (5 << 32 | 7, 5));
    }

    #[test]
    fn a_register_that_always_changes_is_not_read_forever() {
        let (_, accesses) = Elsewhere::read(|_, access| access);
        assert!(accesses < 30, "{accesses}");
    }
}
