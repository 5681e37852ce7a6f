//! The SMSC LAN9118 and its relatives: 10/100 Ethernet with FIFOs that the processor reads and writes
//! word by word (SMSC LAN9118 data sheet, revision 1.5; today Microchip DS00002266).
//!
//! The first word of a frame in a FIFO starts two bytes before the frame. So a frame's words are those
//! of its memory, and copying takes one access for each.

mod fifo;
mod mac;
mod registers;

use alloc::rc::Rc;

use super::{Ethernet, LONGEST, Statistics};
use crate::address::Range;
use crate::board::Driver;
use crate::counts::report;
use crate::dma::{Frame, Frames};
use crate::mmio::{Mmio, Registers};
use crate::virtio::transport::Routing;
use crate::virtio::{Failure, Pulse, SetupError};
use crate::watched::Watched;

use fifo::{Receive, Transmit};
use registers::*;

/// The number of reads of a register until the first reset, or loading the EEPROM after it, counts as
/// failed. Loading takes some milliseconds, and a read at least 45 ns (6.3), so these are at least 45 ms.
const RESET_READS: u32 = if cfg!(miri) { 100 } else { 1_000_000 };

/// The number of reads of a register until a step of a restart counts as failed: at least 0.4 ms. The next
/// attempt, which follows after at least 10 ms, waits for the end of the same reset, and finds a controller
/// awake that this one has begun to wake.
const RESTART_READS: u32 = if cfg!(miri) { 100 } else { 10_000 };

/// The number of reads of a register until the controller counts as one that does not wake up at the first
/// start: at least 4 ms. Waking it takes 2 ms (3.10.2).
const WAKE_READS: u32 = if cfg!(miri) { 100 } else { 100_000 };

/// The interrupts in use, without that for room to send.
const INTERRUPTS: u32 = INT_PHY | INT_RX_ERROR | INT_TX_ERROR | INT_RX_DROPPED | INT_RX_STATUS;

/// The controller in `board.rs`.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The controller's registers.
    pub registers: Range,
    /// Whether its interrupt line is active low.
    pub active_low: bool,
    /// The largest number of frames in memory at the same time.
    pub frames: usize,
}

/// The driver for the controller.
#[derive(Debug)]
pub struct Lan9118<R> {
    registers: R,
    active_low: bool,
    frames: Rc<Frames>,
    mac: [u8; 6],
    link_up: bool,
    receive: Receive,
    transmit: Transmit,
    /// Whether the interrupt was acknowledged since it was enabled.
    is_held: bool,
    /// Whether a reset has begun and not ended; the next attempt waits for its end.
    is_resetting: bool,
    failure: Option<Failure>,
    statistics: Statistics,
}

impl Driver for Lan9118<Mmio> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller guarantees that these are the registers of the controller, and that
        // nothing else drives it.
        let registers = unsafe { Mmio::new(config.registers) };
        Self::at(registers, config.active_low, config.frames)
    }
}

impl<R: Registers> Lan9118<R> {
    /// Returns the driver of a controller that was not started yet, with a pool of `frames` frames.
    pub(crate) fn at(registers: R, active_low: bool, frames: usize) -> Self {
        Self {
            registers,
            active_low,
            frames: Rc::new(Frames::limited(LONGEST, frames)),
            mac: [0; 6],
            link_up: false,
            receive: Receive::default(),
            transmit: Transmit::default(),
            is_held: true,
            is_resetting: false,
            failure: None,
            statistics: Statistics::default(),
        }
    }

    /// Reads a register, at most `reads` times, until `is_done`. Returns whether that happened.
    fn wait(&self, reads: u32, register: usize, is_done: impl Fn(u32) -> bool) -> bool {
        (0..reads).any(|_| is_done(self.registers.read32(register)))
    }

    /// Wakes the controller, which may take as long as `reads` of a register, and checks that it is one that
    /// this driver knows.
    fn identify(&self, reads: u32) -> Result<(), SetupError> {
        // Until the controller is awake, no other register may be read (5.3.15).
        let mut is_awake = self.registers.read32(PMT_CTRL) & READY != 0;
        if !is_awake {
            // Any write to this register wakes the controller (3.10.2).
            self.registers.write32(BYTE_TEST, 0);
            is_awake = self.wait(reads, PMT_CTRL, |value| value & READY != 0);
        }
        match self.registers.read32(BYTE_TEST) {
            BYTE_ORDER if is_awake => {}
            BYTE_ORDER => return Err(SetupError::Device("it does not wake up")),
            0 | u32::MAX => return Err(SetupError::NoDevice),
            value => {
                return Err(SetupError::Unknown {
                    register: "BYTE_TEST",
                    value,
                });
            }
        }
        let id = self.registers.read32(ID_REV);
        if !CHIPS.contains(&((id >> 16) as u16)) {
            return Err(SetupError::Unknown {
                register: "ID_REV",
                value: id,
            });
        }
        Ok(())
    }

    /// Resets and configures the controller, and counts that if it has failed before. Waking it, and each step
    /// of the reset, may take as long as `reads` of a register.
    fn restart(&mut self, reads: u32) -> Result<(), SetupError> {
        if self.failure.take().is_some() {
            self.statistics.resets = self.statistics.resets.wrapping_add(1);
        }
        let restarted = self.reset(reads).and_then(|()| self.configure());
        if let Err(error) = restarted {
            self.fail(Failure::Setup(error));
        }
        restarted
    }

