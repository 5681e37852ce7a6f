//! What M mode is kept from: the entries of its physical memory protection (section 3.7).
//!
//! M mode has no MMU. A locked entry of the PMP holds for it all the same: the first page, where null
//! pointers lead, and the page below the stack are not there, code is not written, and data is not
//! executed. What no entry covers is free, the devices among it. A hart may have fewer entries than
//! these; those it has still hold, and they are in the order of what they are worth.

use core::ops::Range;

/// How many entries are used.
pub(super) const ENTRIES: usize = 8;

/// The entry ends with its address and begins with that of the entry before.
const TOP_OF_RANGE: u8 = 0b01 << 3;
/// It holds for M mode too, until reset.
const LOCKED: u8 = 1 << 7;
const READ: u8 = 1 << 0;
const WRITE: u8 = 1 << 1;
const EXECUTE: u8 = 1 << 2;

/// How far an address is shifted in `pmpaddr`.
const ADDRESS_SHIFT: u32 = 2;

/// The last address that a null pointer leads to, and one more.
const NULL_PAGE: u64 = 0x1000;

/// The parts of memory that are told apart, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    /// What is executed.
    pub(super) code: Range<u64>,
    /// Where what is only read ends.
    pub(super) read_only_end: u64,
    /// Where what is written ends.
    pub(super) data_end: u64,
    /// Where the page below the stack ends.
    pub(super) guard_end: u64,
    /// Where the RAM with the stacks and the heap behind it ends.
    pub(super) ram_end: u64,
    /// Whether something is meant to be at address zero.
    pub(super) uses_null: bool,
}

/// An entry: what goes into `pmpaddr`, and into its byte of `pmpcfg`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) address: u64,
    pub(super) configuration: u8,
}

/// The entries that tell `parts` apart.
pub(super) fn entries(parts: &Parts) -> [Entry; ENTRIES] {
    let up_to = |end: u64, access: u8| Entry {
        address: end >> ADDRESS_SHIFT,
        configuration: LOCKED | TOP_OF_RANGE | access,
    };
    let begin = |address: u64| Entry {
        address: address >> ADDRESS_SHIFT,
        configuration: 0,
    };
    let null = match parts.uses_null {
        true => begin(0),
        false => up_to(NULL_PAGE, 0),
    };
    [
        null,
        begin(parts.code.start),
        up_to(parts.code.end, READ | EXECUTE),
        up_to(parts.read_only_end, READ),
        up_to(parts.data_end, READ | WRITE),
        up_to(parts.guard_end, 0),
        // The first page of the stack is told apart from the heap by nothing.
        begin(parts.guard_end),
        up_to(parts.ram_end, READ | WRITE),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: Parts = Parts {
        code: 0x8000_0000..0x8001_0000,
        read_only_end: 0x8001_8000,
        data_end: 0x8002_0000,
        guard_end: 0x8002_1000,
        ram_end: 0x1_8000_0000,
        uses_null: false,
    };

    /// What the hart lets M mode do at an address; `None` where no entry covers it.
    fn access(parts: &Parts, address: u64) -> Option<u8> {
        let mut begin = 0;
        for entry in entries(parts) {
            let end = entry.address << 2;
            let covers = entry.configuration & 0b11 << 3 == TOP_OF_RANGE;
            if covers && (begin..end).contains(&address) {
                assert!(entry.configuration & LOCKED != 0, "it is not for M mode");
                return Some(entry.configuration & 0b111);
            }
            begin = end;
        }
        None
    }

    #[test]
    fn each_part_may_be_used_as_it_is_meant() {
        for (address, expected) in [
            (0x8000_0000, READ | EXECUTE),
            (0x8000_ffff, READ | EXECUTE),
            (0x8001_0000, READ),
            (0x8001_8000, READ | WRITE),
            (0x8002_1000, READ | WRITE),
            (0x1_7fff_ffff, READ | WRITE),
        ] {
            assert_eq!(access(&PARTS, address), Some(expected), "{address:#x}");
        }
    }

    #[test]
    fn null_and_the_guard_are_not_there() {
        for address in [0, 0xfff, 0x8002_0000, 0x8002_0fff] {
            assert_eq!(access(&PARTS, address), Some(0), "{address:#x}");
        }
    }

    #[test]
    fn what_is_not_the_kernels_is_free() {
        for address in [0x1000, 0x1000_0000, 0x7fff_ffff, 0x1_8000_0000] {
            assert_eq!(access(&PARTS, address), None, "{address:#x}");
        }
    }

    #[test]
    fn something_may_be_at_address_zero() {
        let parts = Parts {
            uses_null: true,
            ..PARTS
        };
        assert_eq!(access(&parts, 0), None);
        assert_eq!(access(&parts, 0x8000_0000), Some(READ | EXECUTE));
    }
}
