//! The tables in which an interrupt translation service looks up devices and collections.
//!
//! The table of devices has two levels where the service can do that, so that it takes one page for
//! every few buses in use, not one entry for every device that there might be.

use alloc::vec::Vec;

use crate::dma::Buffer;
use crate::mmio::Registers;

use super::{CACHED, Error, TYPER, VALID, coherent, reserve_one};

/// `GITS_BASER`: the table has two levels.
const INDIRECT: u64 = 1 << 62;
/// `GITS_BASER`: the bits that say how big a page is.
const PAGE_SIZE: u64 = 0b11 << 8;

/// One page of a table, of the smallest size that the service has.
struct Page {
    memory: Buffer,
    /// The page's size in a `GITS_BASER`.
    size: u64,
}

impl Page {
    /// A page for the table of the `GITS_BASER` at `register`.
    fn new(registers: &impl Registers, register: usize) -> Result<Self, Error> {
        // where the size is fixed, the register keeps it
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

    /// What the `GITS_BASER` is to hold.
    fn base(&self) -> u64 {
        VALID | CACHED | self.size | self.memory.address().0
    }
}

/// The table of collections: a page is room for far more than the one that is used.
pub(super) struct CollectionTable {
    register: usize,
    page: Page,
}

impl CollectionTable {
    /// A table for the `GITS_BASER` at `register`.
    pub(super) fn new(registers: &impl Registers, register: usize) -> Result<Self, Error> {
        let page = Page::new(registers, register)?;
        Ok(Self { register, page })
    }

    /// Gives the service the table.
    pub(super) fn connect(&self, registers: &impl Registers) -> Result<(), Error> {
        registers.write64(self.register, self.page.base());
        coherent(registers.read64(self.register))
    }
}

/// The table of devices.
pub(super) struct DeviceTable {
    register: usize,
    /// The entries, or the addresses of the pages that hold them.
    top: Page,
    /// Whether it is the latter.
    two_levels: bool,
    /// The second level's pages, each with its place in the first.
    pages: Vec<(usize, Buffer)>,
    entries_per_page: usize,
    /// Device ids have so many bits.
    device_bits: u32,
}

impl DeviceTable {
    /// A table for the `GITS_BASER` at `register`.
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

    /// Gives the service the table.
    pub(super) fn connect(&mut self, registers: &impl Registers) -> Result<(), Error> {
        registers.write64(self.register, self.top.base() | INDIRECT);
        let taken = registers.read64(self.register);
        self.two_levels = taken & INDIRECT != 0;
        coherent(taken)
    }

    /// Makes sure that there is an entry for `device`.
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
