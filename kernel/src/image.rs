//! The address ranges of the image, from the symbols of the linker script.

use core::ops::Range;

use vmos_drivers::address::{self, PhysicalAddress};

use crate::arch::{Access, Mapping};

// Only their addresses are used.
unsafe extern "C" {
    safe static __image_start: u8;
    safe static __image_end: u8;
    safe static __text_start: u8;
    safe static __text_end: u8;
    safe static __rodata_start: u8;
    safe static __rodata_end: u8;
    safe static __data_start: u8;
    safe static __data_end: u8;
    safe static __stack_guard: u8;
    safe static __stack_bottom: u8;
    safe static __stack_top: u8;
    safe static __emergency_stack_bottom: u8;
    safe static __emergency_stack_top: u8;
}

/// Returns the range between two symbols.
macro_rules! between {
    ($start:ident, $end:ident) => {
        (&raw const $start) as usize..(&raw const $end) as usize
    };
}

/// Returns the whole image, including the stacks.
#[must_use]
pub fn range() -> address::Range {
    physical(all())
}

/// Returns the mappings of all parts. None of them contains the guard page below the stack, which
/// must not be mapped.
#[must_use]
pub fn mappings() -> [Mapping; 5] {
    [
        (code(), Access::Code),
        (read_only_data(), Access::ReadOnly),
        (data(), Access::Data),
        (stack(), Access::Data),
        (emergency_stack(), Access::Data),
    ]
    .map(|(part, access)| Mapping::identity(physical(part), access))
}

fn physical(part: Range<usize>) -> address::Range {
    address::Range {
        base: PhysicalAddress(part.start as u64),
        size: part.len() as u64,
    }
}

/// Returns the whole image, as processor addresses.
#[must_use]
pub fn all() -> Range<usize> {
    between!(__image_start, __image_end)
}

/// Returns the executable part.
#[must_use]
pub fn code() -> Range<usize> {
    between!(__text_start, __text_end)
}

/// Returns the read-only data.
#[must_use]
pub fn read_only_data() -> Range<usize> {
    between!(__rodata_start, __rodata_end)
}

/// Returns the writable data: initialised data, then zeroed data.
#[must_use]
pub fn data() -> Range<usize> {
    between!(__data_start, __data_end)
}

/// Returns the guard page: it is not mapped, so that a stack overflow faults.
#[must_use]
pub fn stack_guard() -> Range<usize> {
    between!(__stack_guard, __stack_bottom)
}

/// Returns the stack of the kernel.
#[must_use]
pub fn stack() -> Range<usize> {
    between!(__stack_bottom, __stack_top)
}

/// Returns the stack for fault reports.
#[must_use]
pub fn emergency_stack() -> Range<usize> {
    between!(__emergency_stack_bottom, __emergency_stack_top)
}
