//! The 16550 family of UARTs.
//!
//! Registers and sequences: National Semiconductor PC16550D data sheet, section 8. A machine has
//! the eight registers in memory or among its ports, one byte apart or more, and accesses of 8, 16
//! or 32 bits.

use crate::address::{PhysicalAddress, Range};
use crate::board::Driver;
use crate::mmio::{Mmio, Registers};
use crate::port::{PortIo, PortRange, Ports};

use super::Console;

/// `RBR` and `THR`: the byte received, or to be sent; with `LCR_DLAB`, the low half of the divisor.
const DATA: usize = 0;
/// `IER`: the interrupts that are let through; with `LCR_DLAB`, the high half of the divisor.
const IER: usize = 1;
/// `IIR`: why the interrupt is raised. Reading acknowledges an empty transmitter.
const IIR: usize = 2;
/// `FCR`: the FIFOs, at the place where [`IIR`] is read.
const FCR: usize = 2;
/// `LCR`: how a byte is framed.
const LCR: usize = 3;
/// `MCR`: the modem's lines.
const MCR: usize = 4;
/// `LSR`: what the receiver and the transmitter have.
const LSR: usize = 5;
/// `MSR`: the modem's answers. Reading acknowledges that they changed.
const MSR: usize = 6;

/// `IER`: bytes were received.
const RECEIVED: u8 = 1 << 0;
/// `IER`: the transmitter has room.
const WRITABLE: u8 = 1 << 1;

/// `IIR`: there are FIFOs, and they work.
const IIR_FIFOS: u8 = 0b11 << 6;
/// `FCR`: FIFOs on, both emptied, an interrupt at 8 received bytes, or for fewer that have waited.
const FCR_ON: u8 = 0b10 << 6 | 0b111;
/// `LCR`: eight bits, no parity, one stop bit.
const LCR_8N1: u8 = 0b11;
/// `LCR`: the first two registers are the divisor.
const LCR_DLAB: u8 = 1 << 7;
/// `MCR`: ready to receive, and `OUT2`, which lets the interrupt through on PCs.
const MCR_ON: u8 = 0b1011;

/// `LSR`: a byte was received.
const LSR_RECEIVED: u8 = 1 << 0;
/// `LSR`: that byte came in with a parity, framing or break error.
const LSR_DAMAGED: u8 = 0b111 << 2;
/// `LSR`: the transmit FIFO is empty.
const LSR_EMPTY: u8 = 1 << 5;
/// `LSR`: the last byte is out.
const LSR_IDLE: u8 = 1 << 6;

/// The depth of a FIFO.
const FIFO_DEPTH: usize = 16;
/// How often to look whether the last byte is out: far longer than 16 take at 1200 baud.
const IDLE_LIMIT: usize = 1_000_000;

/// Where a UART is and how its line is set up. `W` says where: a [`Range`] of memory or a
/// [`PortRange`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config<W> {
    /// Its registers.
    pub registers: W,
    /// How they lie there.
    pub layout: Layout,
    /// The frequency of its clock in Hz.
    pub clock: u64,
    /// The baud rate to set; what firmware has set stays where `None`.
    pub baud: Option<u32>,
}

/// How the eight registers lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// From one to the next, in bytes.
    pub stride: usize,
    /// How wide an access is.
    pub width: Width,
}

/// How wide an access to a register is; the register is its low byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Width {
    /// 8 bits.
    Bits8,
    /// 16 bits.
    Bits16,
    /// 32 bits.
    Bits32,
}

/// A UART of the 16550 family, set to eight bits, no parity, one stop bit.
pub struct Ns16550<R> {
    registers: R,
    layout: Layout,
    /// How many bytes an empty transmitter takes.
    depth: usize,
}

impl<R: Registers> Ns16550<R> {
    /// The UART behind these registers, switched on. `baud` is set from the frequency `clock` (in
    /// Hz) where it is given; see [`divisor`].
    pub fn with_registers(registers: R, layout: Layout, clock: u64, baud: Option<u32>) -> Self {
        let mut uart = Self {
            registers,
            layout,
            depth: 1,
        };
        // what is being sent must be out before the line may change
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
        // an older part has no FIFOs, or they do not work
        if uart.read_register(IIR) & IIR_FIFOS == IIR_FIFOS {
            uart.depth = FIFO_DEPTH;
        }
        // what came before is acknowledged
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

/// The divisor that comes nearest to `baud` for a UART clocked with `clock` Hz, or `None` where the
/// UART cannot do that rate: it is at most a 16th of the clock.
#[must_use]
pub fn divisor(clock: u64, baud: u32) -> Option<u16> {
    let sixteenths = u64::from(baud).checked_mul(16).filter(|&rate| rate > 0)?;
    let nearest = clock.checked_add(sixteenths / 2)? / sixteenths;
    u16::try_from(nearest).ok().filter(|&divisor| divisor > 0)
}

impl<P: PortIo> Driver for Ns16550<Ports<P>> {
    type Config = Config<PortRange>;

    unsafe fn new(config: &Self::Config) -> Self {
        // SAFETY: the caller promises that the UART is there and nobody else's.
        let registers = unsafe { Ports::new(config.registers) };
        Self::with_registers(registers, config.layout, config.clock, config.baud)
    }
}

impl Driver for Ns16550<Mmio> {
    type Config = Config<Range>;

    unsafe fn new(config: &Self::Config) -> Self {
        // SAFETY: the caller promises that the UART is there and nobody else's.
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
        // one look at the status is worth a whole FIFO
        while sent < bytes.len() && self.read_register(LSR) & LSR_EMPTY != 0 {
            for &byte in bytes[sent..].iter().take(self.depth) {
                self.write_register(DATA, byte);
                sent += 1;
            }
        }
        sent
    }

    fn read(&mut self) -> Option<u8> {
        // a damaged byte is skipped; there are never more than a FIFO of them
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
        // What was received is acknowledged by being read, an empty transmitter by this.
        self.read_register(IIR);
    }
}

#[cfg(test)]
mod tests;
