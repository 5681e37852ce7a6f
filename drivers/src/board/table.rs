//! A board's claims as they lie in its image, where `cargo xtask audit` finds them.
//!
//! The kernel takes its memory map from the same bytes. What reads them from outside need not know
//! how the compiler lays out a structure: the table says it itself.

use core::mem::{offset_of, size_of};

use super::{MemoryMap, Ram, Region};
use crate::interrupt::{Interrupt, Trigger};

/// What a board claims, under the symbol `__vmos_board_table` in its image.
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

/// An interrupt line of the board, or a row of them.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// The key in the description that it comes from.
    pub key: &'static str,
    /// The line, or the first of the row.
    pub first: Interrupt,
    /// How many lines there are.
    pub count: u32,
}

impl Line {
    /// The `count` lines from `number` on, asserted for as long as their devices have something to
    /// say.
    #[must_use]
    pub const fn level(key: &'static str, number: u32, count: u32) -> Self {
        let first = Interrupt::level(number);
        Self { key, first, count }
    }

    /// The `count` lines from `number` on, pulsed once for each event.
    #[must_use]
    pub const fn edge(key: &'static str, number: u32, count: u32) -> Self {
        let first = Interrupt::edge(number);
        Self { key, first, count }
    }

    /// The same as [`level`](Self::level), asserted where the lines are low.
    #[must_use]
    pub const fn level_low(key: &'static str, number: u32, count: u32) -> Self {
        let first = Interrupt::level_low(number);
        Self { key, first, count }
    }

    /// The same as [`edge`](Self::edge), the lines being high in between.
    #[must_use]
    pub const fn edge_falling(key: &'static str, number: u32, count: u32) -> Self {
        let first = Interrupt::edge_falling(number);
        Self { key, first, count }
    }
}

/// How many numbers tell the layout.
const NUMBERS: usize = 19;

/// How a table begins.
const MAGIC: [u8; 8] = *b"VMOStab1";

/// Where in the table the lists are, each an address and a length; then of each kind of entry its
/// size and where its fields are. A key is the address and the length of its text. All in bytes, but
/// for the last number, which is what a level-triggered line has for its trigger.
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
    /// The table of a board.
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

    /// What is where.
    #[must_use]
    pub const fn memory(&self) -> MemoryMap {
        MemoryMap {
            ram: self.ram,
            reserved: self.reserved,
            mmio: self.mmio,
        }
    }

    /// The interrupt lines that are spoken for, ascending.
    #[must_use]
    pub const fn interrupts(&self) -> &'static [Line] {
        self.interrupts
    }
}
