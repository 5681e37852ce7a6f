//! The UART of the nRF51 series.
//!
//! Registers and sequences: nRF51 Series Reference Manual 3.0, chapter 29. An event is a register that
//! the hardware sets to 1 and the driver to 0; it asserts the interrupt while it is set and enabled.

use crate::address::{PhysicalAddress, Range};
use crate::board::Driver;
use crate::mmio::{Mmio, Registers};

use super::Console;

/// `STARTRX`, `STOPRX`, `STARTTX` and `STOPTX`: tasks, started by writing 1.
const START_RECEIVER: usize = 0x000;
const STOP_RECEIVER: usize = 0x004;
const START_TRANSMITTER: usize = 0x008;
const STOP_TRANSMITTER: usize = 0x00c;
/// `RXDRDY`: the event that a byte was received.
const RECEIVED: usize = 0x108;
/// `TXDRDY`: the event that a byte was sent.
const SENT: usize = 0x11c;
/// `INTENSET` and `INTENCLR`: writing 1 enables or disables the interrupt of an event.
const SET_ENABLE: usize = 0x304;
const CLEAR_ENABLE: usize = 0x308;
/// `ENABLE`: [`ON`], or 0.
const ENABLE: usize = 0x500;
/// `PSELRTS`, `PSELTXD`, `PSELCTS` and `PSELRXD`: the pins, or [`NO_PIN`].
const RTS_PIN: usize = 0x508;
const TRANSMIT_PIN: usize = 0x50c;
const CTS_PIN: usize = 0x510;
const RECEIVE_PIN: usize = 0x514;
/// `RXD`: the received byte.
const RECEIVE: usize = 0x518;
/// `TXD`: the byte to send.
const TRANSMIT: usize = 0x51c;
/// `BAUDRATE`: the rate as a fraction of 16 MHz.
const BAUD_RATE: usize = 0x524;
/// `CONFIG`: 0 for no parity and no flow control.
const LINE: usize = 0x56c;

/// `ENABLE`: the UART has its pins.
const ON: u32 = 4;
/// `PSELRTS` and others: the signal has no pin.
const NO_PIN: u32 = u32::MAX;
/// `INTENSET`: the bits of the events `RXDRDY` and `TXDRDY`.
const RECEIVED_BIT: u32 = 1 << 2;
const SENT_BIT: u32 = 1 << 7;

/// The frequency that baud rates are fractions of, in Hz.
const CLOCK: u64 = 16_000_000;
/// The hardware ignores the lowest bits of a baud rate.
const IGNORED: u64 = 0xfff;

/// The location, pins and line settings of a UART.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The registers of the UART.
    pub registers: Range,
    /// The number of the pin that transmits.
    pub transmit_pin: u32,
    /// The number of the pin that receives, if there is one.
    pub receive_pin: Option<u32>,
    /// The baud rate.
    pub baud: u32,
}

/// A UART with eight bits, no parity and one stop bit.
pub struct Nrf51Uart<R> {
    registers: R,
    /// Whether a byte was written for which `TXDRDY` has not been seen yet.
    is_sending: bool,
}

impl<R: Registers> Nrf51Uart<R> {
    /// Enables the UART with these registers, pins and line settings.
    pub fn with_registers(registers: R, config: &Config) -> Self {
        registers.write32(STOP_RECEIVER, 1);
        registers.write32(STOP_TRANSMITTER, 1);
        registers.write32(CLEAR_ENABLE, u32::MAX);
        registers.write32(ENABLE, 0);
        registers.write32(RTS_PIN, NO_PIN);
        registers.write32(CTS_PIN, NO_PIN);
        registers.write32(TRANSMIT_PIN, config.transmit_pin);
        registers.write32(RECEIVE_PIN, config.receive_pin.unwrap_or(NO_PIN));
        registers.write32(BAUD_RATE, rate(config.baud));
        registers.write32(LINE, 0);
        registers.write32(ENABLE, ON);
        registers.write32(SENT, 0);
        registers.write32(RECEIVED, 0);
        registers.write32(START_TRANSMITTER, 1);
        if config.receive_pin.is_some() {
            registers.write32(START_RECEIVER, 1);
            registers.write32(SET_ENABLE, RECEIVED_BIT);
        }
        Self {
            registers,
            is_sending: false,
        }
    }
}

/// Returns the value of `BAUDRATE` for `baud`: the nearest rate that the hardware has.
#[must_use]
pub fn rate(baud: u32) -> u32 {
    let exact = (u64::from(baud) << u32::BITS) / CLOCK;
    let nearest = (exact + IGNORED / 2 + 1) & !IGNORED;
    u32::try_from(nearest).unwrap_or(!(IGNORED as u32))
}

impl Driver for Nrf51Uart<Mmio> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller guarantees that the UART is present and not shared.
        let registers = unsafe { Mmio::new(config.registers) };
        Self::with_registers(registers, config)
    }

    fn moved(config: &Config, base: PhysicalAddress) -> Option<Config> {
        let registers = Range::new(base, config.registers.size)?;
        Some(Config {
            registers,
            ..*config
        })
    }
}

impl<R: Registers> Console for Nrf51Uart<R> {
    fn write(&mut self, bytes: &[u8]) -> usize {
        for (sent, &byte) in bytes.iter().enumerate() {
            if self.is_sending {
                if self.registers.read32(SENT) == 0 {
                    return sent;
                }
                self.registers.write32(SENT, 0);
            }
            self.registers.write32(TRANSMIT, byte.into());
            self.is_sending = true;
        }
        bytes.len()
    }

    fn read(&mut self) -> Option<u8> {
        if self.registers.read32(RECEIVED) == 0 {
            return None;
        }
        // In this order: reading a byte raises the event for the next one.
        self.registers.write32(RECEIVED, 0);
        Some(self.registers.read32(RECEIVE) as u8)
    }

    fn notify_when_writable(&mut self, notify: bool) {
        let register = if notify { SET_ENABLE } else { CLEAR_ENABLE };
        self.registers.write32(register, SENT_BIT);
    }

    /// Does nothing: reading and writing end the events.
    fn acknowledge_interrupt(&mut self) {}
}

#[cfg(test)]
mod tests;
