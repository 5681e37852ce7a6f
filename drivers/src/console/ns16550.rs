//! The 16550 family of UARTs.
//!
//! Registers and sequences: National Semiconductor PC16550D data sheet, section 8. The eight
//! registers are in memory or in I/O ports, one or more bytes apart, with accesses of 8, 16 or 32
//! bits.

use crate::address::{PhysicalAddress, Range};
use crate::board::Driver;
use crate::mmio::{Mmio, Registers};
use crate::port::{PortIo, PortRange, Ports};

use super::Console;

/// `RBR` and `THR`: the received byte, or the byte to send; with `LCR_DLAB`, the low half of the
/// divisor.
const DATA: usize = 0;
/// `IER`: enabled interrupts; with `LCR_DLAB`, the high half of the divisor.
const IER: usize = 1;
/// `IIR`: the cause of the interrupt. Reading acknowledges an empty transmitter.
const IIR: usize = 2;
/// `FCR`: FIFO control, at the same offset as [`IIR`].
const FCR: usize = 2;
/// `LCR`: line control.
const LCR: usize = 3;
/// `MCR`: modem control.
const MCR: usize = 4;
/// `LSR`: line status.
const LSR: usize = 5;
/// `MSR`: modem status. Reading acknowledges a change.
const MSR: usize = 6;

/// `IER`: received data available.
const RECEIVED: u8 = 1 << 0;
/// `IER`: the transmitter has space.
const WRITABLE: u8 = 1 << 1;

/// `IIR`: FIFOs are present and enabled.
const IIR_FIFOS: u8 = 0b11 << 6;
/// `FCR`: enables and clears both FIFOs; interrupt at 8 received bytes, or after a timeout.
const FCR_ON: u8 = 0b10 << 6 | 0b111;
/// `LCR`: eight bits, no parity, one stop bit.
const LCR_8N1: u8 = 0b11;
/// `LCR`: the first two registers hold the divisor.
const LCR_DLAB: u8 = 1 << 7;
/// `MCR`: ready to receive, and `OUT2`, which enables the interrupt on PCs.
const MCR_ON: u8 = 0b1011;

/// `LSR`: received data available.
const LSR_RECEIVED: u8 = 1 << 0;
/// `LSR`: the byte has a parity, framing or break error.
const LSR_DAMAGED: u8 = 0b111 << 2;
/// `LSR`: the transmit FIFO is empty.
const LSR_EMPTY: u8 = 1 << 5;
/// `LSR`: the transmitter is idle.
const LSR_IDLE: u8 = 1 << 6;

/// The depth of a FIFO, in bytes.
const FIFO_DEPTH: usize = 16;
/// The largest number of polls for an idle transmitter: far longer than 16 bytes take at 1200 baud.
const IDLE_LIMIT: usize = 1_000_000;

/// The location and line settings of a UART. `W` is a [`Range`] of memory or a [`PortRange`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config<W> {
    /// The registers of the UART, in memory or at ports.
    pub registers: W,
    /// The layout of the registers.
    pub layout: Layout,
    /// The frequency of the UART's reference clock in Hz.
    pub clock: u64,
    /// The baud rate to set; `None` keeps firmware's setting.
    pub baud: Option<u32>,
}

/// The layout of the eight registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The distance between registers, in bytes.
    pub stride: usize,
    /// The width of an access to a register.
    pub width: Width,
}

/// The width of an access to a register. The register is the low byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Width {
    /// Accesses have 8 bits.
    Bits8,
    /// Accesses have 16 bits.
    Bits16,
    /// Accesses have 32 bits.
    Bits32,
}

/// A UART of the 16550 family, set to eight bits, no parity, one stop bit.
pub struct Ns16550<R> {
    registers: R,
    layout: Layout,
    /// How many bytes an empty transmitter accepts.
    depth: usize,
}

