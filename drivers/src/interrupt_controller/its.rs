//! The interrupt translation service (ITS) of GICv3: converts a message from a PCI function to an
//! LPI.
//!
//! Registers: Arm IHI 0069H, section 12.18. Its tables are in memory, and it learns of changes
//! through a command queue. The driver sets everything up when the first message is allocated, so a
//! board that uses no messages has no cost. A function is identified by its PCI requester ID, which
//! is also its device ID.

mod command;
mod error;
mod table;

use alloc::vec::Vec;

use crate::address::PhysicalAddress;
use crate::dma::{Buffer, OutOfMemory};
use crate::interrupt::Message;
use crate::mmio::Registers;

use super::gic;
use super::gic_v3::{CpuInterface, Redistributor, WAIT_LIMIT};
use command::{Command, CommandQueue};
use table::{CollectionTable, DeviceTable};

pub use error::Error;

/// `GITS_CTLR`: the control register.
const CTLR: usize = 0x0000;
/// `GITS_TYPER`, 64 bits: the features of the service.
const TYPER: usize = 0x0008;
/// `GITS_BASER<n>`, 64 bits each, 8 registers: the addresses of tables.
const BASER: usize = 0x0100;
/// `GITS_TRANSLATER`: the address for messages; the data is the event number.
const TRANSLATER: u64 = 0x1_0040;

/// `GITS_CTLR`: enables the service.
const CTLR_ENABLED: u32 = 1;
/// `GITS_CTLR`: the service is quiescent.
const CTLR_QUIESCENT: u32 = 1 << 31;
/// `GITS_TYPER`: redistributors are addressed by address, not by number.
const TYPER_TARGET_IS_ADDRESS: u64 = 1 << 19;
/// `GITS_BASER`: the type of the table, here devices.
const TABLE_OF_DEVICES: u64 = 1;
const TABLE_OF_COLLECTIONS: u64 = 4;
/// `GITS_BASER`, `GITS_CBASER` and table entries: the entry is valid.
const VALID: u64 = 1 << 63;
/// `GITS_BASER` and `GITS_CBASER`: inner shareable, write-back cached.
const CACHED: u64 = 0b111 << 59 | SHAREABLE;
/// `GICR_PROPBASER` and `GICR_PENDBASER`: inner shareable, write-back cached.
const LPI_CACHED: u64 = 0b111 << 7 | SHAREABLE;
/// The shareability bits, at the same position in all these registers.
const SHAREABILITY: u64 = 0b11 << 10;
const SHAREABLE: u64 = 0b01 << 10;
/// `GICR_PENDBASER`: the table contains only zeros.
const PENDING_TABLE_ZERO: u64 = 1 << 62;

/// The number of the first LPI.
pub(super) const FIRST_LPI: u32 = 8192;
/// `GICD_TYPER`: LPIs are implemented.
const DISTRIBUTOR_LPIS: u32 = 1 << 17;
/// The number of bits of an LPI number. This is the minimum; it allows for 8192 LPIs.
const LPI_BITS: u32 = 14;
const LPI_COUNT: usize = (1 << LPI_BITS) - FIRST_LPI as usize;
/// The number of bits of an event number. It allows for vectors 0 to 31 of each function.
const EVENT_BITS: u32 = 5;
/// The smallest page size of a table, in bytes.
const PAGE: usize = 4096;
/// The configuration of a disabled LPI: its priority, and a reserved bit that is always 1. Bit 0
/// enables it.
const LPI_DISABLED: u8 = gic::PRIORITY | 0b10;
const LPI_ENABLED: u8 = LPI_DISABLED | 1;

/// The driver for an interrupt translation service.
pub(super) struct Its<R> {
    registers: R,
    base: PhysicalAddress,
    state: State,
}

enum State {
    Unused,
    /// The service failed. Its memory stays allocated, because the service may still access it.
    Failed {
        error: Error,
        _memory: Option<Running>,
    },
    Running(Running),
}

/// The state of a running service: its memory, and the mappings made so far.
struct Running {
    commands: CommandQueue,
    devices: DeviceTable,
    collections: Option<CollectionTable>,
    lpi_configuration: Buffer,
    lpi_pending: Buffer,
    /// The redistributor, as commands address it.
    target: u64,
    functions: Vec<Function>,
    /// The event of LPI `FIRST_LPI + index`.
    messages: Vec<Event>,
}

