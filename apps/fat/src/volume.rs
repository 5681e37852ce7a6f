//! Reads the disk block by block for embedded-sdmmc, with read-ahead.

use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;

use embedded_sdmmc::{Block, BlockCount, BlockDevice, BlockIdx};
use vmos::block::{BlockingDisk, BlockingError, SECTOR_SIZE};

/// The number of blocks that are read at once.
const AHEAD: u64 = 32;
/// The offset of the first partition in a master boot record, and of its signature.
const PARTITION: usize = 446;
const MARK: usize = 510;
/// The partition type of FAT32 with block addresses; embedded-sdmmc determines the actual type of
/// FAT.
const TYPE: u8 = 0x0C;

/// A disk with one volume, with or without a partition table in front of it.
pub(crate) struct Volume {
    disk: BlockingDisk,
    /// Whether the volume starts at the first block. embedded-sdmmc requires a partition, so a
    /// partition table is added in front.
    is_bare: bool,
    cache: RefCell<Cache>,
}

struct Cache {
    first: u64,
    /// The valid bytes at the start of `bytes`.
    length: usize,
    bytes: Vec<u8>,
}

/// Why a block could not be read.
#[derive(Debug)]
pub(crate) enum Error {
    Disk(BlockingError),
    /// The disk ends before this block.
    Beyond(u64),
    /// This app does not write.
    ReadOnly,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(error) => error.fmt(f),
            Self::Beyond(block) => write!(f, "the disk ends before block {block}"),
            Self::ReadOnly => f.write_str("the volume is only read"),
        }
    }
}

impl core::error::Error for Error {}

impl Volume {
    pub(crate) fn new(disk: BlockingDisk) -> Result<Self, Error> {
        let mut volume = Self {
            disk,
            is_bare: false,
            cache: RefCell::new(Cache {
                first: 0,
                length: 0,
                bytes: vec![0; AHEAD as usize * SECTOR_SIZE],
            }),
        };
        let mut first = Block::new();
        volume.read_block(0, &mut first)?;
        // A boot sector starts with a jump, and names its file system where a partition table has
        // code.
        let names = [&first.contents[54..57], &first.contents[82..85]];
        volume.is_bare = names.iter().any(|name| *name == b"FAT");
        Ok(volume)
    }

    fn sectors(&self) -> u64 {
        self.disk.disk().sectors()
    }

    fn read_block(&self, block: u64, to: &mut Block) -> Result<(), Error> {
        let mut cache = self.cache.borrow_mut();
        let at = |cache: &Cache| {
            let offset = usize::try_from(block.checked_sub(cache.first)?).ok()?;
            let start = offset.checked_mul(SECTOR_SIZE)?;
            (start < cache.length).then_some(start)
        };
        let start = match at(&cache) {
            Some(start) => start,
            None => {
                let left = self.sectors().saturating_sub(block).min(AHEAD);
                if left == 0 {
                    return Err(Error::Beyond(block));
                }
                let length = left as usize * SECTOR_SIZE;
                cache.length = 0;
                self.disk
                    .read(block, &mut cache.bytes[..length])
                    .map_err(Error::Disk)?;
                (cache.first, cache.length) = (block, length);
                0
            }
        };
        to.contents
            .copy_from_slice(&cache.bytes[start..start + SECTOR_SIZE]);
        Ok(())
    }

    /// Returns a partition table with one partition, which has everything after this block.
    fn table(&self) -> Block {
        let mut table = Block::new();
        let count = u32::try_from(self.sectors()).unwrap_or(u32::MAX);
        table.contents[PARTITION + 4] = TYPE;
        table.contents[PARTITION + 8..][..4].copy_from_slice(&1_u32.to_le_bytes());
        table.contents[PARTITION + 12..][..4].copy_from_slice(&count.to_le_bytes());
        table.contents[MARK..].copy_from_slice(&[0x55, 0xAA]);
        table
    }
}

impl BlockDevice for Volume {
    type Error = Error;

    fn read(&self, blocks: &mut [Block], start: BlockIdx) -> Result<(), Error> {
        for (index, to) in (u64::from(start.0)..).zip(blocks) {
            match (self.is_bare, index) {
                (true, 0) => *to = self.table(),
                (true, index) => self.read_block(index - 1, to)?,
                (false, index) => self.read_block(index, to)?,
            }
        }
        Ok(())
    }

    fn write(&self, _: &[Block], _: BlockIdx) -> Result<(), Error> {
        Err(Error::ReadOnly)
    }

    fn num_blocks(&self) -> Result<BlockCount, Error> {
        let blocks = self.sectors() + u64::from(self.is_bare);
        Ok(BlockCount(u32::try_from(blocks).unwrap_or(u32::MAX)))
    }
}