impl<R: Registers> Ns16550<R> {
    /// Enables the UART with these registers. If `baud` is given, sets it with a reference clock of
    /// `clock` Hz; see [`divisor`].
    pub fn with_registers(registers: R, layout: Layout, clock: u64, baud: Option<u32>) -> Self {
        let mut uart = Self {
            registers,
            layout,
            depth: 1,
        };
        // Wait until pending output is sent before changing the line settings.
        for _ in 0..IDLE_LIMIT {
            if uart.read_register(LSR) & LSR_IDLE != 0 {
                break;
            }
        }
        uart.write_register(IER, 0);
        if let Some(divisor) = baud.and_then(|baud| divisor(clock, baud)) {
            let [low, high] = divisor.to_le_bytes();
            uart.write_register(LCR, LCR_8N1 | LCR_DLAB);
            uart.write_register(DATA, low);
            uart.write_register(IER, high);
        }
        uart.write_register(LCR, LCR_8N1);
        uart.write_register(FCR, FCR_ON);
        uart.write_register(MCR, MCR_ON);
        // Older parts have no working FIFOs.
        if uart.read_register(IIR) & IIR_FIFOS == IIR_FIFOS {
            uart.depth = FIFO_DEPTH;
        }
        // Acknowledge earlier interrupts.
        for register in [LSR, DATA, MSR] {
            uart.read_register(register);
        }
        uart.write_register(IER, RECEIVED);
        uart
    }

    fn read_register(&self, register: usize) -> u8 {
        let offset = register * self.layout.stride;
        match self.layout.width {
            Width::Bits8 => self.registers.read8(offset),
            Width::Bits16 => self.registers.read16(offset) as u8,
            Width::Bits32 => self.registers.read32(offset) as u8,
        }
    }

    fn write_register(&self, register: usize, value: u8) {
        let offset = register * self.layout.stride;
        match self.layout.width {
            Width::Bits8 => self.registers.write8(offset, value),
            Width::Bits16 => self.registers.write16(offset, value.into()),
            Width::Bits32 => self.registers.write32(offset, value.into()),
        }
    }
}

/// Returns the divisor closest to `baud` with a reference clock of `clock` Hz, or `None` if the
/// UART does not support the rate. The highest rate is a 16th of the clock.
#[must_use]
pub fn divisor(clock: u64, baud: u32) -> Option<u16> {
    let sixteenths = u64::from(baud).checked_mul(16).filter(|&rate| rate > 0)?;
    let nearest = clock.checked_add(sixteenths / 2)? / sixteenths;
    u16::try_from(nearest).ok().filter(|&divisor| divisor > 0)
}

impl<P: PortIo> Driver for Ns16550<Ports<P>> {
    type Config = Config<PortRange>;

    unsafe fn new(config: &Self::Config) -> Self {
        // SAFETY: the caller guarantees that the UART is present and not shared.
        let registers = unsafe { Ports::new(config.registers) };
        Self::with_registers(registers, config.layout, config.clock, config.baud)
    }
}

impl Driver for Ns16550<Mmio> {
    type Config = Config<Range>;

    unsafe fn new(config: &Self::Config) -> Self {
        // SAFETY: the caller guarantees that the UART is present and not shared.
        let registers = unsafe { Mmio::new(config.registers) };
        Self::with_registers(registers, config.layout, config.clock, config.baud)
    }

    fn moved(config: &Self::Config, base: PhysicalAddress) -> Option<Self::Config> {
        let registers = Range::new(base, config.registers.size)?;
        Some(Config {
            registers,
            ..*config
        })
    }
}

impl<R: Registers> Console for Ns16550<R> {
    fn write(&mut self, bytes: &[u8]) -> usize {
        let mut sent = 0;
        // After one read of the status, a whole FIFO can be filled.
        while sent < bytes.len() && self.read_register(LSR) & LSR_EMPTY != 0 {
            for &byte in bytes[sent..].iter().take(self.depth) {
                self.write_register(DATA, byte);
                sent += 1;
            }
        }
        sent
    }

    fn read(&mut self) -> Option<u8> {
        // Skip damaged bytes; there are at most as many as the FIFOs hold.
        for _ in 0..2 * FIFO_DEPTH {
            let status = self.read_register(LSR);
            if status & LSR_RECEIVED == 0 {
                return None;
            }
            let data = self.read_register(DATA);
            if status & LSR_DAMAGED == 0 {
                return Some(data);
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
        self.write_register(IER, enabled);
    }

    fn acknowledge_interrupt(&mut self) {
        // Reading the data acknowledges received bytes; this read acknowledges an empty
        // transmitter.
        self.read_register(IIR);
    }
}

#[cfg(test)]
mod tests;
