//! `[memory]`: RAM, flash, reserved memory, the stacks and the buffers.

use crate::board::PageTables;
use crate::language::Named;
use crate::language::scalar::{Address, Name, Size, Text, choices};
use crate::language::table::table;

table! {
    /// RAM, flash, reserved memory, and the stacks. Registers are not memory: the table of each driver
    /// describes its own.
    pub struct Memory {
        /// The ranges of RAM, each with a name of your choice.
        ram: Named<Ram> => required,
        /// RAM that the kernel must not use, each range with a name of your choice.
        reserved: Named<Reserved> => optional,
        /// The ranges of flash, each with a name of your choice. An image that is loaded into flash
        /// runs there; only its variables and stacks are in RAM.
        flash: Named<Flash> => optional,
        /// The size of the kernel's stack in bytes, a multiple of 4 KiB, or of 8 bytes if the image
        /// is in flash.
        stack: Size => default("64 KiB"),
        /// The size of the stack on which faults are reported, a multiple of 4 KiB, or of 8 bytes if
        /// the image is in flash.
        fault_stack: Size => default("16 KiB"),
        /// The size of the heap in bytes, with the alignment of the stack. Without it, and in an image
        /// that uses an Ethernet controller, the heap gets the rest of RAM.
        heap: Size => optional,
        /// The size of the buffer for output that the console has not accepted yet: a power of two.
        console_buffer: Size => default("8 KiB"),
        /// The format of the translation tables, which differs only on 32-bit Arm.
        page_tables: PageTables => default("long"),
    }
}

choices! { PageTables {
    Long = "long": "long descriptors, which most processors have",
    Short = "short": "short descriptors, for a 32-bit Arm processor without the large physical address extension, such as a Cortex-A9",
} }

table! {
    /// A range of RAM.
    pub struct Ram {
        /// The first address of the range.
        base: Address => required,
        /// The size. Without it, the kernel reads it from firmware's tables and expects
        /// `qemu.memory`.
        size: Size => optional,
        /// The largest size of this range. If a machine has more memory, the rest is in another
        /// range, with the key `rest-of`. Without a limit, this range contains all memory.
        limit: Size => optional,
        /// For a range with the excess memory of another range: the name of that range, whose
        /// `limit` the machine's memory exceeds. Firmware's tables contain the size. Without this
        /// key, the range exists in every machine.
        rest_of: Name => optional,
    }
}

table! {
    /// A range of flash, or of another memory that contains the image before the processor starts.
    pub struct Flash {
        /// The first address of the range.
        base: Address => required,
        /// The size of the range.
        size: Size => required,
    }
}

table! {
    /// RAM that the kernel must not use.
    pub struct Reserved {
        /// The first address of the range.
        base: Address => required,
        /// The size of the range.
        size: Size => required,
        /// The reason why the kernel must not use this RAM.
        reason: Text => required,
    }
}
