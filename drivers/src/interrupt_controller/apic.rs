//! The interrupt controller of PCs: the processor's local APIC, which receives interrupts and
//! messages, and the I/O APICs, which send it the interrupts of their inputs.
//!
//! Intel SDM volume 3A, chapter 12, and the 82093AA data sheet. Interrupts are numbered by their
//! global system interrupt (ACPI 6.5, 5.2.13: the inputs of all I/O APICs, counted consecutively);
//! messages have higher numbers.

use alloc::vec::Vec;

use crate::address::{PhysicalAddress, Range};
use crate::board::Driver;
use crate::interrupt::{Interrupt, InterruptController, Message};
use crate::local_apic::{
    LocalApic, MASKED, ModelSpecific, SPURIOUS_VECTOR, TIMER_VECTOR, register,
};
use crate::mmio::{Mmio, Registers};
use crate::port::{PortIo, PortRange, Ports};

use super::i8259::I8259;
use super::io_apic::IoApic;

/// The interrupt of the local APIC's timer.
pub const TIMER_INTERRUPT: Interrupt = Interrupt::edge(1 << 16);
/// The number of the first message; numbers below belong to lines.
const FIRST_MESSAGE: u32 = 1 << 17;

/// The first vector that is used neither by the processor nor by the local timer.
const FIRST_VECTOR: u8 = TIMER_VECTOR + 1;
/// The end of the allocated vectors, exclusive; the next vector is that of spurious interrupts.
const LAST_VECTOR: u8 = SPURIOUS_VECTOR - 1;
/// The number of vectors that can be allocated.
const VECTORS: usize = (LAST_VECTOR - FIRST_VECTOR) as usize + 1;
/// The entry of a vector that is not in use.
const NOBODY: u32 = u32::MAX;

/// The address for messages (section 12.11.1); bits 12 and up hold the local APIC's ID.
const MESSAGES: u64 = 0xfee0_0000;
/// The largest ID that fits into the address of a message.
const LARGEST_ID: u32 = 0xff;

/// The highest interrupt that the processor has accepted.
pub trait Vectors: Default {
    /// Takes the highest accepted vector, if there is one.
    fn take(&mut self) -> Option<u8>;
}

/// The configuration of an I/O APIC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IoApicConfig {
    /// The registers of the I/O APIC.
    pub registers: Range,
    /// The global system interrupt of the I/O APIC's first input.
    pub first: u32,
}

/// The two 8259 interrupt controllers of a PC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LegacyPic {
    /// The I/O ports of the first 8259.
    pub primary: PortRange,
    /// The I/O ports of the second 8259.
    pub secondary: PortRange,
}

/// The addresses of the APICs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The local APIC's registers; unused with an x2APIC.
    pub local: Range,
    /// The configurations of the I/O APICs.
    pub io: &'static [IoApicConfig],
    /// The 8259s, which are masked; `None` if there are none.
    pub legacy_pic: Option<LegacyPic>,
}

/// The driver for the local APIC and the I/O APICs.
pub struct Apic<R, P, Q> {
    local: LocalApic<R, P>,
    io: Vec<IoApic<R>>,
    legacy_pic: Option<I8259<Q>>,
    /// The interrupt number of each vector, from [`FIRST_VECTOR`] on.
    numbers: [u32; VECTORS],
    /// The number of vectors in use.
    taken: usize,
    /// The number of allocated messages.
    messages: u32,
}

impl<R: Registers, P: ModelSpecific + Vectors, Q: Registers> Apic<R, P, Q> {
    /// Creates the driver for these registers. It must be initialized by
    /// [`InterruptController::initialize`] before use.
    pub fn with_registers(
        local: R,
        io: impl IntoIterator<Item = (R, u32)>,
        legacy_pic: Option<(Q, Q)>,
    ) -> Self {
        Self {
            local: LocalApic::new(local, P::default()),
            io: io
                .into_iter()
                .map(|(registers, first)| IoApic::new(registers, first))
                .collect(),
            legacy_pic: legacy_pic.map(|(primary, secondary)| I8259::new(primary, secondary)),
            numbers: [NOBODY; VECTORS],
            taken: 0,
            messages: 0,
        }
    }

