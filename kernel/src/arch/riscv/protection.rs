//! Memory protection in M mode: the entries of the physical memory protection (PMP, section 3.7).
//!
//! M mode has no MMU, but locked PMP entries apply to it. The first page (null pointers) and the
//! guard below the stack are inaccessible, code is not writable, and data is not executable. Memory
//! without an entry is accessible, including the devices. A hart may have fewer entries; the most
//! important ones come first, and those that exist apply.

use core::ops::Range;

/// The number of entries used.
pub(super) const ENTRIES: usize = 8;

/// The entry covers the range from the address of the previous entry to its own.
const TOP_OF_RANGE: u8 = 0b01 << 3;
/// The entry applies to M mode too, until reset.
const LOCKED: u8 = 1 << 7;
const READ: u8 = 1 << 0;
const WRITE: u8 = 1 << 1;
const EXECUTE: u8 = 1 << 2;

/// The shift of an address in `pmpaddr`.
const ADDRESS_SHIFT: u32 = 2;

/// The end of the page for null pointers.
const NULL_PAGE: u64 = 0x1000;

/// The boundaries of the protected parts, ascending.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    /// The executable part.
    pub(super) code: Range<u64>,
    /// The end of the read-only part.
    pub(super) read_only_end: u64,
    /// The end of the writable data.
    pub(super) data_end: u64,
    /// The end of the guard below the stack.
    pub(super) guard_end: u64,
    /// The end of the RAM with the stacks and the heap.
    pub(super) ram_end: u64,
    /// Whether something is in use at address zero.
    pub(super) uses_null: bool,
}

/// A PMP entry: the value of `pmpaddr`, and its byte of `pmpcfg`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) address: u64,
    pub(super) configuration: u8,
}

/// Returns the entries for `parts`.
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
        // The stack and the heap share an entry.
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

    /// Returns M mode's permissions at an address; `None` if no entry covers it.
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
    fn each_part_has_its_permissions() {
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
    fn null_and_the_guard_are_inaccessible() {
        for address in [0, 0xfff, 0x8002_0000, 0x8002_0fff] {
            assert_eq!(access(&PARTS, address), Some(0), "{address:#x}");
        }
    }

    #[test]
    fn memory_outside_the_kernel_is_accessible() {
        for address in [0x1000, 0x1000_0000, 0x7fff_ffff, 0x1_8000_0000] {
            assert_eq!(access(&PARTS, address), None, "{address:#x}");
        }
    }

    #[test]
    fn address_zero_may_be_in_use() {
        let parts = Parts {
            uses_null: true,
            ..PARTS
        };
        assert_eq!(access(&parts, 0), None);
        assert_eq!(access(&parts, 0x8000_0000), Some(READ | EXECUTE));
    }
}
