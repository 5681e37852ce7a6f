//! `embedded-storage-async`: a range of a disk that behaves like flash memory, for key-value stores
//! made for flash.
//!
//! | flash memory | here |
//! |---|---|
//! | erased bytes read as ones | bits are stored inverted, so a new disk, all zeroes, is erased |
//! | a write clears bits and sets none | the same: a word can be written again |
//! | an interrupted write changes no other word | a block is written to a log first, see [`Flash`]
//! |
//!
//! A store that is completely full may refuse every change; use up to two thirds of the range.

#[cfg(feature = "ekv")]
mod ekv;
mod log;

use core::fmt;

use embedded_storage_async::nor_flash::{
    ErrorType, MultiwriteNorFlash, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use vmos_drivers::dma::{Buffer, OutOfMemory};

use self::log::Record;
use super::{Disk, DiskError, Failed, SECTOR_SIZE};

/// The erase unit, in bytes.
pub const FLASH_PAGE: usize = 4096;
/// The write unit, in bytes.
pub const FLASH_WORD: usize = 4;
/// The size of the log at the start of the range, in bytes: two blocks of the largest supported
/// size.
const LOG: usize = 2 * FLASH_PAGE;
/// The size of the log in pages.
const LOG_PAGES: u64 = (LOG / FLASH_PAGE) as u64;
/// The number of sectors in a page.
const PAGE_SECTORS: u64 = (FLASH_PAGE / SECTOR_SIZE) as u64;

/// An error in using flash memory on a disk.
#[derive(Debug)]
pub enum FlashError {
    /// The disk reported an error.
    Disk(DiskError),
    /// There is no memory for a page.
    OutOfMemory(OutOfMemory),
    /// The offset or the length is not a multiple of the required unit.
    Misaligned,
    /// The access is not completely within the flash memory.
    OutOfRange,
    /// The range is not on the disk, does not start and end at a multiple of 8 sectors, has fewer
    /// than 24 sectors, or is larger than 4 GiB.
    Range,
    /// The disk's block size, in bytes, exceeds a page.
    Blocks(usize),
    /// The disk is read-only.
    ReadOnly,
}

impl fmt::Display for FlashError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(error) => error.fmt(f),
            Self::OutOfMemory(error) => error.fmt(f),
            Self::Misaligned => write!(
                f,
                "flash memory is written in words of {FLASH_WORD} bytes and erased in pages of \
                 {FLASH_PAGE}"
            ),
            Self::OutOfRange => f.write_str("the access is not completely within the flash memory"),
            Self::Range => f.write_str(
                "flash memory needs a range on the disk of at least 24 sectors and at most 4 GiB that \
                 begins and ends at a multiple of 8 sectors",
            ),
            Self::Blocks(size) => write!(
                f,
                "the disk's blocks of {size} bytes are larger than a page of flash memory, {FLASH_PAGE} bytes"
            ),
            Self::ReadOnly => f.write_str("flash memory cannot be on a read-only disk"),
        }
    }
}

impl core::error::Error for FlashError {}

impl From<OutOfMemory> for FlashError {
    fn from(error: OutOfMemory) -> Self {
        Self::OutOfMemory(error)
    }
}

impl<B> From<Failed<B>> for FlashError {
    fn from(failed: Failed<B>) -> Self {
        Self::Disk(failed.error())
    }
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Misaligned => NorFlashErrorKind::NotAligned,
            Self::OutOfRange => NorFlashErrorKind::OutOfBounds,
            _ => NorFlashErrorKind::Other,
        }
    }
}

/// What flash memory requires of a disk. Tests use a simulated disk.
pub(super) trait Sectors {
    /// Reads from the disk, starting at `sector`, until the buffer is full.
    async fn read(&self, sector: u64, buffer: Buffer) -> Result<Buffer, FlashError>;
    /// Writes the buffer to the disk, starting at `sector`, and flushes it.
    async fn write(&self, sector: u64, buffer: Buffer) -> Result<Buffer, FlashError>;
}

impl Sectors for Disk {
    async fn read(&self, sector: u64, buffer: Buffer) -> Result<Buffer, FlashError> {
        Ok(Self::read(self, sector, buffer).await?)
    }

    async fn write(&self, sector: u64, buffer: Buffer) -> Result<Buffer, FlashError> {
        let buffer = Self::write(self, sector, buffer).await?;
        Self::flush(self).await?;
        Ok(buffer)
    }
}

