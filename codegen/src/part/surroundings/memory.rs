//! `[memory]`: RAM, what of it must be left alone, and the stack.

use crate::language::Named;
use crate::language::scalar::{Address, Name, Size, Text};
use crate::language::table::table;

table! {
    /// What memory there is. Registers are not memory: each is told by the driver that it is for.
    pub struct Memory {
        /// Every range of RAM, by a name for each.
        ram: Named<Ram> => required,
        /// What of it must be left alone, by a name for each.
        reserved: Named<Reserved> => optional,
        /// The size of the kernel's stack, a multiple of 4 KiB.
        stack: Size => default("64 KiB"),
    }
}

table! {
    /// A range of RAM.
    pub struct Ram {
        /// Its first address.
        base: Address => required,
        /// Its size. Without it the firmware's tables tell, and `qemu.memory` is expected.
        size: Size => optional,
        /// The most that has room here, in a machine with more memory than that: the rest is where
        /// `rest-of` says. Without it, all that the machine has.
        limit: Size => optional,
        /// The name of the range of RAM whose rest is here, in a machine with more memory than has
        /// room there; the firmware's tables tell how much it is. Without it, it is always there.
        rest_of: Name => optional,
    }
}

table! {
    /// RAM that must be left alone.
    pub struct Reserved {
        /// Its first address.
        base: Address => required,
        /// Its size.
        size: Size => required,
        /// Who uses it.
        reason: Text => required,
    }
}
