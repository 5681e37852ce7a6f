//! `block-device-driver`: makes a [`Disk`] usable by file systems.
//!
//! ```no_run
//! use block_device_driver::BlockDevice;
//! use vmos::{Kernel, Result};
//!
//! async fn blocks(kernel: Kernel) -> Result<u64> {
//!     let mut disk = kernel.disk(0)?;
//!     Ok(BlockDevice::<512>::size(&mut disk).await? / 512)
//! }
//! ```

use core::fmt;

use aligned::{A4, Aligned};
use block_device_driver::{BlockDevice, blocks_to_slice, blocks_to_slice_mut};

use vmos_drivers::dma::{Buffer, OutOfMemory};

use super::{Disk, DiskError, Failed, SECTOR_SIZE};

/// An error in reading or writing blocks.
#[derive(Debug)]
pub enum BlockError {
    /// The disk reported an error.
    Disk(DiskError),
    /// There is no memory for the copy that is passed to the disk.
    OutOfMemory(OutOfMemory),
}

impl From<OutOfMemory> for BlockError {
    fn from(error: OutOfMemory) -> Self {
        Self::OutOfMemory(error)
    }
}

impl<B> From<Failed<B>> for BlockError {
    fn from(failed: Failed<B>) -> Self {
        Self::Disk(failed.error())
    }
}

impl fmt::Display for BlockError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(error) => error.fmt(f),
            Self::OutOfMemory(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for BlockError {}

/// The largest number of bytes copied at a time.
const PIECE: usize = 32 * 1024;

/// Blocks of any multiple of 512 bytes. The data is copied, because a device only accesses memory
/// that it owns; [`Disk::read`] and [`Disk::write`] do not copy.
impl<const SIZE: usize> BlockDevice<SIZE> for Disk {
    type Error = BlockError;
    type Align = A4;

    /// # Errors
    ///
    /// As for [`Disk::read`]; also if there is no memory for the copy.
    async fn read(
        &mut self,
        block: u32,
        data: &mut [Aligned<A4, [u8; SIZE]>],
    ) -> Result<(), BlockError> {
        let mut sector = first_sector::<SIZE>(block);
        for piece in blocks_to_slice_mut(data).chunks_mut(piece::<SIZE>()) {
            let buffer = Self::read(self, sector, Buffer::new(piece.len())?).await?;
            piece.copy_from_slice(&buffer);
            sector += (piece.len() / SECTOR_SIZE) as u64;
        }
        Ok(())
    }

    /// # Errors
    ///
    /// As for [`Disk::write`]; also if there is no memory for the copy.
    async fn write(
        &mut self,
        block: u32,
        data: &[Aligned<A4, [u8; SIZE]>],
    ) -> Result<(), BlockError> {
        let mut sector = first_sector::<SIZE>(block);
        for piece in blocks_to_slice(data).chunks(piece::<SIZE>()) {
            let mut buffer = Buffer::new(piece.len())?;
            buffer.copy_from_slice(piece);
            Self::write(self, sector, buffer).await?;
            sector += (piece.len() / SECTOR_SIZE) as u64;
        }
        Ok(())
    }

    async fn size(&mut self) -> Result<u64, BlockError> {
        Ok(self.sectors().saturating_mul(SECTOR_SIZE as u64))
    }
}

/// Returns the first sector of a block.
fn first_sector<const SIZE: usize>(block: u32) -> u64 {
    const {
        assert!(
            SIZE > 0 && SIZE.is_multiple_of(SECTOR_SIZE),
            "a block has a multiple of 512 bytes"
        );
    }
    u64::from(block) * (SIZE / SECTOR_SIZE) as u64
}

/// Returns the number of bytes copied at a time: a multiple of the block size.
const fn piece<const SIZE: usize>() -> usize {
    if SIZE > PIECE {
        SIZE
    } else {
        PIECE / SIZE * SIZE
    }
}
