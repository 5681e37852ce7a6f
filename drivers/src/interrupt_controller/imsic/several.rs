//! Interrupt files of a machine with several sockets, each of which has an APLIC.
//!
//! An APLIC sends its messages to the file of any hart, so those of all sockets go to the kernel's
//! hart. The sources of the APLICs use the numbers of its file one after the other: source s of the
//! second APLIC sends the number that follows those of the first one, plus s - 1. The board numbers
//! it [`STRIDE`] + s.

use super::file::File;
use super::{InterruptFile, Level};
use crate::address::{PhysicalAddress, Range};
use crate::board::Driver;
use crate::interrupt::{Interrupt, InterruptController, Message};
use crate::interrupt_controller::aplic::Domain;
use crate::interrupt_controller::sockets::{STRIDE, socket_of};
use crate::mmio::{Mmio, Registers};
use crate::riscv::{Local, Mode, TIMER};

/// The size of an interrupt file (3.5).
const SIZE: u64 = 0x1000;

/// The interrupt files and the APLIC of a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unit {
    /// The addresses for M mode, if the kernel may run in it.
    pub machine: Option<Level>,
    /// The addresses for S mode, if the kernel may run in it.
    pub supervisor: Option<Level>,
    /// The number of sources of the APLIC, which are numbered from 1.
    pub sources: u32,
    /// The first hart of the socket, whose interrupt file is the first one.
    pub first_hart: usize,
    /// The index by which APLICs address the first hart in S mode. Firmware has defined it; those of
    /// the other harts of the socket follow (RISC-V AIA 1.0, 4.9.1).
    pub first_index: usize,
}

impl Unit {
    const fn level(&self, mode: Mode) -> Option<Level> {
        match mode {
            Mode::Machine => self.machine,
            Mode::Supervisor => self.supervisor,
        }
    }
}

/// The sockets of a board, in the order of their numbers. The first hart of the first one is 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config<const N: usize> {
    /// The sockets.
    pub units: &'static [Unit; N],
    /// The distance between the files of the harts of a socket, a power of two of at least 4 KiB.
    pub stride: u64,
    /// The largest number that a file takes.
    pub identities: u32,
}

/// The APLIC of a socket.
struct Aplic<R> {
    domain: Option<Domain<R>>,
    /// The last number in the file that belongs to the APLICs before this one.
    before: u32,
}

impl<R: Registers> Aplic<R> {
    /// Returns the domain, if it has a source.
    fn domain_of(&self, source: u32) -> Option<&Domain<R>> {
        self.domain.as_ref().filter(|one| one.is_source(source))
    }
}

/// The interrupt file of the kernel's hart, with the APLICs of `N` sockets.
pub struct Imsics<R, P, const N: usize> {
    aplics: [Aplic<R>; N],
    file: File<P>,
    /// The address of the file.
    address: PhysicalAddress,
    /// The index by which the APLICs address the hart.
    index: usize,
    /// The first number that no source has.
    first_message: u32,
    /// The number of the next message to be allocated.
    next: u32,
}

impl<R: Registers, P: InterruptFile, const N: usize> Imsics<R, P, N> {
    /// Creates the driver of APLICs with these registers, for the current hart.
    pub fn with_registers(mut registers: impl FnMut(Range) -> R, config: &Config<N>) -> Self {
        let hart = P::default();
        let (id, mode) = (hart.id(), hart.mode());
        let file = File::new(hart, config.identities);
        let first_harts = config.units.each_ref().map(|unit| unit.first_hart);
        let own = config.units.get(socket_of(first_harts, id));
        let position = own.map_or(0, |own| id.saturating_sub(own.first_hart));
        let first = own.and_then(|own| own.level(mode));
        let first = first.map_or(0, |level| level.files.0);
        let mut before = 0;
        let aplics = config.units.each_ref().map(|unit| {
            let sources = unit.sources.min(file.last() - before);
            let level = unit.level(mode);
            let aplic = Aplic {
                domain: level.map(|level| Domain::new(registers(level.aplic), sources)),
                before,
            };
            before += sources;
            aplic
        });
        Self {
            aplics,
            file,
            address: PhysicalAddress(
                first.wrapping_add(config.stride.wrapping_mul(position as u64)),
            ),
            index: match mode {
                // The only address that the kernel gives to the APLICs.
                Mode::Machine => 0,
                Mode::Supervisor => own.map_or(0, |own| own.first_index) + position,
            },
            first_message: before + 1,
            next: before + 1,
        }
    }

