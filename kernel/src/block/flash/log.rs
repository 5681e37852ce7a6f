//! The log of flash memory on a disk: a copy of the block that is being written, preceded by a
//! header with its sector and a checksum.

use core::ops::Range;

use vmos_drivers::dma::Buffer;

use super::{FlashError, LOG, Memory, SECTOR_SIZE, Sectors};

/// The first bytes of a header, which identify it.
const MAGIC: &[u8; 8] = b"VMOSLOG1";
/// The offsets in the header: the sector, the length, and the checksum of everything else.
const SECTOR: Range<usize> = 8..16;
const LENGTH: Range<usize> = 16..20;
const SUM: Range<usize> = 20..24;

/// The entry in the log.
#[derive(Default)]
pub(super) struct Record {
    /// The sector to which the content is written after a crash.
    sector: Option<u64>,
    /// Whether a write has begun, and has not succeeded.
    is_open: bool,
}

impl<D: Sectors> Memory<D> {
    /// Completes an interrupted write: writes the content of a complete entry to its sector.
    pub(super) async fn recover(&mut self) -> Result<(), FlashError> {
        let log = self.disk.read(self.first, Buffer::new(LOG)?).await?;
        let Some((sector, content)) = read(&log, self.block) else {
            return Ok(());
        };
        let pages = self.sector(0)..self.sector(self.pages);
        let end = sector.saturating_add((self.block / SECTOR_SIZE) as u64);
        if sector < pages.start || end > pages.end {
            return Ok(());
        }
        let mut block = Buffer::new(self.block)?;
        block.copy_from_slice(content);
        self.disk.write(sector, block).await?;
        self.log.sector = Some(sector);
        Ok(())
    }

    /// Completes a write that has failed: its entry may be in the log, and would take effect after the
    /// next restart.
    #[inline]
    pub(super) async fn settle(&mut self) -> Result<(), FlashError> {
        if self.log.is_open {
            self.recover().await?;
            self.log.is_open = false;
        }
        Ok(())
    }

    /// Records that the block in the log was written to its sector.
    pub(super) const fn close_log(&mut self) {
        self.log.is_open = false;
    }

    /// Writes to the log the block that is about to be written to `sector`.
    pub(super) async fn log_block(&mut self, sector: u64, block: &[u8]) -> Result<(), FlashError> {
        // One request: if only a part of it is written, the checksum does not match.
        let mut record = Buffer::new(2 * self.block)?;
        let (header, content) = record.split_at_mut(self.block);
        content.copy_from_slice(block);
        header[..MAGIC.len()].copy_from_slice(MAGIC);
        header[SECTOR].copy_from_slice(&sector.to_le_bytes());
        header[LENGTH].copy_from_slice(&(self.block as u32).to_le_bytes());
        let sum = sum(header, content);
        header[SUM].copy_from_slice(&sum.to_le_bytes());
        (self.log.sector, self.log.is_open) = (Some(sector), true);
        self.disk.write(self.first, record).await?;
        Ok(())
    }

    /// Invalidates the entry in the log if it belongs to one of these sectors.
    pub(super) async fn forget_within(&mut self, sectors: Range<u64>) -> Result<(), FlashError> {
        let written = self.log.sector;
        if written.is_some_and(|sector| sectors.contains(&sector)) {
            self.disk
                .write(self.first, Buffer::new(self.block)?)
                .await?;
            self.log.sector = None;
        }
        Ok(())
    }
}

/// Returns the entry in the log with its sector; `None` if it is incomplete or has another block
/// size.
fn read(log: &[u8], block: usize) -> Option<(u64, &[u8])> {
    let (header, content) = log.get(..2 * block)?.split_at(block);
    let number = |place: Range<usize>| header.get(place)?.first_chunk().copied();
    let length = u32::from_le_bytes(number(LENGTH)?);
    let told = u32::from_le_bytes(number(SUM)?);
    let sector = u64::from_le_bytes(*header.get(SECTOR)?.first_chunk()?);
    let whole =
        header.starts_with(MAGIC) && length as usize == block && told == sum(header, content);
    whole.then_some((sector, content))
}

/// Returns the CRC-32 (IEEE 802.3, 3.2.9) of the header before the checksum, and of the content.
fn sum(header: &[u8], content: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    let mut sum = u32::MAX;
    for byte in header[..SUM.start].iter().chain(content) {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = sum >> 1 ^ POLYNOMIAL & (sum & 1).wrapping_neg();
        }
    }
    !sum
}