/// A function, and the memory that holds its translation table.
struct Function {
    requester: u16,
    _translations: Buffer,
}

/// A message vector of a PCI function.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Event {
    requester: u16,
    vector: u16,
}

impl<R: Registers> Its<R> {
    pub(super) const fn new(registers: R, base: PhysicalAddress) -> Self {
        Self {
            registers,
            base,
            state: State::Unused,
        }
    }

    /// Allocates an LPI for `vector` of `requester`; repeated calls return the same LPI.
    pub(super) fn allocate(
        &mut self,
        distributor: &impl Registers,
        redistributor: &Redistributor<R>,
        processor: &impl CpuInterface,
        requester: u16,
        vector: u16,
    ) -> Result<Message, Error> {
        if matches!(self.state, State::Unused) {
            self.state = self.start(distributor, redistributor, processor);
        }
        let running = match &mut self.state {
            State::Running(running) => running,
            State::Failed { error, .. } => return Err(*error),
            State::Unused => return Err(Error::Busy),
        };
        let number = running.allocate(&self.registers, processor, Event { requester, vector })?;
        Ok(Message {
            address: PhysicalAddress(self.base.0.wrapping_add(TRANSLATER)),
            data: vector.into(),
            number,
        })
    }

    /// Enables or disables the LPI `number`; does nothing if it is not in use.
    pub(super) fn set_enabled(&mut self, processor: &impl CpuInterface, number: u32, on: bool) {
        if let State::Running(running) = &mut self.state
            && let Err(error) = running.set_enabled(&self.registers, processor, number, on)
        {
            crate::error!("LPI {number}: {error}");
        }
    }

    fn start(
        &self,
        distributor: &impl Registers,
        redistributor: &Redistributor<R>,
        processor: &impl CpuInterface,
    ) -> State {
        let kind = distributor.read32(gic::TYPER);
        if kind & DISTRIBUTOR_LPIS == 0 || (kind >> 19 & 0x1f) + 1 < LPI_BITS {
            return State::Failed {
                error: Error::NoLpis,
                _memory: None,
            };
        }
        let target = if self.registers.read64(TYPER) & TYPER_TARGET_IS_ADDRESS != 0 {
            redistributor.address().0
        } else {
            redistributor.processor_number() << 16
        };
        let built = self
            .rest()
            .and_then(|()| Running::new(&self.registers, target));
        let mut running = match built {
            Ok(running) => running,
            Err(error) => {
                return State::Failed {
                    error,
                    _memory: None,
                };
            }
        };
        match running.connect(&self.registers, redistributor, processor) {
            Ok(()) => State::Running(running),
            Err(error) => State::Failed {
                error,
                _memory: Some(running),
            },
        }
    }

    /// Disables the service and waits until it is quiescent (section 5.2.1).
    fn rest(&self) -> Result<(), Error> {
        self.registers.write32(CTLR, 0);
        for _ in 0..WAIT_LIMIT {
            if self.registers.read32(CTLR) & CTLR_QUIESCENT != 0 {
                return Ok(());
            }
        }
        Err(Error::Busy)
    }
}

/// Returns whether the register accepted the shareability that was written.
pub(super) fn coherent(register: u64) -> Result<(), Error> {
    if register & SHAREABILITY == 0 {
        return Err(Error::NotCoherent);
    }
    Ok(())
}

impl Running {
    /// Allocates the memory of the service, without passing its address to the service yet.
    fn new(registers: &impl Registers, target: u64) -> Result<Self, Error> {
        let mut devices = None;
        let mut collections = None;
        for register in (0..8).map(|index| BASER + 8 * index) {
            match registers.read64(register) >> 56 & 0b111 {
                TABLE_OF_DEVICES => devices = Some(DeviceTable::new(registers, register)?),
                TABLE_OF_COLLECTIONS => {
                    collections = Some(CollectionTable::new(registers, register)?);
                }
                _ => {}
            }
        }
        let mut lpi_configuration = Buffer::aligned(LPI_COUNT, PAGE)?;
        lpi_configuration.fill(LPI_DISABLED);
        Ok(Self {
            commands: CommandQueue::new()?,
            devices: devices.ok_or(Error::Requester)?,
            collections,
            lpi_configuration,
            lpi_pending: Buffer::aligned((1 << LPI_BITS) / 8, 0x1_0000)?,
            target,
            functions: Vec::new(),
            messages: Vec::new(),
        })
    }