/// A range of a disk as flash memory with words of [`FLASH_WORD`] and pages of [`FLASH_PAGE`]
/// bytes.
///
/// The first two pages of the range are a log. Data is written to the log first, one disk block at
/// a time, and then to its place. When the flash memory is opened, complete entries of the log are
/// written to their place again. If the machine stops during a write, each word therefore has its
/// old or its new content, even if the disk wrote a block only in part. A page whose erasure was
/// interrupted has undefined content, as the trait allows.
///
/// If the disk reports an error for a write, each word has its old or its new content too: the next access
/// completes the write, or fails.
///
/// Do not drop a future of this type before it is done: the disk could still be writing during the
/// next request. If it happened, open the flash memory again.
///
/// A write returns when the data is durable; it takes four requests, two of them flushes. The page
/// used last is kept in memory, and reading it again accesses no disk.
///
/// ```no_run
/// use embedded_storage_async::nor_flash::{NorFlash, ReadNorFlash};
/// use vmos::block::Flash;
/// use vmos::{Kernel, Result};
///
/// /// Keeps a number at the start of the disk's second MiB.
/// async fn keep(kernel: Kernel, number: u32) -> Result<()> {
///     let mut flash = Flash::open(kernel.disk(0)?, 2048..4096).await?;
///     flash.erase(0, 4096).await?;
///     flash.write(0, &number.to_le_bytes()).await?;
///     Ok(())
/// }
/// ```
pub struct Flash {
    memory: Memory<Disk>,
}

impl Flash {
    /// Opens the flash memory in `sectors` of the disk and keeps its content. On a disk that was
    /// never written, all of it is erased.
    ///
    /// # Errors
    ///
    /// If the range or the disk is unsuitable, or the disk fails.
    pub async fn open(disk: Disk, sectors: core::ops::Range<u64>) -> Result<Self, FlashError> {
        if disk.is_read_only() {
            return Err(FlashError::ReadOnly);
        }
        if sectors.end > disk.sectors() {
            return Err(FlashError::Range);
        }
        let block = disk.logical_block_size();
        Ok(Self {
            memory: Memory::open(disk, sectors, block).await?,
        })
    }
}

/// Flash memory on any implementation of [`Sectors`].
pub(super) struct Memory<D> {
    disk: D,
    /// The first sector of the log, which the pages follow.
    first: u64,
    pages: u32,
    /// The number of bytes written at a time.
    block: usize,
    /// The page used last, with the content that it has on the disk.
    page: Option<(u32, Buffer)>,
    log: Record,
}

impl<D: Sectors> Memory<D> {
    pub(super) async fn open(
        disk: D,
        sectors: core::ops::Range<u64>,
        block: usize,
    ) -> Result<Self, FlashError> {
        let fits = sectors.start.is_multiple_of(PAGE_SECTORS)
            && sectors.end.is_multiple_of(PAGE_SECTORS)
            && sectors.end >= sectors.start.saturating_add((LOG_PAGES + 1) * PAGE_SECTORS);
        let pages =
            (sectors.end.saturating_sub(sectors.start) / PAGE_SECTORS).saturating_sub(LOG_PAGES);
        // An offset of 32 bits limits the size.
        let bytes = pages.saturating_mul(FLASH_PAGE as u64);
        if !fits || u32::try_from(bytes).is_err() {
            return Err(FlashError::Range);
        }
        if block > FLASH_PAGE {
            return Err(FlashError::Blocks(block));
        }
        let mut memory = Self {
            disk,
            first: sectors.start,
            pages: pages as u32,
            block: block.max(SECTOR_SIZE),
            page: None,
            log: Record::default(),
        };
        memory.recover().await?;
        Ok(memory)
    }

    /// Returns the first sector of a page.
    fn sector(&self, page: u32) -> u64 {
        self.first + (LOG_PAGES + u64::from(page)) * PAGE_SECTORS
    }

    pub(super) fn capacity(&self) -> usize {
        self.pages as usize * FLASH_PAGE
    }

    /// Returns a page, from memory or from the disk.
    async fn page(&mut self, page: u32) -> Result<Buffer, FlashError> {
        let buffer = match self.page.take() {
            Some((kept, buffer)) if kept == page => return Ok(buffer),
            Some((_, buffer)) => buffer,
            None => Buffer::new(FLASH_PAGE)?,
        };
        self.disk.read(self.sector(page), buffer).await
    }