    /// Returns the vector of `number`, and allocates one if needed; `None` if none is left.
    fn vector(&mut self, number: u32) -> Option<u8> {
        let known = self.numbers[..self.taken].iter();
        let index = match known.clone().position(|&known| known == number) {
            Some(index) => index,
            None => {
                *self.numbers.get_mut(self.taken)? = number;
                self.taken += 1;
                self.taken - 1
            }
        };
        Some(FIRST_VECTOR + index as u8)
    }

    /// Returns the interrupt number of `vector`.
    fn number(&self, vector: u8) -> Option<u32> {
        if vector == TIMER_VECTOR {
            return Some(TIMER_INTERRUPT.number);
        }
        let index = usize::from(vector.checked_sub(FIRST_VECTOR)?);
        self.numbers
            .get(index)
            .copied()
            .filter(|&number| number != NOBODY)
    }
}

impl<P: ModelSpecific + Vectors + PortIo> Driver for Apic<Mmio, P, Ports<P>> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller guarantees that the local APIC is present; the timer's driver uses
        // other registers of it.
        let local = unsafe { Mmio::new(config.local) };
        let io = config.io.iter().map(|io| {
            // SAFETY: the caller guarantees that the I/O APIC is present and not shared.
            let registers = unsafe { Mmio::new(io.registers) };
            (registers, io.first)
        });
        let legacy_pic = config.legacy_pic.map(|pic| {
            // SAFETY: the same applies to the 8259s.
            let primary = unsafe { Ports::new(pic.primary) };
            // SAFETY: as above.
            let secondary = unsafe { Ports::new(pic.secondary) };
            (primary, secondary)
        });
        Self::with_registers(local, io, legacy_pic)
    }
}

impl<R: Registers, P: ModelSpecific + Vectors, Q: Registers> InterruptController for Apic<R, P, Q> {
    fn initialize(&mut self) {
        if let Some(pic) = &mut self.legacy_pic {
            pic.silence();
        }
        for io in &mut self.io {
            io.mask_all();
        }
        for entry in [register::LINT0, register::LINT1, register::LVT_ERROR] {
            self.local.write(entry, MASKED);
        }
        self.local.write(register::TASK_PRIORITY, 0);
    }

    fn has(&self, number: u32) -> bool {
        self.io.iter().any(|io| io.has(number))
    }

    fn enable(&mut self, interrupt: Interrupt) {
        let Interrupt { number, .. } = interrupt;
        // The timer's driver enables it itself, and a function its messages.
        if number == TIMER_INTERRUPT.number || number >= FIRST_MESSAGE {
            return;
        }
        let Some(io) = self.io.iter().position(|io| io.has(number)) else {
            crate::warn!("no I/O APIC has interrupt {number}");
            return;
        };
        let Some(vector) = self.vector(number) else {
            crate::warn!("no vector left for interrupt {number}");
            return;
        };
        let id = self.local.id();
        self.io[io].route(interrupt, vector, id);
    }

    fn disable(&mut self, number: u32) {
        if let Some(io) = self.io.iter_mut().find(|io| io.has(number)) {
            io.mask(number);
        }
    }

    /// A vector without an owner is ended, and none is claimed: the next one follows in the next claim, so
    /// that a device that sends many of them does not hold up the caller.
    #[inline]
    fn claim(&mut self) -> Option<u32> {
        let vector = self.local.processor.take()?;
        let number = self.number(vector);
        // All but the processor's own vectors block interrupts of lower priority until they are ended.
        if number.is_none() && vector >= TIMER_VECTOR {
            self.local.write(register::END_OF_INTERRUPT, 0);
        }
        number
    }

    /// Ends the highest accepted interrupt, which is the one claimed last. If its line is still
    /// asserted, the I/O APIC sends it again.
    #[inline]
    fn complete(&mut self, _number: u32) {
        self.local.write(register::END_OF_INTERRUPT, 0);
    }

    fn allocate_message(&mut self, _requester: u16, _vector: u16) -> Option<Message> {
        let id = self.local.id();
        if id > LARGEST_ID {
            return None;
        }
        let number = FIRST_MESSAGE + self.messages;
        let vector = self.vector(number)?;
        self.messages += 1;
        Some(Message {
            address: PhysicalAddress(MESSAGES | u64::from(id) << 12),
            data: vector.into(),
            number,
        })
    }
}

#[cfg(test)]
mod tests;