    /// Resets the controller, or waits for the end of a reset that has begun.
    fn reset(&mut self, reads: u32) -> Result<(), SetupError> {
        let has_begun = core::mem::take(&mut self.is_resetting);
        self.identify(WAKE_READS.min(reads))?;
        let registers = &self.registers;
        registers.write32(INT_EN, 0);
        if !has_begun {
            registers.write32(HW_CFG, RESET);
        }
        let mut has_ended = self.wait(reads, HW_CFG, |value| value & RESET == 0);
        if has_ended && registers.read32(HW_CFG) & RESET_TIMEOUT != 0 {
            return Err(SetupError::ResetTimeout);
        }
        // After a reset, the controller loads its address from the EEPROM.
        has_ended = has_ended && self.wait(reads, E2P_CMD, |value| value & EEPROM_BUSY == 0);
        if !has_ended {
            // The attempt after the next one begins another reset.
            self.is_resetting = !has_begun;
            return Err(SetupError::ResetTimeout);
        }
        Ok(())
    }

    fn configure(&mut self) -> Result<(), SetupError> {
        let registers = &self.registers;
        registers.write32(HW_CFG, STORE_AND_FORWARD | TX_FIFO_5_KIB);
        registers.write32(AFC_CFG, FLOW_CONTROL);
        self.mac = self.read_address()?;
        let polarity = if self.active_low { 0 } else { IRQ_ACTIVE_HIGH };
        registers.write32(IRQ_CFG, IRQ_ENABLE | IRQ_PUSH_PULL | polarity);
        registers.write32(FIFO_INT, LEVELS);
        registers.write32(INT_STS, u32::MAX);
        registers.write32(RX_CFG, RX_OFFSET_2);
        registers.write32(TX_CFG, TX_ON | TX_STATUS_MAY_OVERRUN);
        self.receive = Receive::default();
        self.transmit = Transmit::default();
        self.is_held = true;
        self.start_phy()?;
        self.link_up = self.mode()?.is_some();
        Ok(())
    }

    #[cold]
    fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
    }

    /// Handles all interrupts that are pending, and acknowledges them.
    fn serve_events(&mut self) {
        let events = self.registers.read32(INT_STS);
        self.registers.write32(INT_STS, events);
        if events & (INT_PHY | INT_RX_ERROR | INT_TX_ERROR | INT_RX_DROPPED) != 0 {
            self.serve_rare(events);
        }
    }

    #[cold]
    fn serve_rare(&mut self, events: u32) {
        if events & INT_PHY != 0 {
            self.read_link();
        }
        if events & INT_RX_DROPPED != 0 {
            // Reading the count clears it.
            let dropped = self.registers.read32(RX_DROP);
            self.statistics.overruns = self.statistics.overruns.wrapping_add(dropped);
            report(
                "frames dropped because the controller's FIFO was full",
                self.statistics.overruns.into(),
            );
        }
        if events & INT_RX_ERROR != 0 {
            self.fail(Failure::Device("its receive FIFO reports an error"));
        }
        if events & INT_TX_ERROR != 0 {
            self.fail(Failure::Device("its transmit FIFO reports an error"));
        }
    }
}

impl<R: Registers> Ethernet for Lan9118<R> {
    fn start(&mut self) -> Result<(), SetupError> {
        self.restart(RESET_READS)
    }

    fn mac(&self) -> [u8; 6] {
        self.mac
    }

    #[inline]
    fn frames(&self) -> &Rc<Frames> {
        &self.frames
    }

    fn link_up(&self) -> bool {
        self.link_up
    }

    fn has_news(&mut self) -> bool {
        self.failure.is_none() && (self.waiting() > 0 || self.take_new_room())
    }

    fn arrived(&mut self) -> u16 {
        self.receive.left = match self.failure {
            None => self.waiting(),
            Some(_) => 0,
        };
        self.receive.left
    }

    fn receive(&mut self) -> Option<Frame> {
        while self.receive.left > 0 && self.failure.is_none() {
            self.receive.left -= 1;
            if let Some(frame) = self.take_frame() {
                return Some(frame);
            }
        }
        None
    }

    fn room(&mut self) -> u16 {
        self.room_for_frames()
    }

    fn send(&mut self, frame: Frame) {
        self.copy_frame(&frame);
        self.frames.give(frame);
    }

    #[inline]
    fn take_unsent(&mut self) -> usize {
        core::mem::take(&mut self.transmit.unsent)
    }

    fn rearm(&mut self) -> bool {
        if self.has_news() {
            return true;
        }
        if self.failure.is_none() {
            let space = if self.transmit.is_starved {
                INT_TX_SPACE
            } else {
                0
            };
            if self.is_held || space != 0 {
                self.is_held = false;
                self.registers.write32(INT_EN, INTERRUPTS | space);
            }
        }
        false
    }

    fn acknowledge_interrupt(&mut self) {
        self.is_held = true;
        self.registers.write32(INT_EN, 0);
        self.serve_events();
    }

    fn statistics(&self) -> Statistics {
        self.statistics
    }
}

impl<R: Registers> Watched for Lan9118<R> {
    fn pulse(&mut self) -> Pulse {
        self.settle();
        Pulse {
            in_flight: self.transmit.in_flight(),
            oldest: self.transmit.completed,
            answered: self.transmit.completed as u16,
            taken: self.receive.taken,
            has_news: self.failure.is_none()
                && (self.waiting() > 0 || self.transmit.has_new_room()),
            is_unread: false,
            listens: true,
        }
    }

    fn inspect(&mut self) {
        self.serve_events();
        self.read_link();
    }

    fn failure(&self) -> Option<Failure> {
        self.failure
    }

    fn give_up(&mut self) {
        self.fail(Failure::Silent);
    }

    fn routing(&self) -> Routing {
        Routing::Line
    }

    fn configuration_changed(&mut self) {
        self.inspect();
    }

    fn reinitialize(&mut self) -> Result<(), SetupError> {
        self.restart(RESTART_READS)
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
