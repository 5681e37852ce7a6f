//! The UART of Arm's Cortex-M System Design Kit (CMSDK).
//!
//! Registers and sequences: Arm DDI 0479, section 4.5. It has a buffer of one byte in each direction,
//! and separate interrupts for its receiver and its transmitter.

use crate::address::{PhysicalAddress, Range};
use crate::board::Driver;
use crate::mmio::{Mmio, Registers};

use super::Console;

/// `DATA`: the received byte, or the byte to send.
const DATA: usize = 0x00;
/// `STATE`: the state of the buffers.
const STATE: usize = 0x04;
/// `CTRL`: control.
const CTRL: usize = 0x08;
/// `INTCLEAR`: interrupt acknowledgement.
const INTCLEAR: usize = 0x0c;
/// `BAUDDIV`: the divisor of the clock, at least 16.
const BAUDDIV: usize = 0x10;

/// `STATE`: the transmitter's buffer is full.
const TX_FULL: u32 = 1 << 0;
/// `STATE`: the receiver's buffer is full.
const RX_FULL: u32 = 1 << 1;

/// `CTRL`: transmitter and receiver enabled, with the receiver's interrupt.
const ON: u32 = 1 << 0 | 1 << 1 | 1 << 3;
/// `CTRL`: the transmitter's interrupt, raised when its buffer becomes free.
const TX_INTERRUPT: u32 = 1 << 2;

/// `INTCLEAR`: all interrupts.
const ALL_INTERRUPTS: u32 = 0xf;

/// The smallest and the largest divisor.
const LEAST_DIVISOR: u64 = 16;
const LARGEST_DIVISOR: u64 = 0xf_ffff;

/// The location and line settings of a UART.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The registers of the UART.
    pub registers: Range,
    /// The frequency of PCLK in Hz.
    pub clock: u64,
    /// The baud rate.
    pub baud: u32,
}

/// A UART with eight bits, no parity and one stop bit, as it always has.
pub struct CmsdkUart<R> {
    registers: R,
}

impl<R: Registers> CmsdkUart<R> {
    /// Enables the UART with these registers; sets `baud` with a reference clock of `clock` Hz.
    pub fn with_registers(registers: R, clock: u64, baud: u32) -> Self {
        registers.write32(CTRL, 0);
        registers.write32(BAUDDIV, divisor(clock, baud));
        registers.write32(INTCLEAR, ALL_INTERRUPTS);
        registers.write32(CTRL, ON);
        Self { registers }
    }
}

/// Returns the divisor for `baud` with a reference clock of `clock` Hz: the nearest one that the UART
/// has.
#[must_use]
pub fn divisor(clock: u64, baud: u32) -> u32 {
    let baud = u64::from(baud.max(1));
    let nearest = clock.saturating_add(baud / 2) / baud;
    nearest.clamp(LEAST_DIVISOR, LARGEST_DIVISOR) as u32
}

impl Driver for CmsdkUart<Mmio> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller guarantees that the UART is present and not shared.
        let registers = unsafe { Mmio::new(config.registers) };
        Self::with_registers(registers, config.clock, config.baud)
    }

    fn moved(config: &Config, base: PhysicalAddress) -> Option<Config> {
        let registers = Range::new(base, config.registers.size)?;
        Some(Config {
            registers,
            ..*config
        })
    }
}

impl<R: Registers> Console for CmsdkUart<R> {
    fn write(&mut self, bytes: &[u8]) -> usize {
        for (sent, &byte) in bytes.iter().enumerate() {
            if self.registers.read32(STATE) & TX_FULL != 0 {
                // The interrupt is an event: it must be enabled before the buffer becomes free.
                self.registers.write32(CTRL, ON | TX_INTERRUPT);
                if self.registers.read32(STATE) & TX_FULL != 0 {
                    return sent;
                }
            }
            self.registers.write32(DATA, byte.into());
        }
        bytes.len()
    }

    fn read(&mut self) -> Option<u8> {
        let is_there = self.registers.read32(STATE) & RX_FULL != 0;
        is_there.then(|| self.registers.read32(DATA) as u8)
    }

    fn notify_when_writable(&mut self, notify: bool) {
        let enabled = if notify { ON | TX_INTERRUPT } else { ON };
        self.registers.write32(CTRL, enabled);
    }

    fn acknowledge_interrupt(&mut self) {
        self.registers.write32(INTCLEAR, ALL_INTERRUPTS);
    }
}

#[cfg(test)]
mod tests;
