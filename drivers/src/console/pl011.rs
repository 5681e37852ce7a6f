//! Arm's PrimeCell PL011 UART.
//!
//! Registers and sequences: Arm DDI 0183G.

use crate::address::{PhysicalAddress, Range};
use crate::board::Driver;
use crate::mmio::{Mmio, Registers};

use super::Console;

/// `UARTDR`: the data received or to send; above it, the errors of a received byte.
const DR: usize = 0x000;
/// `UARTFR`: status flags.
const FR: usize = 0x018;
/// `UARTIBRD`: the whole part of the baud rate divisor.
const IBRD: usize = 0x024;
/// `UARTFBRD`: the fraction of the baud rate divisor, in 64ths.
const FBRD: usize = 0x028;
/// `UARTLCR_H`: line control.
const LCR_H: usize = 0x02c;
/// `UARTCR`: control.
const CR: usize = 0x030;
/// `UARTIMSC`: enabled interrupts.
const IMSC: usize = 0x038;
/// `UARTICR`: interrupt acknowledgement.
const ICR: usize = 0x044;

/// `UARTFR`: the transmitter is busy.
const FR_BUSY: u32 = 1 << 3;
/// `UARTFR`: the receive FIFO is empty.
const FR_RXFE: u32 = 1 << 4;
/// `UARTFR`: the transmit FIFO is full.
const FR_TXFF: u32 = 1 << 5;
/// `UARTFR`: the transmit FIFO is empty.
const FR_TXFE: u32 = 1 << 7;

/// `UARTLCR_H`: eight bits, no parity, one stop bit, FIFOs enabled.
const LCR_H_8N1_FIFO: u32 = 0b11 << 5 | 1 << 4;
/// `UARTCR`: UART, transmitter and receiver enabled.
const CR_ON: u32 = 1 | 1 << 8 | 1 << 9;

/// `UARTIMSC`: data received, or receive timeout.
const RECEIVED: u32 = 1 << 4 | 1 << 6;
/// `UARTIMSC`: the transmitter has space.
const WRITABLE: u32 = 1 << 5;
/// `UARTICR`: all interrupts.
const ALL_INTERRUPTS: u32 = 0x7ff;

/// `UARTDR`: the byte has a framing, parity or break error.
const DR_DAMAGED: u32 = 0b111 << 8;

/// The depth of the transmit FIFO in the oldest revision, in bytes; newer ones have 32.
const FIFO_DEPTH: usize = 16;
/// The largest number of polls for an idle transmitter: far longer than a byte takes at 1200 baud.
const BUSY_LIMIT: usize = 1_000_000;

/// The location and line settings of a PL011.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The registers of the PL011.
    pub registers: Range,
    /// The frequency of UARTCLK in Hz.
    pub clock: u64,
    /// The baud rate to set; `None` keeps firmware's setting.
    pub baud: Option<u32>,
}

/// A PL011, set to eight bits, no parity, one stop bit.
pub struct Pl011<R> {
    registers: R,
}

impl<R: Registers> Pl011<R> {
    /// Enables the UART with these registers. If `baud` is given, sets it with a reference clock of
    /// `clock` Hz; see [`divisor`].
    pub fn with_registers(registers: R, clock: u64, baud: Option<u32>) -> Self {
        // Pending output must be sent before the line settings change (section 3.3.8).
        for _ in 0..BUSY_LIMIT {
            if registers.read32(FR) & FR_BUSY == 0 {
                break;
            }
        }
        registers.write32(CR, 0);
        if let Some((whole, fraction)) = baud.and_then(|baud| divisor(clock, baud)) {
            registers.write32(IBRD, whole.into());
            registers.write32(FBRD, fraction.into());
        }
        // This write also applies the divisor.
        registers.write32(LCR_H, LCR_H_8N1_FIFO);
        registers.write32(ICR, ALL_INTERRUPTS);
        registers.write32(IMSC, RECEIVED);
        registers.write32(CR, CR_ON);
        Self { registers }
    }
}

/// Returns the divisor for `baud` with a reference clock of `clock` Hz, as whole part and 64ths, or
/// `None` if the UART does not support the rate. The highest rate is a 16th of the clock.
#[must_use]
pub fn divisor(clock: u64, baud: u32) -> Option<(u16, u8)> {
    let sixteenths = u64::from(baud).checked_mul(16).filter(|&rate| rate > 0)?;
    let scaled = clock.checked_mul(64)?.checked_add(sixteenths / 2)? / sixteenths;
    let whole = u16::try_from(scaled / 64).ok()?;
    let fraction = (scaled % 64) as u8;
    // The divisor must not be 0, and 65535 must have no fraction.
    (whole > 0 && (whole < u16::MAX || fraction == 0)).then_some((whole, fraction))
}

impl Driver for Pl011<Mmio> {
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

impl<R: Registers> Console for Pl011<R> {
    fn write(&mut self, bytes: &[u8]) -> usize {
        let mut sent = 0;
        while sent < bytes.len() {
            let flags = self.registers.read32(FR);
            // If the FIFO is empty, it can be filled after one read of the flags.
            let room = if flags & FR_TXFE != 0 {
                FIFO_DEPTH
            } else if flags & FR_TXFF == 0 {
                1
            } else {
                break;
            };
            for &byte in bytes[sent..].iter().take(room) {
                self.registers.write32(DR, byte.into());
                sent += 1;
            }
        }
        sent
    }

    fn read(&mut self) -> Option<u8> {
        // Skip damaged bytes; there are at most as many as the FIFOs hold.
        for _ in 0..2 * FIFO_DEPTH {
            if self.registers.read32(FR) & FR_RXFE != 0 {
                return None;
            }
            let data = self.registers.read32(DR);
            if data & DR_DAMAGED == 0 {
                return Some(data as u8);
            }
        }
        None
    }

    fn notify_when_writable(&mut self, notify: bool) {
        let enabled = if notify {
            RECEIVED | WRITABLE
        } else {
            RECEIVED
        };
        self.registers.write32(IMSC, enabled);
    }

    fn acknowledge_interrupt(&mut self) {
        self.registers.write32(ICR, ALL_INTERRUPTS);
    }
}

#[cfg(test)]
mod tests;
