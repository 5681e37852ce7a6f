//! Arm's PL011 UART.
//!
//! Registers and sequences: Arm DDI 0183G.

use crate::address::{PhysicalAddress, Range};
use crate::board::Driver;
use crate::mmio::{Mmio, Registers};

use super::Console;

/// `UARTDR`: the data, received or to be sent; errors of a received byte above it.
const DR: usize = 0x000;
/// `UARTFR`: how full the FIFOs are.
const FR: usize = 0x018;
/// `UARTIBRD`: the whole part of the baud rate divisor.
const IBRD: usize = 0x024;
/// `UARTFBRD`: its fraction, in 64ths.
const FBRD: usize = 0x028;
/// `UARTLCR_H`: how a byte is framed, and whether there are FIFOs.
const LCR_H: usize = 0x02c;
/// `UARTCR`: what is on.
const CR: usize = 0x030;
/// `UARTIMSC`: the interrupts that are let through.
const IMSC: usize = 0x038;
/// `UARTICR`: the interrupts that are acknowledged.
const ICR: usize = 0x044;

/// `UARTFR`: a byte is being sent.
const FR_BUSY: u32 = 1 << 3;
/// `UARTFR`: nothing was received.
const FR_RXFE: u32 = 1 << 4;
/// `UARTFR`: the transmitter takes no more.
const FR_TXFF: u32 = 1 << 5;
/// `UARTFR`: the transmitter has sent all it had.
const FR_TXFE: u32 = 1 << 7;

/// `UARTLCR_H`: eight bits, no parity, one stop bit, FIFOs on.
const LCR_H_8N1_FIFO: u32 = 0b11 << 5 | 1 << 4;
/// `UARTCR`: the UART, its transmitter and its receiver are on.
const CR_ON: u32 = 1 | 1 << 8 | 1 << 9;

/// `UARTIMSC`: bytes were received, or one has been waiting.
const RECEIVED: u32 = 1 << 4 | 1 << 6;
/// `UARTIMSC`: the transmitter has room.
const WRITABLE: u32 = 1 << 5;
/// `UARTICR`: all of them.
const ALL_INTERRUPTS: u32 = 0x7ff;

/// `UARTDR`: the byte came in with a framing, parity or break error.
const DR_DAMAGED: u32 = 0b111 << 8;

/// The depth of the transmit FIFO of the oldest revision; a newer one has 32.
const FIFO_DEPTH: usize = 16;
/// How often to look whether the byte being sent is out: far longer than one takes at 1200 baud.
const BUSY_LIMIT: usize = 1_000_000;

/// Where a PL011 is and how its line is set up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// Its registers.
    pub registers: Range,
    /// The frequency of UARTCLK in Hz.
    pub clock: u64,
    /// The baud rate to set; what firmware has set stays where `None`.
    pub baud: Option<u32>,
}

/// A PL011, set to eight bits, no parity, one stop bit.
pub struct Pl011<R> {
    registers: R,
}

impl<R: Registers> Pl011<R> {
    /// The UART behind these registers, switched on. `baud` is set from the frequency `clock` (in
    /// Hz) where it is given; see [`divisor`].
    pub fn with_registers(registers: R, clock: u64, baud: Option<u32>) -> Self {
        // what is being sent must be out before the line may change (section 3.3.8)
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
        // this write also puts the divisor to use
        registers.write32(LCR_H, LCR_H_8N1_FIFO);
        registers.write32(ICR, ALL_INTERRUPTS);
        registers.write32(IMSC, RECEIVED);
        registers.write32(CR, CR_ON);
        Self { registers }
    }
}

/// The divisor for `baud` of a UART clocked with `clock` Hz, its whole part and its 64ths, or
/// `None` where the UART cannot do that rate: it is at most a 16th of the clock.
#[must_use]
pub fn divisor(clock: u64, baud: u32) -> Option<(u16, u8)> {
    let sixteenths = u64::from(baud).checked_mul(16).filter(|&rate| rate > 0)?;
    let scaled = clock.checked_mul(64)?.checked_add(sixteenths / 2)? / sixteenths;
    let whole = u16::try_from(scaled / 64).ok()?;
    let fraction = (scaled % 64) as u8;
    // 0 divides by nothing, and 65535 takes no fraction
    (whole > 0 && (whole < u16::MAX || fraction == 0)).then_some((whole, fraction))
}

impl Driver for Pl011<Mmio> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller promises that the UART is there and nobody else's.
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
            // one look at the flags is worth a whole FIFO where that is empty
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
        // a damaged byte is skipped; there are never more than a FIFO of them
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
