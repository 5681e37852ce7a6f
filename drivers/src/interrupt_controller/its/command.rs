//! The commands of an interrupt translation service, and their queue (Arm IHI 0069H, section 5.3).

use crate::address::PhysicalAddress;
use crate::dma::Buffer;
use crate::mmio::Registers;

use super::super::gic_v3::{CpuInterface, WAIT_LIMIT};
use super::{CACHED, Error, PAGE, VALID, coherent};

/// `GITS_CBASER`, 64 bits: the address of the queue.
const CBASER: usize = 0x0080;
/// `GITS_CWRITER`, 64 bits: the offset after the last command.
const CWRITER: usize = 0x0088;
/// `GITS_CREADR`, 64 bits: the offset of the next command to execute.
const CREADR: usize = 0x0090;

/// `GITS_CREADR`: the queue has stalled at an invalid command.
const CREADR_STALLED: u64 = 1;

/// One command: four little-endian doublewords.
pub(super) struct Command([u64; 4]);

impl Command {
    /// The size of a command, in bytes.
    const BYTES: usize = 32;

    /// `MAPD`: the function's translation table is at `table`, with space for `1 << event_bits`
    /// events.
    pub(super) const fn map_device(
        requester: u16,
        table: PhysicalAddress,
        event_bits: u32,
    ) -> Self {
        let table = VALID | table.0;
        Self([0x08 | device(requester), (event_bits - 1) as u64, table, 0])
    }

    /// `MAPC`: maps collection 0, the only one in use, to the redistributor `target`.
    pub(super) const fn map_collection(target: u64) -> Self {
        Self([0x09, 0, VALID | target, 0])
    }

    /// `MAPTI`: maps the function's event to the LPI `number` in collection 0.
    pub(super) const fn map_event(requester: u16, event: u16, number: u32) -> Self {
        let event = event as u64 | (number as u64) << 32;
        Self([0x0a | device(requester), event, 0, 0])
    }

    /// `INV`: the configuration of the event's LPI has changed.
    pub(super) const fn invalidate(requester: u16, event: u16) -> Self {
        Self([0x0c | device(requester), event as u64, 0, 0])
    }

    /// `INVALL`: the configuration of all LPIs in collection 0 has changed.
    pub(super) const fn invalidate_all() -> Self {
        Self([0x0d, 0, 0, 0])
    }

    /// `SYNC`: waits until earlier commands have taken effect at the redistributor `target`.
    pub(super) const fn synchronize(target: u64) -> Self {
        Self([0x05, 0, target, 0])
    }
}

const fn device(requester: u16) -> u64 {
    (requester as u64) << 32
}

/// The command queue. It is empty between two calls of [`CommandQueue::run`].
pub(super) struct CommandQueue {
    memory: Buffer,
    write: usize,
}

impl CommandQueue {
    /// Creates a queue that is not in use.
    pub(super) fn new() -> Result<Self, Error> {
        let memory = Buffer::aligned(PAGE, PAGE)?;
        Ok(Self { memory, write: 0 })
    }

    /// Gives the queue to the service, which must be disabled.
    pub(super) fn connect(&self, registers: &impl Registers) -> Result<(), Error> {
        registers.write64(CBASER, VALID | CACHED | self.memory.address().0);
        registers.write64(CWRITER, 0);
        coherent(registers.read64(CBASER))
    }

    /// Executes `commands`, and waits until they are finished.
    pub(super) fn run(
        &mut self,
        registers: &impl Registers,
        processor: &impl CpuInterface,
        commands: &[Command],
    ) -> Result<(), Error> {
        for word in commands.iter().flat_map(|command| command.0) {
            self.memory[self.write..self.write + 8].copy_from_slice(&word.to_le_bytes());
            self.write = (self.write + 8) % PAGE;
        }
        debug_assert!(self.write.is_multiple_of(Command::BYTES));
        processor.complete_writes();
        registers.write64(CWRITER, self.write as u64);
        for _ in 0..WAIT_LIMIT {
            let read = registers.read64(CREADR);
            if read & CREADR_STALLED != 0 {
                break;
            }
            if read == self.write as u64 {
                return Ok(());
            }
        }
        Err(Error::Stalled)
    }
}
