//! The memory of the machine, through the files that QEMU passes.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use super::message::Message;
use crate::outcome::Outcome;

/// A part of the machine's memory.
#[derive(Debug)]
struct Region {
    /// The address in the machine.
    address: u64,
    len: u64,
    /// The address in QEMU.
    in_qemu: u64,
    /// The offset in the file.
    offset: u64,
    file: File,
}

/// The machine's memory.
#[derive(Debug, Default)]
pub(super) struct Memory(Vec<Region>);

impl Memory {
    /// Reads the message SET_MEM_TABLE.
    pub(super) fn of(message: Message) -> Self {
        const LEN: usize = 32;
        let descriptions: Vec<_> = (0..message.word(0) as usize)
            .map(|index| [0, 8, 16, 24].map(|field| message.long(8 + index * LEN + field)))
            .collect();
        let regions = descriptions.into_iter().zip(message.files);
        let regions = regions.map(|([address, len, in_qemu, offset], file)| Region {
            address,
            len,
            in_qemu,
            offset,
            file,
        });
        Self(regions.collect())
    }

    /// Returns the address in the machine of an address in QEMU.
    pub(super) fn in_machine(&self, in_qemu: u64) -> Outcome<u64> {
        let contains =
            |region: &&Region| (region.in_qemu..region.in_qemu + region.len).contains(&in_qemu);
        let region = self.0.iter().find(contains);
        let region = region.ok_or("QEMU names an address outside of the machine's memory")?;
        Ok(region.address + (in_qemu - region.in_qemu))
    }

    fn place(&self, address: u64, len: usize) -> Outcome<(&File, u64)> {
        let contains = |region: &&Region| {
            address >= region.address && address + len as u64 <= region.address + region.len
        };
        let region = self.0.iter().find(contains);
        let region = region.ok_or_else(|| format!("the machine has no memory at {address:#x}"))?;
        Ok((&region.file, region.offset + (address - region.address)))
    }

    /// Reads bytes.
    pub(super) fn read<const N: usize>(&self, address: u64) -> Outcome<[u8; N]> {
        let mut bytes = [0; N];
        self.read_into(address, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads bytes.
    pub(super) fn read_into(&self, address: u64, bytes: &mut [u8]) -> Outcome {
        let (file, offset) = self.place(address, bytes.len())?;
        Ok(file.read_exact_at(bytes, offset)?)
    }

    /// Writes bytes.
    pub(super) fn write(&self, address: u64, bytes: &[u8]) -> Outcome {
        let (file, offset) = self.place(address, bytes.len())?;
        Ok(file.write_all_at(bytes, offset)?)
    }
}
