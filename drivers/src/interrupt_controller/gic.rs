//! The common part of the GICv2 and GICv3 distributors.
//!
//! Registers: Arm IHI 0048B section 4.3 (GICv2), Arm IHI 0069H section 12.8 (GICv3). The first 32
//! interrupts are private to a processor; in GICv3, their registers are in the redistributor, at
//! the same offsets within its SGI frame.

use crate::interrupt::Interrupt;
use crate::mmio::Registers;

/// `GICD_CTLR`: which groups are forwarded.
pub(super) const CTLR: usize = 0x000;
/// `GICD_TYPER`: the number of lines.
pub(super) const TYPER: usize = 0x004;
/// `GICD_IGROUPR`: one bit per line, the group.
pub(super) const IGROUPR: usize = 0x080;
/// `GICD_ISENABLER`: one bit per line; writing 1 enables it.
pub(super) const ISENABLER: usize = 0x100;
/// `GICD_ICENABLER`: one bit per line; writing 1 disables it.
pub(super) const ICENABLER: usize = 0x180;
/// `GICD_ICPENDR`: one bit per line; writing 1 clears its pending state.
pub(super) const ICPENDR: usize = 0x280;
/// `GICD_ICACTIVER`: one bit per line; writing 1 clears its active state.
pub(super) const ICACTIVER: usize = 0x380;
/// `GICD_IPRIORITYR`: one byte per line; 0 is the highest priority.
pub(super) const IPRIORITYR: usize = 0x400;
/// `GICD_ICFGR`: two bits per line; the upper one is set for edge-triggered.
pub(super) const ICFGR: usize = 0xc00;

/// The first shared interrupt (SPI 0).
pub(super) const FIRST_SHARED: u32 = 32;
/// The first of the special numbers (1020 to 1023) that stand for no interrupt.
pub(super) const FIRST_SPECIAL: u32 = 1020;
/// The priority of every interrupt. They are equal, because the event loop takes interrupts one at
/// a time. The non-secure state may only use the upper half of the range.
pub(super) const PRIORITY: u8 = 0xa0;

/// Returns the number of lines (`TYPER.ITLinesNumber`).
pub(super) fn lines(distributor: &impl Registers) -> u32 {
    let words = (distributor.read32(TYPER) & 0x1f) + 1;
    (words * 32).min(FIRST_SPECIAL)
}

/// Disables the 32 lines of word `word` and clears their pending and active states.
pub(super) fn quieten(registers: &impl Registers, frame: usize, word: usize) {
    registers.write32(frame + ICENABLER + 4 * word, u32::MAX);
    registers.write32(frame + ICPENDR + 4 * word, u32::MAX);
    registers.write32(frame + ICACTIVER + 4 * word, u32::MAX);
}

/// Sets the line's priority and trigger. The line must be disabled.
pub(super) fn configure(registers: &impl Registers, frame: usize, interrupt: Interrupt) {
    let number = interrupt.number as usize;
    registers.write8(frame + IPRIORITYR + number, PRIORITY);
    let offset = frame + ICFGR + 4 * (number / 16);
    let edge = 0b10 << (2 * (number % 16));
    let before = registers.read32(offset);
    let after = if interrupt.trigger.is_level() {
        before & !edge
    } else {
        before | edge
    };
    if after != before {
        registers.write32(offset, after);
    }
}

/// Writes the bit of line `number` to the register at `register`, which has one bit per line.
pub(super) fn write_bit(registers: &impl Registers, frame: usize, register: usize, number: u32) {
    let offset = frame + register + 4 * (number as usize / 32);
    registers.write32(offset, 1 << (number % 32));
}
