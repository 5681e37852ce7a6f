//! What memory there is.

use super::Range;

/// RAM, reserved memory, and the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// RAM, ascending.
    pub ram: Vec<Ram>,
    /// RAM that must be left alone, ascending.
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
    /// How many bytes the description says, or how many QEMU is started with.
    pub expected_size: u64,
    /// Whether the description states the size (`memory.ram.<name>.size`) or leaves it to the
    /// firmware's tables.
    pub size_is_stated: bool,
    /// The name of the range whose rest this is (`memory.ram.<name>.rest-of`): then none is expected.
    pub rest_of: Option<String>,
}

/// RAM that the kernel must not use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// Its name under `memory.reserved`.
    pub name: String,
    /// Where it is.
    pub range: Range,
    /// Why.
    pub reason: String,
}