    /// Checks that a range is within the memory, and starts and ends at a multiple of `unit`.
    fn check(&self, offset: u32, length: usize, unit: usize) -> Result<(), FlashError> {
        let offset = offset as usize;
        if !offset.is_multiple_of(unit) || !length.is_multiple_of(unit) {
            return Err(FlashError::Misaligned);
        }
        let fits = length <= self.capacity() && offset <= self.capacity() - length;
        fits.then_some(()).ok_or(FlashError::OutOfRange)
    }

    pub(super) async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        self.check(offset, bytes.len(), 1)?;
        self.settle().await?;
        for (page, start, piece) in pieces_mut(offset, bytes) {
            let buffer = self.page(page).await?;
            for (byte, stored) in piece.iter_mut().zip(&buffer[start..]) {
                *byte = !stored;
            }
            self.page = Some((page, buffer));
        }
        Ok(())
    }

    pub(super) async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        self.check(offset, bytes.len(), FLASH_WORD)?;
        self.settle().await?;
        let mut place = offset as usize;
        let mut rest = bytes;
        while !rest.is_empty() {
            // A block never spans two pages.
            let room = self.block - place % self.block;
            let (piece, behind) = rest.split_at(room.min(rest.len()));
            self.write_in_block(place, piece).await?;
            place += piece.len();
            rest = behind;
        }
        Ok(())
    }

    /// Writes bytes that lie in one block of the disk.
    async fn write_in_block(&mut self, place: usize, bytes: &[u8]) -> Result<(), FlashError> {
        let page = (place / FLASH_PAGE) as u32;
        let start = place % FLASH_PAGE;
        let mut buffer = self.page(page).await?;
        for (stored, byte) in buffer[start..].iter_mut().zip(bytes) {
            *stored |= !byte;
        }
        let from = start / self.block * self.block;
        let mut block = Buffer::new(self.block)?;
        block.copy_from_slice(&buffer[from..from + self.block]);
        let sector = self.sector(page) + (from / SECTOR_SIZE) as u64;
        // If this fails, the next access completes the write, and reads the page from the disk.
        self.log_block(sector, &block).await?;
        self.disk.write(sector, block).await?;
        self.close_log();
        self.page = Some((page, buffer));
        Ok(())
    }

    pub(super) async fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        let length = to.checked_sub(from).ok_or(FlashError::OutOfRange)? as usize;
        self.check(from, length, FLASH_PAGE)?;
        self.settle().await?;
        let pages = from / FLASH_PAGE as u32..to / FLASH_PAGE as u32;
        let sectors = self.sector(pages.start)..self.sector(pages.end);
        self.forget_within(sectors).await?;
        for page in pages {
            let mut buffer = match self.page.take() {
                Some((_, buffer)) => buffer,
                None => Buffer::new(FLASH_PAGE)?,
            };
            buffer.fill(0);
            let buffer = self.disk.write(self.sector(page), buffer).await?;
            self.page = Some((page, buffer));
        }
        Ok(())
    }
}

/// Splits `bytes` by pages; returns the page, the offset in the page, and the part.
fn pieces_mut(offset: u32, bytes: &mut [u8]) -> impl Iterator<Item = (u32, usize, &mut [u8])> {
    let mut place = offset as usize;
    let mut rest = bytes;
    core::iter::from_fn(move || {
        let room = FLASH_PAGE - place % FLASH_PAGE;
        let length = room.min(rest.len());
        if length == 0 {
            return None;
        }
        let (piece, behind) = core::mem::take(&mut rest).split_at_mut(length);
        rest = behind;
        let found = ((place / FLASH_PAGE) as u32, place % FLASH_PAGE, piece);
        place += length;
        Some(found)
    })
}

impl ErrorType for Flash {
    type Error = FlashError;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        self.memory.read(offset, bytes).await
    }

    fn capacity(&self) -> usize {
        self.memory.capacity()
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = FLASH_WORD;
    const ERASE_SIZE: usize = FLASH_PAGE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        self.memory.erase(from, to).await
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        self.memory.write(offset, bytes).await
    }
}

impl MultiwriteNorFlash for Flash {}

#[cfg(test)]
mod tests;
