//! The interrupt controller of PCs: the processor's local APIC, which takes interrupts and messages,
//! and the I/O APICs whose inputs send it some.
//!
//! Intel SDM volume 3A, chapter 12, and the 82093AA data sheet. An interrupt is known here by its
//! global system interrupt (ACPI 6.5, 5.2.13: all inputs of all I/O APICs, counted on), and what has
//! none by a number above them.

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

/// What the timer in the local APIC raises.
pub const TIMER_INTERRUPT: Interrupt = Interrupt::edge(1 << 16);
/// The number of the first message; those of lines are below.
const FIRST_MESSAGE: u32 = 1 << 17;

/// The first vector that is not the processor's own or the local timer's.
const FIRST_VECTOR: u8 = TIMER_VECTOR + 1;
/// One behind the last: the one after is that of interrupts that have gone.
const LAST_VECTOR: u8 = SPURIOUS_VECTOR - 1;
/// How many there are to share out.
const VECTORS: usize = (LAST_VECTOR - FIRST_VECTOR) as usize + 1;
/// What a vector that nobody has stands for.
const NOBODY: u32 = u32::MAX;

/// Where messages are written (section 12.11.1), with the local APIC's id from bit 12 on.
const MESSAGES: u64 = 0xfee0_0000;
/// The greatest id that fits into the address of a message.
const LARGEST_ID: u32 = 0xff;

/// The interrupts that the processor has accepted.
pub trait Vectors: Default {
    /// Takes the highest vector that was accepted and not yet taken, if there is one.
    fn take(&mut self) -> Option<u8>;
}

/// An I/O APIC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IoApicConfig {
    /// Its registers.
    pub registers: Range,
    /// The global system interrupt of its first input.
    pub first: u32,
}

/// The two 8259s that a PC has from of old.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LegacyPic {
    /// The ports of the first.
    pub primary: PortRange,
    /// The ports of the second.
    pub secondary: PortRange,
}

/// Where the APICs are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The local APIC's registers, which an x2APIC does not need.
    pub local: Range,
    /// The I/O APICs.
    pub io: &'static [IoApicConfig],
    /// The 8259s to be silenced, where there are some.
    pub legacy_pic: Option<LegacyPic>,
}

/// The APICs.
pub struct Apic<R, P, Q> {
    local: LocalApic<R, P>,
    io: Vec<IoApic<R>>,
    legacy_pic: Option<I8259<Q>>,
    /// What each vector from [`FIRST_VECTOR`] on stands for.
    numbers: [u32; VECTORS],
    /// How many of them are taken.
    taken: usize,
    /// How many are messages.
    messages: u32,
}

impl<R: Registers, P: ModelSpecific + Vectors, Q: Registers> Apic<R, P, Q> {
    /// The APICs behind these registers. They are not used before
    /// [`InterruptController::initialize`].
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

    /// The vector of `number`, which gets one if it has none; `None` where none is left.
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

    /// What `vector` stands for.
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
        // SAFETY: the caller promises that the local APIC is there; its timer's driver uses other
        // registers of it.
        let local = unsafe { Mmio::new(config.local) };
        let io = config.io.iter().map(|io| {
            // SAFETY: the caller promises that the I/O APIC is there and nobody else's.
            let registers = unsafe { Mmio::new(io.registers) };
            (registers, io.first)
        });
        let legacy_pic = config.legacy_pic.map(|pic| {
            // SAFETY: and so for the 8259s.
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
        // The timer's driver lets it through itself.
        if number == TIMER_INTERRUPT.number {
            return;
        }
        let Some(io) = self.io.iter().position(|io| io.has(number)) else {
            crate::warn!("no I/O APIC has interrupt {number}");
            return;
        };
        let Some(vector) = self.vector(number) else {
            crate::warn!("no vector is left for interrupt {number}");
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

    #[inline]
    fn claim(&mut self) -> Option<u32> {
        loop {
            let vector = self.local.processor.take()?;
            if let Some(number) = self.number(vector) {
                return Some(number);
            }
            // Nobody's: what is not the processor's own (as is the one that cannot be masked) must be
            // ended all the same, or it holds back all that is less urgent.
            if vector >= TIMER_VECTOR {
                self.local.write(register::END_OF_INTERRUPT, 0);
            }
        }
    }

    /// The local APIC ends the most urgent of those that were accepted, which is the one that was
    /// claimed last. For a line that is still asserted the I/O APIC then sends it again.
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
