//! The memory of a board: RAM, reserved memory, and the stack.

use super::Range;

/// The size of the guard below the stack, in bytes: space that is not mapped, so that a stack
/// overflow is a fault. An audit refuses images with frames larger than half of it.
pub const STACK_GUARD: u64 = 64 << 10;

/// RAM, reserved memory, and the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The ranges of RAM, ascending.
    pub ram: Vec<Ram>,
    /// RAM that the kernel must not use, ascending.
    pub reserved: Vec<Reserved>,
    /// The size of the kernel's stack in bytes, a multiple of 4 KiB.
    pub stack: u64,
    /// The format of the translation tables.
    pub page_tables: PageTables,
}

/// The format of the translation tables of a 32-bit Arm processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageTables {
    /// Long descriptors, of the large physical address extension.
    Long,
    /// Short descriptors.
    Short,
}

/// A range of RAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ram {
    /// The name of the range under `memory.ram`.
    pub name: String,
    /// The first address of the range.
    pub base: u64,
    /// The size in bytes: as stated, or that of QEMU's default memory.
    pub expected_size: u64,
    /// Whether the description states the size (`memory.ram.<name>.size`); otherwise it comes from
    /// firmware's tables.
    pub size_is_stated: bool,
    /// The largest size in bytes, if the description states one (`memory.ram.<name>.limit`).
    pub limit: Option<u64>,
    /// The name of the range whose excess memory is here (`memory.ram.<name>.rest-of`); then no
    /// memory is expected.
    pub rest_of: Option<String>,
}

/// RAM that the kernel must not use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// The name of the range under `memory.reserved`.
    pub name: String,
    /// The reserved addresses.
    pub range: Range,
    /// The reason why the kernel must not use this RAM.
    pub reason: String,
}
