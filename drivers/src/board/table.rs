//! The table of a board's claims in its image, which `cargo xtask audit` reads.
//!
//! The kernel builds its memory map from the same bytes. The table describes its own layout, so
//! that a reader need not know how the compiler lays out a structure.

use core::mem::{offset_of, size_of};

use super::{MemoryMap, Ram, Region};
use crate::interrupt::{Interrupt, Trigger};

/// The claims of a board, with the symbol `__vmos_board_table` in its image.
#[derive(Debug)]
#[repr(C)]
pub struct Table {
    magic: [u8; 8],
    layout: [u32; NUMBERS],
    ram: &'static [Ram],
    reserved: &'static [Region],
    mmio: &'static [Region],
    interrupts: &'static [Line],
}

/// One or several consecutive interrupt lines of the board.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// The key in the board file.
    pub key: &'static str,
    /// The first interrupt line.
    pub first: Interrupt,
    /// The number of interrupt lines.
    pub count: u32,
}

impl Line {
    /// Returns `count` level-triggered lines, active high, from `number` on.
    #[must_use]
    pub const fn level(key: &'static str, number: u32, count: u32) -> Self {
        let first = Interrupt::level(number);
        Self { key, first, count }
    }

    /// Returns `count` edge-triggered lines, rising, from `number` on.
    #[must_use]
    pub const fn edge(key: &'static str, number: u32, count: u32) -> Self {
        let first = Interrupt::edge(number);
        Self { key, first, count }
    }

    /// Returns `count` level-triggered lines, active low, from `number` on.
    #[must_use]
    pub const fn level_low(key: &'static str, number: u32, count: u32) -> Self {
        let first = Interrupt::level_low(number);
        Self { key, first, count }
    }

    /// Returns `count` edge-triggered lines, falling, from `number` on.
    #[must_use]
    pub const fn edge_falling(key: &'static str, number: u32, count: u32) -> Self {
        let first = Interrupt::edge_falling(number);
        Self { key, first, count }
    }
}

/// The number of numbers that describe the layout of a board's table.
const NUMBERS: usize = 19;

/// The magic number at the start of a board's table.
const MAGIC: [u8; 8] = *b"VMOStab1";

/// For each list, the offset of its address and length in the table; then for each kind of entry,
/// its size and the offsets of its fields. A key is the address and the length of its text. All
/// values are in bytes, except for the last one: the value of a level-triggered line's trigger.
const LAYOUT: [u32; NUMBERS] = [
    offset_of!(Table, ram) as u32,
    offset_of!(Table, reserved) as u32,
    offset_of!(Table, mmio) as u32,
    offset_of!(Table, interrupts) as u32,
    size_of::<Ram>() as u32,
    offset_of!(Ram, key) as u32,
    offset_of!(Ram, base) as u32,
    offset_of!(Ram, expected_size) as u32,
    size_of::<Region>() as u32,
    offset_of!(Region, key) as u32,
    offset_of!(Region, range.base) as u32,
    offset_of!(Region, range.size) as u32,
    offset_of!(Region, physical) as u32,
    size_of::<Line>() as u32,
    offset_of!(Line, key) as u32,
    offset_of!(Line, first.number) as u32,
    offset_of!(Line, first.trigger) as u32,
    offset_of!(Line, count) as u32,
    Trigger::Level as u32,
];

impl Table {
    /// Creates the table of a board.
    #[must_use]
    pub const fn new(memory: MemoryMap, interrupts: &'static [Line]) -> Self {
        Self {
            magic: MAGIC,
            layout: LAYOUT,
            ram: memory.ram,
            reserved: memory.reserved,
            mmio: memory.mmio,
            interrupts,
        }
    }

    /// Returns the memory map.
    #[must_use]
    pub const fn memory(&self) -> MemoryMap {
        MemoryMap {
            ram: self.ram,
            reserved: self.reserved,
            mmio: self.mmio,
        }
    }

    /// Returns the claimed interrupt lines, ascending.
    #[must_use]
    pub const fn interrupts(&self) -> &'static [Line] {
        self.interrupts
    }
}
