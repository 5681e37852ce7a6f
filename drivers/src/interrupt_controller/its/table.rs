//! The device and collection tables of an interrupt translation service.
//!
//! The device table has two levels if the service supports that. It then takes one page for every
//! few buses in use, instead of an entry for every possible device.

use alloc::vec::Vec;

use crate::dma::Buffer;
use crate::mmio::Registers;

use super::{CACHED, Error, TYPER, VALID, coherent, reserve_one};

/// `GITS_BASER`: the table has two levels.
const INDIRECT: u64 = 1 << 62;
/// `GITS_BASER`: the page size.
const PAGE_SIZE: u64 = 0b11 << 8;

/// One page of a table, of the smallest page size that the service supports.
struct Page {
    memory: Buffer,
    /// The page size, as encoded in `GITS_BASER`.
    size: u64,
}

impl Page {
    /// Allocates a page for the table of the `GITS_BASER` at `register`.
    fn new(registers: &impl Registers, register: usize) -> Result<Self, Error> {
        // If the page size is fixed, the register keeps it.
        registers.write64(register, 0);
        let size = registers.read64(register) & PAGE_SIZE;
        let bytes = match size >> 8 {
            0 => 0x1000,
            1 => 0x4000,
            _ => 0x1_0000,
        };
        let memory = Buffer::aligned(bytes, bytes)?;
        Ok(Self { memory, size })
    }

    /// Returns the value for `GITS_BASER`.
    fn base(&self) -> u64 {
        VALID | CACHED | self.size | self.memory.address().0
    }
}

/// The collection table. One page has space for far more than the one collection in use.
pub(super) struct CollectionTable {
    register: usize,
    page: Page,
}

impl CollectionTable {
    /// Allocates a table for the `GITS_BASER` at `register`.
    pub(super) fn new(registers: &impl Registers, register: usize) -> Result<Self, Error> {
        let page = Page::new(registers, register)?;
        Ok(Self { register, page })
    }

    /// Gives the table to the service.
    pub(super) fn connect(&self, registers: &impl Registers) -> Result<(), Error> {
        registers.write64(self.register, self.page.base());
        coherent(registers.read64(self.register))
    }
}

/// The device table of an interrupt translation service.
pub(super) struct DeviceTable {
    register: usize,
    /// The entries, or the addresses of the second-level pages.
    top: Page,
    /// Whether the device table has two levels.
    two_levels: bool,
    /// The second-level pages, each with its index in the first level.
    pages: Vec<(usize, Buffer)>,
    entries_per_page: usize,
    /// The number of bits of a device ID.
    device_bits: u32,
}

impl DeviceTable {
    /// Allocates a table for the `GITS_BASER` at `register`.
    pub(super) fn new(registers: &impl Registers, register: usize) -> Result<Self, Error> {
        let top = Page::new(registers, register)?;
        let entry_bytes = (registers.read64(register) >> 48 & 0x1f) as usize + 1;
        Ok(Self {
            register,
            entries_per_page: top.memory.len() / entry_bytes,
            top,
            two_levels: false,
            pages: Vec::new(),
            device_bits: (registers.read64(TYPER) >> 13 & 0x1f) as u32 + 1,
        })
    }

    /// Gives the table to the service.
    pub(super) fn connect(&mut self, registers: &impl Registers) -> Result<(), Error> {
        registers.write64(self.register, self.top.base() | INDIRECT);
        let taken = registers.read64(self.register);
        self.two_levels = taken & INDIRECT != 0;
        coherent(taken)
    }

    /// Ensures that there is an entry for `device`.
    pub(super) fn make_room(&mut self, device: u16) -> Result<(), Error> {
        let device = usize::from(device);
        if self.device_bits < 16 && device >> self.device_bits != 0 {
            return Err(Error::Requester);
        }
        let index = device / self.entries_per_page;
        if !self.two_levels {
            return if index == 0 {
                Ok(())
            } else {
                Err(Error::Requester)
            };
        }
        if self.pages.iter().any(|&(place, _)| place == index) {
            return Ok(());
        }
        let bytes = self.top.memory.len();
        let entry = self.top.memory.get_mut(8 * index..8 * index + 8);
        let entry = entry.ok_or(Error::Requester)?;
        reserve_one(&mut self.pages)?;
        let page = Buffer::aligned(bytes, bytes)?;
        entry.copy_from_slice(&(VALID | page.address().0).to_le_bytes());
        self.pages.push((index, page));
        Ok(())
    }
}
