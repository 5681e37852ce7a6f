//! `[memory]`: RAM, reserved memory and the stack.

use crate::language::Named;
use crate::language::scalar::{Address, Name, Size, Text};
use crate::language::table::table;

table! {
    /// RAM, reserved memory, and the stack. Registers are not memory: the table of each driver describes its own.
    pub struct Memory {
        /// The ranges of RAM, each with a name of your choice.
        ram: Named<Ram> => required,
        /// RAM that the kernel must not use, each range with a name of your choice.
        reserved: Named<Reserved> => optional,
        /// The size of the kernel's stack, a multiple of 4 KiB.
        stack: Size => default("64 KiB"),
    }
}

table! {
    /// A range of RAM.
    pub struct Ram {
        /// The first address.
        base: Address => required,
        /// The size. Without it, the kernel reads it from firmware's tables and expects `qemu.memory`.
        size: Size => optional,
        /// The largest size of this range. A machine with more memory has the rest in the range with
        /// `rest-of`. Without it, the range holds all memory.
        limit: Size => optional,
        /// The name of the range whose excess memory is in this range, in a machine with more memory
        /// than its `limit`; firmware's tables contain the size. Without it, this range always exists.
        rest_of: Name => optional,
    }
}

table! {
    /// RAM that the kernel must not use.
    pub struct Reserved {
        /// The first address.
        base: Address => required,
        /// The size.
        size: Size => required,
        /// Why it is reserved.
        reason: Text => required,
    }
}
