//! The nested vectored interrupt controller (NVIC) of Arm's M profile.
//!
//! Registers: Arm DDI 0403, section B3.4, and the interrupt control and state register, B3.2.4. The
//! number of an interrupt is that of its exception: external interrupt 0 is 16, and the SysTick timer
//! is 15. The processor masks all of them, so none is taken: the register that tells which exception
//! would be taken next tells what to claim.

use crate::address::{PhysicalAddress, Range};
use crate::board::Driver;
use crate::interrupt::{Interrupt, InterruptController};
use crate::mmio::{Mmio, Registers};

/// `ISER`: a bit for each external interrupt; writing 1 enables it.
const SET_ENABLE: usize = 0x100;
/// `ICER`: writing 1 disables an interrupt.
const CLEAR_ENABLE: usize = 0x180;
/// `ICPR`: writing 1 ends the pending state of an interrupt, unless its line is asserted.
const CLEAR_PENDING: usize = 0x280;
/// `ICSR`: the interrupt control and state register.
const ICSR: usize = 0xd04;

/// `ICSR`: the number of the pending and enabled exception with the highest priority, independent of
/// `PRIMASK`.
const VECTPENDING: u32 = 0x1ff << 12;
/// `ICSR`: ends the pending state of SysTick.
const PENDSTCLR: u32 = 1 << 25;

/// The exception number of external interrupt 0.
const FIRST: u32 = 16;
/// The exception number of SysTick. It is enabled in the registers of the timer.
pub const SYSTICK: Interrupt = Interrupt::level(15);

/// The largest number of external interrupts.
pub const MOST_INTERRUPTS: u32 = 496;
/// The number of words with a bit for each external interrupt.
const WORDS: usize = MOST_INTERRUPTS.div_ceil(u32::BITS) as usize;

/// The address of the system control space, which is the same in all processors (B3.2).
const SYSTEM_CONTROL_SPACE: Range = Range {
    base: PhysicalAddress(0xe000_e000),
    size: 0x1000,
};

/// The number of external interrupts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The number of external interrupts, at most [`MOST_INTERRUPTS`].
    pub external_interrupts: u32,
}

/// The driver of an NVIC.
pub struct Nvic<R> {
    registers: R,
    interrupts: u32,
    /// The enabled interrupts that are level-triggered, a bit for each.
    level: [u32; WORDS],
}

impl<R: Registers> Nvic<R> {
    /// Creates the driver with the registers of the system control space.
    pub fn with_registers(registers: R, interrupts: u32) -> Self {
        Self {
            registers,
            interrupts: interrupts.min(MOST_INTERRUPTS),
            level: [0; WORDS],
        }
    }

    /// Returns the word with the bit of an external interrupt, and the bit; `None` if `number` is
    /// another exception.
    fn bit(&self, number: u32) -> Option<(usize, u32)> {
        let index = number.checked_sub(FIRST)?;
        let bit = 1 << (index % u32::BITS);
        (index < self.interrupts).then_some(((index / u32::BITS) as usize, bit))
    }

    fn end(&self, number: u32) {
        if let Some((word, bit)) = self.bit(number) {
            self.registers.write32(CLEAR_PENDING + 4 * word, bit);
        } else if number == SYSTICK.number {
            self.registers.write32(ICSR, PENDSTCLR);
        }
    }
}

impl Driver for Nvic<Mmio> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: every processor with an NVIC has the space, and the caller guarantees that nothing
        // else drives it.
        Self::with_registers(
            unsafe { Mmio::new(SYSTEM_CONTROL_SPACE) },
            config.external_interrupts,
        )
    }
}

impl<R: Registers> InterruptController for Nvic<R> {
    fn initialize(&mut self) {
        for word in 0..self.interrupts.div_ceil(u32::BITS) as usize {
            self.registers.write32(CLEAR_ENABLE + 4 * word, u32::MAX);
            self.registers.write32(CLEAR_PENDING + 4 * word, u32::MAX);
        }
        self.registers.write32(ICSR, PENDSTCLR);
        self.level = [0; WORDS];
    }

    fn has(&self, number: u32) -> bool {
        number == SYSTICK.number || self.bit(number).is_some()
    }

    fn enable(&mut self, interrupt: Interrupt) {
        if let Some((word, bit)) = self.bit(interrupt.number) {
            self.level[word] &= !bit;
            if interrupt.trigger.is_level() {
                self.level[word] |= bit;
            }
            self.registers.write32(SET_ENABLE + 4 * word, bit);
        }
    }

    fn disable(&mut self, number: u32) {
        if let Some((word, bit)) = self.bit(number) {
            self.registers.write32(CLEAR_ENABLE + 4 * word, bit);
        }
    }

    /// Takes the next interrupt. That of an edge is no longer pending from now on, so that another
    /// edge during its handling is not lost.
    #[inline]
    fn claim(&mut self) -> Option<u32> {
        let number = (self.registers.read32(ICSR) & VECTPENDING) >> VECTPENDING.trailing_zeros();
        if number == 0 {
            return None;
        }
        self.end(number);
        Some(number)
    }

    /// Completes an interrupt. A level is pending until now, even if its line is released.
    #[inline]
    fn complete(&mut self, number: u32) {
        let is_level = |(word, bit): (usize, u32)| self.level[word] & bit != 0;
        if self.bit(number).is_some_and(is_level) {
            self.end(number);
        }
    }
}

#[cfg(test)]
mod tests;
