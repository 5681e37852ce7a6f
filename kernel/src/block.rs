//! Disks.
//!
//! An operation takes its buffers by value and gives them back with the result. Meanwhile they
//! belong to the device: dropping or forgetting the future leaves them with it until it lets go, so
//! a device can never write into memory that was given to somebody else.
//!
//! [`Disk::read`] and [`Disk::write`] are for a task that does one thing at a time. A task that keeps
//! several requests in flight opens [`Requests`].

use alloc::vec::Vec;
use core::future::Future;

use vmos_drivers::dma::Buffer;
use vmos_drivers::virtio::blk::{Blk, Operation, Payload, Transfer};

use crate::driver_cell::DriverCell;
use crate::machine::Transport;

pub use vmos_drivers::virtio::blk::{Done, Error as DiskError, Failed};

#[cfg(feature = "block-device-driver")]
mod device;
#[cfg(feature = "embedded-storage-async")]
mod flash;
mod request;
mod requests;
mod serial;
mod transfer;

#[cfg(feature = "block-device-driver")]
pub use device::BlockError;
#[cfg(feature = "embedded-storage-async")]
pub use flash::{FLASH_PAGE, FLASH_WORD, Flash, FlashError};
use request::Request;
pub use requests::Requests;
pub use serial::{Serial, SerialError};
use transfer::OneTransfer;

/// The unit of addresses and lengths on a disk, in bytes, whatever its logical block size.
pub const SECTOR_SIZE: usize = 512;

/// The driver of a disk, as the event loop and the handles share it.
pub(crate) type Shared = DriverCell<Blk<Transport>>;

/// A handle on a disk. Copies of it are the same disk.
#[derive(Clone, Copy)]
pub struct Disk {
    driver: &'static Shared,
}

impl Disk {
    pub(crate) fn new(driver: &'static Shared) -> Self {
        Self { driver }
    }

    /// Its size in sectors of [`SECTOR_SIZE`] bytes.
    #[must_use]
    pub fn sectors(&self) -> u64 {
        self.driver.borrow().capacity()
    }

    /// Whether writing is refused.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.driver.borrow().read_only()
    }

    /// The block size that addresses and lengths must be multiples of, in bytes.
    #[must_use]
    pub fn logical_block_size(&self) -> usize {
        self.driver.borrow().logical_block_size() as usize
    }

    /// Fills `buffer` from the disk, beginning at `sector`.
    ///
    /// # Errors
    ///
    /// [`Failed`] where the range is not on the disk, is not aligned to its blocks, or the device
    /// reports an error.
    pub fn read(
        &self,
        sector: u64,
        buffer: Buffer,
    ) -> impl Future<Output = Result<Buffer, Failed<Buffer>>> + use<> {
        OneTransfer::new(self.driver, Transfer::Read, sector, buffer)
    }

    /// Fills `buffers` one after the other from the disk, beginning at `sector`, in one request.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and where there are more buffers than the device takes.
    pub async fn read_vectored(
        &self,
        sector: u64,
        buffers: Vec<Buffer>,
    ) -> Result<Vec<Buffer>, Failed<Vec<Buffer>>> {
        self.run(
            Operation::Read {
                sector,
                payload: Payload::Many(buffers),
            },
            many,
        )
        .await
    }

    /// Writes `buffer` to the disk, beginning at `sector`, and gives it back.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and where the disk is read-only.
    pub fn write(
        &self,
        sector: u64,
        buffer: Buffer,
    ) -> impl Future<Output = Result<Buffer, Failed<Buffer>>> + use<> {
        OneTransfer::new(self.driver, Transfer::Write, sector, buffer)
    }

    /// Writes `buffers` one after the other to the disk, beginning at `sector`, in one request.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write), and where there are more buffers than the device takes.
    pub async fn write_vectored(
        &self,
        sector: u64,
        buffers: Vec<Buffer>,
    ) -> Result<Vec<Buffer>, Failed<Vec<Buffer>>> {
        self.run(
            Operation::Write {
                sector,
                payload: Payload::Many(buffers),
            },
            many,
        )
        .await
    }

    /// Waits until everything written so far survives a loss of power.
    ///
    /// # Errors
    ///
    /// [`Failed`] where the device reports an error.
    pub async fn flush(&self) -> Result<(), Failed<()>> {
        self.run(Operation::Flush, nothing).await
    }

    /// Tells the disk that `sectors` sectors from `sector` on are not needed any more. What is read
    /// from them afterwards is anybody's guess.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write), and where the device does not offer it.
    pub async fn discard(&self, sector: u64, sectors: u32) -> Result<(), Failed<()>> {
        self.run(Operation::Discard { sector, sectors }, nothing)
            .await
    }

    /// A handle for up to `depth` requests in flight, at least one, of one task.
    ///
    /// # Errors
    ///
    /// [`DiskError::TooManyStreams`] where 65,535 such handles are open.
    pub fn requests(&self, depth: usize) -> Result<Requests, DiskError> {
        Requests::new(self.driver, depth)
    }

    /// Submits `operation` as soon as the queue has room, and waits for its end.
    async fn run<B>(
        &self,
        operation: Operation,
        buffers: fn(Option<Payload>) -> Option<B>,
    ) -> Result<B, Failed<B>> {
        let completion = Request::new(self.driver, operation).await;
        let buffer = buffers(completion.payload);
        match (completion.result, buffer) {
            (Ok(()), Some(buffer)) => Ok(buffer),
            (Ok(()), None) => Err(Failed::new(DiskError::Empty, None)),
            (Err(error), buffer) => Err(Failed::new(error, buffer)),
        }
    }
}

fn many(payload: Option<Payload>) -> Option<Vec<Buffer>> {
    match payload? {
        Payload::Many(buffers) => Some(buffers),
        Payload::One(_) => None,
    }
}

fn nothing(_: Option<Payload>) -> Option<()> {
    Some(())
}