    /// Gives the memory to the service and the redistributor, and enables both.
    fn connect<R: Registers>(
        &mut self,
        registers: &R,
        redistributor: &Redistributor<R>,
        processor: &impl CpuInterface,
    ) -> Result<(), Error> {
        processor.complete_writes();
        let configuration = self.lpi_configuration.address().0 | u64::from(LPI_BITS - 1);
        let pending = self.lpi_pending.address().0 | PENDING_TABLE_ZERO;
        redistributor.enable_lpis(configuration | LPI_CACHED, pending | LPI_CACHED)?;
        self.devices.connect(registers)?;
        if let Some(collections) = &self.collections {
            collections.connect(registers)?;
        }
        self.commands.connect(registers)?;
        registers.write32(CTLR, CTLR_ENABLED);
        let commands = [
            Command::map_collection(self.target),
            Command::invalidate_all(),
            Command::synchronize(self.target),
        ];
        self.commands.run(registers, processor, &commands)
    }

    fn allocate(
        &mut self,
        registers: &impl Registers,
        processor: &impl CpuInterface,
        event: Event,
    ) -> Result<u32, Error> {
        if event.vector >= 1 << EVENT_BITS {
            return Err(Error::Vector);
        }
        if let Some(index) = self.messages.iter().position(|&other| other == event) {
            return Ok(FIRST_LPI + index as u32);
        }
        if self.messages.len() == LPI_COUNT {
            return Err(Error::NoneLeft);
        }
        reserve_one(&mut self.messages)?;
        self.know_function(registers, processor, event.requester)?;

        let number = FIRST_LPI + self.messages.len() as u32;
        self.lpi_configuration[self.messages.len()] = LPI_ENABLED;
        let commands = [
            Command::map_event(event.requester, event.vector, number),
            Command::invalidate(event.requester, event.vector),
            Command::synchronize(self.target),
        ];
        self.commands.run(registers, processor, &commands)?;
        self.messages.push(event);
        Ok(number)
    }

    /// Creates a translation table for the function, unless it has one.
    fn know_function(
        &mut self,
        registers: &impl Registers,
        processor: &impl CpuInterface,
        requester: u16,
    ) -> Result<(), Error> {
        if self
            .functions
            .iter()
            .any(|known| known.requester == requester)
        {
            return Ok(());
        }
        reserve_one(&mut self.functions)?;
        self.devices.make_room(requester)?;
        let entry_bytes = (registers.read64(TYPER) >> 4 & 0xf) as usize + 1;
        let translations = Buffer::aligned(entry_bytes << EVENT_BITS, 256)?;
        let map = Command::map_device(requester, translations.address(), EVENT_BITS);
        // Store the table before the command runs: a stalled service may still execute the command
        // later.
        self.functions.push(Function {
            requester,
            _translations: translations,
        });
        self.commands.run(
            registers,
            processor,
            &[map, Command::synchronize(self.target)],
        )
    }

    fn set_enabled(
        &mut self,
        registers: &impl Registers,
        processor: &impl CpuInterface,
        number: u32,
        on: bool,
    ) -> Result<(), Error> {
        let index = number.wrapping_sub(FIRST_LPI) as usize;
        let Some(&event) = self.messages.get(index) else {
            return Ok(());
        };
        self.lpi_configuration[index] = if on { LPI_ENABLED } else { LPI_DISABLED };
        let commands = [
            Command::invalidate(event.requester, event.vector),
            Command::synchronize(self.target),
        ];
        self.commands.run(registers, processor, &commands)
    }
}

/// Reserves space for one more element, and returns an error if there is no memory.
fn reserve_one<T>(list: &mut Vec<T>) -> Result<(), Error> {
    list.try_reserve(1).map_err(|_| {
        Error::OutOfMemory(OutOfMemory {
            bytes: size_of::<T>(),
        })
    })
}

#[cfg(test)]
mod tests;
