//! The incoming MSI controller (IMSIC) of a RISC-V hart, and the APLIC that sends it the interrupts
//! of lines.
//!
//! Registers and sequences: The RISC-V Advanced Interrupt Architecture 1.0, chapter 3, and for the
//! APLIC section 4.9. Each hart has an interrupt file for each privilege mode. A message is a
//! number, which sets a bit of the file: sources of the APLIC send their own number, and functions
//! on a PCI bus get the numbers above. The timer's interrupt is local to the hart; this driver
//! handles it, too.

use crate::address::{PhysicalAddress, Range};
use crate::board::Driver;
use crate::interrupt::{Interrupt, InterruptController, Message};
use crate::mmio::{Mmio, Registers};
use crate::riscv::{Local, LocalInterrupts, Mode, TIMER};

use super::aplic::Domain;
use file::File;

mod file;
pub mod several;

/// The largest number that is used.
pub const MOST_IDENTITIES: u32 = 1023;

/// The interrupt file of the hart for the kernel's privilege mode.
pub trait InterruptFile: LocalInterrupts {
    /// The width of the registers that `read` and `write` select, in bits. Those of `eip` and `eie`
    /// are numbered as if each had 32 bits.
    const WIDTH: u32 = usize::BITS;

    /// Reads a register of the file (`miselect` and `mireg`, or `siselect` and `sireg`; section
    /// 3.6).
    fn read(&mut self, register: usize) -> usize;

    /// Writes a register of the file.
    fn write(&mut self, register: usize, value: usize);

    /// Takes the pending interrupt with the lowest number: its number in the bits from 16 on, or 0
    /// (`mtopei` or `stopei`; section 3.10).
    fn take(&mut self) -> usize;
}

/// The addresses of the interrupt files, and of the APLIC's domains that send them the interrupts
/// of lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The addresses for M mode, if the kernel may run in it.
    pub machine: Option<Level>,
    /// The addresses for S mode, if the kernel may run in it.
    pub supervisor: Option<Level>,
    /// The distance between the files of harts, a power of two of at least 4 KiB.
    pub stride: u64,
    /// The largest number that a file takes.
    pub identities: u32,
    /// The number of sources of the APLIC, which are numbered from 1.
    pub sources: u32,
}

/// The addresses for one privilege mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Level {
    /// The address of the interrupt file of the socket's first hart (hart 0 on a machine with one
    /// socket). Those of the others follow.
    pub files: PhysicalAddress,
    /// The registers of the APLIC's domain.
    pub aplic: Range,
}

impl Config {
    const fn level(&self, mode: Mode) -> Option<Level> {
        match mode {
            Mode::Machine => self.machine,
            Mode::Supervisor => self.supervisor,
        }
    }
}

/// The addresses of interrupt files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Files {
    /// The address of the interrupt file of hart 0.
    pub first: PhysicalAddress,
    /// The distance between the interrupt files of harts, in bytes.
    pub stride: u64,
}

/// An IMSIC with its APLIC.
pub struct Imsic<R, P> {
    /// The APLIC's domain for the hart's mode; `None` means that the hart receives no device
    /// interrupts.
    domain: Option<Domain<R>>,
    /// The interrupt file of the hart.
    file: File<P>,
    files: Files,
    /// The number of the next message to be allocated.
    next: u32,
}

impl<R: Registers, P: InterruptFile> Imsic<R, P> {
    /// Creates the driver for the current hart, with the registers of the domain of its mode. The
    /// interrupt files take numbers up to `identities`.
    pub fn with_registers(
        registers: Option<R>,
        hart: P,
        files: Files,
        sources: u32,
        identities: u32,
    ) -> Self {
        let file = File::new(hart, identities);
        let sources = sources.min(file.last());
        Self {
            domain: registers.map(|registers| Domain::new(registers, sources)),
            file,
            files,
            next: sources + 1,
        }
    }

    fn is_source(&self, number: u32) -> bool {
        let mut domain = self.domain.iter();
        domain.any(|domain| domain.is_source(number))
    }
}

impl<P: InterruptFile> Driver for Imsic<Mmio, P> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        let hart = P::default();
        let level = config.level(hart.mode());
        // SAFETY: the caller guarantees that the APLIC is present and not shared.
        let registers = level.map(|level| unsafe { Mmio::new(level.aplic) });
        let files = Files {
            first: level.map_or(PhysicalAddress(0), |level| level.files),
            stride: config.stride,
        };
        Self::with_registers(registers, hart, files, config.sources, config.identities)
    }
}

impl<R: Registers, P: InterruptFile> InterruptController for Imsic<R, P> {
    fn initialize(&mut self) {
        self.file.stop();
        let Some(domain) = &self.domain else {
            return;
        };
        domain.quieten();
        self.file.reset();
        if self.file.hart.mode() == Mode::Machine {
            let Files { first, stride } = self.files;
            domain.address(first, stride, self.file.hart.id());
        }
        if !domain.deliver(true) {
            crate::warn!("the APLIC sends no messages: the board needs the driver `aplic`");
        }
        self.file.hart.enable(Local::External, true);
    }

    fn has(&self, number: u32) -> bool {
        number == TIMER.number || self.is_source(number)
    }

    fn enable(&mut self, interrupt: Interrupt) {
        let number = interrupt.number;
        if number == TIMER.number {
            self.file.hart.enable(Local::Timer, true);
        } else if self.file.takes(number) {
            self.file.let_through(number, true);
            if let Some(domain) = self.domain.as_ref().filter(|one| one.is_source(number)) {
                self.file.set_trigger(number, interrupt.trigger);
                domain.enable(interrupt, self.file.hart.id(), number);
            }
        }
    }

    fn disable(&mut self, number: u32) {
        if number == TIMER.number {
            self.file.hart.enable(Local::Timer, false);
        } else if self.file.takes(number) {
            if let Some(domain) = self.domain.as_ref().filter(|one| one.is_source(number)) {
                domain.disable(number);
            }
            self.file.let_through(number, false);
        }
    }

    #[inline]
    fn claim(&mut self) -> Option<u32> {
        self.file.claim()
    }

    /// A level-triggered source sends a message only when its line is asserted. If another device
    /// on the line still asserts it, the source must send another message (4.9.2).
    #[inline]
    fn complete(&mut self, number: u32) {
        if let Some(domain) = self.domain.as_ref().filter(|one| one.is_source(number))
            && self.file.is_level(number)
        {
            domain.send_again(number);
        }
    }

    fn allocate_message(&mut self, _requester: u16, _vector: u16) -> Option<Message> {
        let number = self.next;
        if self.domain.is_none() || number > self.file.last() {
            return None;
        }
        self.next += 1;
        self.file.let_through(number, true);
        let file = self.files.stride.wrapping_mul(self.file.hart.id() as u64);
        Some(Message {
            address: PhysicalAddress(self.files.first.0.wrapping_add(file)),
            data: number,
            number,
        })
    }
}

#[cfg(test)]
mod tests;
