//! The memory of a board: RAM, flash, reserved memory, and the stacks.

use super::Range;

/// The size of the guard below the stack, in bytes: space that is not mapped, so that a stack
/// overflow is a fault. An audit refuses images with frames larger than half of it.
pub const STACK_GUARD: u64 = 64 << 10;

/// The size of the part of an image in flash that the kernel cannot access, in bytes: the vector table,
/// and code that runs only while the MPU is off. If flash starts at address zero, this makes a null
/// pointer access a fault. The MPU needs a power of two (Arm DDI 0403, B3.5.8).
pub const NO_ACCESS: u64 = 0x400;

/// RAM, flash, reserved memory, and the stacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The ranges of RAM, ascending.
    pub ram: Vec<Ram>,
    /// The ranges of flash, ascending. An image that is loaded into one runs there: its code and
    /// constants stay in it, and only its variables and stacks are in RAM.
    pub flash: Vec<Flash>,
    /// RAM that the kernel must not use, ascending.
    pub reserved: Vec<Reserved>,
    /// The size of the kernel's stack in bytes, a multiple of 4 KiB, or of 8 bytes if the image
    /// runs in flash.
    pub stack: u64,
    /// The size in bytes of the stack on which faults are reported, with the same alignment.
    pub fault_stack: u64,
    /// The size of the heap in bytes, with the same alignment; `None` if it gets the rest of RAM.
    pub heap: Option<u64>,
    /// The size in bytes of the buffer for the console's output.
    pub console_buffer: u64,
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

/// A range of flash: memory that keeps its content without power, and that the kernel only reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flash {
    /// The name of the range under `memory.flash`.
    pub name: String,
    /// The addresses of the flash.
    pub range: Range,
}

impl Memory {
    /// Returns the flash that contains an address.
    #[must_use]
    pub fn flash_at(&self, address: u64) -> Option<&Flash> {
        let holds = |flash: &&Flash| {
            let offset = address.checked_sub(flash.range.base);
            offset.is_some_and(|offset| offset < flash.range.size)
        };
        self.flash.iter().find(holds)
    }
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
