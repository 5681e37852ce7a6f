//! Memory.

use super::Range;

/// The size of the guard below the stack, in bytes: space that is not mapped, so that a stack
/// overflow is a fault. An audit refuses images with frames larger than half of it.
pub const STACK_GUARD: u64 = 64 << 10;

/// RAM, reserved memory, and the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// RAM, ascending.
    pub ram: Vec<Ram>,
    /// RAM that the kernel must not use, ascending.
    pub reserved: Vec<Reserved>,
    /// The size of the kernel's stack in bytes, a multiple of 4 KiB.
    pub stack: u64,
}

/// A range of RAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ram {
    /// Its name under `memory.ram`.
    pub name: String,
    /// The first address.
    pub base: u64,
    /// The number of bytes, as described or as QEMU is started with.
    pub expected_size: u64,
    /// Whether the description states the size (`memory.ram.<name>.size`); otherwise it comes from
    /// firmware's tables.
    pub size_is_stated: bool,
    /// The name of the range whose excess memory is here (`memory.ram.<name>.rest-of`); then no
    /// memory is expected.
    pub rest_of: Option<String>,
}

/// RAM that the kernel must not use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// Its name under `memory.reserved`.
    pub name: String,
    /// Where it is.
    pub range: Range,
    /// The reason.
    pub reason: String,
}
