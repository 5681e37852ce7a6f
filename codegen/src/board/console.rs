//! Consoles, and where their registers are.

use super::{Interrupt, Range};

/// The console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Console {
    /// `console.pl011`
    Pl011 {
        /// Its registers.
        registers: Range,
        /// What it raises.
        interrupt: Option<Interrupt>,
        /// The frequency of UARTCLK in Hz.
        clock: u64,
        /// The baud rate to set; the one that firmware set stays where absent.
        baud: Option<u32>,
    },
    /// `console.ns16550`
    Ns16550 {
        /// Its registers.
        registers: Registers,
        /// How they lie there.
        layout: RegisterLayout,
        /// What it raises.
        interrupt: Option<Interrupt>,
        /// The frequency of its clock in Hz.
        clock: u64,
        /// The baud rate to set; the one that firmware set stays where absent.
        baud: Option<u32>,
    },
}

/// Where the registers of a device are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registers {
    /// In memory.
    Memory(Range),
    /// Ports, as the range of their numbers.
    Ports(Range),
}

/// How registers of a byte each lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisterLayout {
    /// From one to the next, in bytes; a multiple of `width`.
    pub stride: u64,
    /// How wide an access is, in bytes: 1, 2 or 4.
    pub width: u64,
}