    /// Returns the APLIC, and its source, that have an interrupt number; `None` if it is the number of
    /// a message, or of nothing.
    fn place(aplics: &[Aplic<R>; N], number: u32) -> Option<(&Aplic<R>, &Domain<R>, u32)> {
        let aplic = aplics.get((number / STRIDE) as usize)?;
        let source = number % STRIDE;
        Some((aplic, aplic.domain_of(source)?, source))
    }

    /// Returns the interrupt number of a message that the file has received.
    fn number(&self, received: u32) -> u32 {
        let aplics = self.aplics.iter().zip(0_u32..);
        let mut numbers = aplics.filter_map(|(aplic, index)| {
            let source = received.checked_sub(aplic.before)?;
            aplic.domain_of(source)?;
            Some(index * STRIDE + source)
        });
        numbers.next().unwrap_or(received)
    }

    /// Returns whether a number is one of those for messages of PCI functions.
    fn is_message(&self, number: u32) -> bool {
        number >= self.first_message && self.file.takes(number)
    }
}

impl<P: InterruptFile, const N: usize> Driver for Imsics<Mmio, P, N> {
    type Config = Config<N>;

    unsafe fn new(config: &Config<N>) -> Self {
        Self::with_registers(
            // SAFETY: the caller guarantees that the APLICs are present and not shared.
            |range| unsafe { Mmio::new(range) },
            config,
        )
    }
}

impl<R: Registers, P: InterruptFile, const N: usize> InterruptController for Imsics<R, P, N> {
    const CONTROLLER_STRIDE: u32 = STRIDE;

    fn initialize(&mut self) {
        self.file.stop();
        let domains = || self.aplics.iter().filter_map(|aplic| aplic.domain.as_ref());
        if domains().next().is_none() {
            return;
        }
        domains().for_each(Domain::quieten);
        self.file.reset();
        for domain in domains() {
            if self.file.hart.mode() == Mode::Machine {
                domain.address(self.address, SIZE, 0);
            }
            if !domain.deliver(true) {
                crate::warn!("the APLIC sends no messages: the board needs the driver `aplic`");
            }
        }
        self.file.hart.enable(Local::External, true);
    }

    fn has(&self, number: u32) -> bool {
        number == TIMER.number || Self::place(&self.aplics, number).is_some()
    }

    fn enable(&mut self, interrupt: Interrupt) {
        let number = interrupt.number;
        if number == TIMER.number {
            self.file.hart.enable(Local::Timer, true);
        } else if let Some((aplic, domain, source)) = Self::place(&self.aplics, number) {
            let sent = aplic.before + source;
            self.file.let_through(sent, true);
            self.file.set_trigger(sent, interrupt.trigger);
            let of_source = Interrupt {
                number: source,
                ..interrupt
            };
            domain.enable(of_source, self.index, sent);
        } else if self.is_message(number) {
            self.file.let_through(number, true);
        }
    }

    fn disable(&mut self, number: u32) {
        if number == TIMER.number {
            self.file.hart.enable(Local::Timer, false);
        } else if let Some((aplic, domain, source)) = Self::place(&self.aplics, number) {
            domain.disable(source);
            self.file.let_through(aplic.before + source, false);
        } else if self.is_message(number) {
            self.file.let_through(number, false);
        }
    }

    fn claim(&mut self) -> Option<u32> {
        // `number` returns the timer's number unchanged, because no source has it.
        self.file.claim().map(|received| self.number(received))
    }

    /// As for one APLIC, a line that is still asserted must send another message.
    fn complete(&mut self, number: u32) {
        if let Some((aplic, domain, source)) = Self::place(&self.aplics, number)
            && self.file.is_level(aplic.before + source)
        {
            domain.send_again(source);
        }
    }

    fn allocate_message(&mut self, _requester: u16, _vector: u16) -> Option<Message> {
        let number = self.next;
        let has_domain = self.aplics.iter().any(|aplic| aplic.domain.is_some());
        if !has_domain || number > self.file.last() {
            return None;
        }
        self.next += 1;
        self.file.let_through(number, true);
        Some(Message {
            address: self.address,
            data: number,
            number,
        })
    }
}

#[cfg(test)]
mod tests;
