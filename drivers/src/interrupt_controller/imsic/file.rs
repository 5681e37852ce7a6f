//! The interrupt file of the kernel's hart, and which of its numbers are those of level-triggered
//! lines.

use super::{InterruptFile, MOST_IDENTITIES};
use crate::interrupt::Trigger;
use crate::riscv::{Local, TIMER};

/// Whether the file delivers to the hart (3.8.1).
const EIDELIVERY: usize = 0x70;
/// The number from which on interrupts are masked; 0 masks none (3.8.2).
const EITHRESHOLD: usize = 0x72;
/// One bit per number: pending (3.8.3).
const EIP: usize = 0x80;
/// One bit per number: enabled (3.8.4).
const EIE: usize = 0xc0;

/// The interrupt file of a hart.
pub(super) struct File<P> {
    pub(super) hart: P,
    /// The last number that the file takes.
    last: u32,
    /// One bit per number: it is that of a level-triggered line.
    level: [u32; 32],
}

impl<P: InterruptFile> File<P> {
    /// Creates the file of the current hart, which takes numbers up to `identities`.
    pub(super) fn new(hart: P, identities: u32) -> Self {
        Self {
            hart,
            last: identities.min(MOST_IDENTITIES),
            level: [0; 32],
        }
    }

    /// Returns the last number that the file takes.
    pub(super) fn last(&self) -> u32 {
        self.last
    }

    /// Returns whether the file takes messages with a number.
    pub(super) fn takes(&self, number: u32) -> bool {
        (1..=self.last).contains(&number)
    }

    /// Disables the hart's interrupts.
    pub(super) fn stop(&mut self) {
        self.hart.enable(Local::Timer, false);
        self.hart.enable(Local::External, false);
    }

    /// Disables and clears all numbers, and starts to deliver to the hart.
    pub(super) fn reset(&mut self) {
        for number in (0..=self.last).step_by(P::WIDTH as usize) {
            self.hart.write(Self::bit(EIE, number).0, 0);
            self.hart.write(Self::bit(EIP, number).0, 0);
        }
        self.hart.write(EITHRESHOLD, 0);
        self.hart.write(EIDELIVERY, 1);
    }

    /// Returns the register of `first` with the bit of a number, and the bit.
    fn bit(first: usize, number: u32) -> (usize, usize) {
        let register = (number / P::WIDTH) * (P::WIDTH / 32);
        (first + register as usize, 1 << (number % P::WIDTH))
    }

    /// Enables or disables the messages with a number.
    pub(super) fn let_through(&mut self, number: u32, on: bool) {
        let (register, bit) = Self::bit(EIE, number);
        let before = self.hart.read(register);
        let after = if on { before | bit } else { before & !bit };
        self.hart.write(register, after);
    }

    /// Sets how the line with a number signals an interrupt.
    pub(super) fn set_trigger(&mut self, number: u32, trigger: Trigger) {
        let bit = 1 << (number % 32);
        let level = &mut self.level[(number / 32) as usize];
        *level = *level & !bit | if trigger.is_level() { bit } else { 0 };
    }

    /// Returns whether the line with a number is level-triggered.
    #[inline]
    pub(super) fn is_level(&self, number: u32) -> bool {
        self.level[(number / 32) as usize] & 1 << (number % 32) != 0
    }

    /// Takes the pending number of highest priority, or that of the hart's timer.
    #[inline]
    pub(super) fn claim(&mut self) -> Option<u32> {
        let pending = self.hart.pending();
        if pending.timer {
            return Some(TIMER.number);
        }
        if !pending.external {
            return None;
        }
        let number = (self.hart.take() >> 16) as u32;
        self.takes(number).then_some(number)
    }
}
