//! Where the parts of the image are, by the symbols of the linker script.

use core::ops::Range;

use vmos_drivers::address::{self, PhysicalAddress};

use crate::arch::{Access, Mapping};

// Only the addresses mean something.
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

/// From one symbol to another.
macro_rules! between {
    ($start:ident, $end:ident) => {
        (&raw const $start) as usize..(&raw const $end) as usize
    };
}

/// All of it, with the stacks.
#[must_use]
pub fn range() -> address::Range {
    physical(all())
}

/// What may be done with each part. The guard below the stack is in none: it must not be mapped.
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

/// All of it, as the processor addresses it.
#[must_use]
pub fn all() -> Range<usize> {
    between!(__image_start, __image_end)
}

/// What is executed.
#[must_use]
pub fn code() -> Range<usize> {
    between!(__text_start, __text_end)
}

/// What is only read.
#[must_use]
pub fn read_only_data() -> Range<usize> {
    between!(__rodata_start, __rodata_end)
}

/// What is written: initialised data, then zeroed data.
#[must_use]
pub fn data() -> Range<usize> {
    between!(__data_start, __data_end)
}

/// The page that must not be there, so that running over the end of the stack is a fault.
#[must_use]
pub fn stack_guard() -> Range<usize> {
    between!(__stack_guard, __stack_bottom)
}

/// The stack that the kernel runs on.
#[must_use]
pub fn stack() -> Range<usize> {
    between!(__stack_bottom, __stack_top)
}

/// The stack that faults are reported on.
#[must_use]
pub fn emergency_stack() -> Range<usize> {
    between!(__emergency_stack_bottom, __emergency_stack_top)
}
