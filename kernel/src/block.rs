//! Disks.
//!
//! An operation takes its buffers by value and returns them with the result. In between, the device
//! owns them, even if the future is dropped or forgotten, so a device never writes into memory that
//! is used for something else.
//!
//! [`Disk::read`] and [`Disk::write`] serve a task that makes one request at a time. For several
//! requests in flight, open [`Requests`].

use alloc::vec::Vec;
use core::future::Future;

use vmos_drivers::dma::Buffer;
use vmos_drivers::virtio::blk::{Blk, Operation, Payload, Transfer};

use crate::driver_cell::DriverCell;
use crate::machine::Transport;

pub use vmos_drivers::virtio::blk::{Done, Error as DiskError, Failed};

mod blocking;
#[cfg(feature = "block-device-driver")]
mod device;
#[cfg(feature = "embedded-storage-async")]
mod flash;
mod request;
mod requests;
mod serial;
mod transfer;

pub(crate) use blocking::Bystanders;
pub use blocking::{BLOCKING_LIMIT, BlockingDisk, BlockingError};
#[cfg(feature = "block-device-driver")]
pub use device::BlockError;
#[cfg(feature = "embedded-storage-async")]
pub use flash::{FLASH_PAGE, FLASH_WORD, Flash, FlashError};
use request::Request;
pub use requests::Requests;
pub use serial::{Serial, SerialError};
use transfer::OneTransfer;

/// The unit of addresses and lengths on a disk, in bytes, independent of its logical block size.
pub const SECTOR_SIZE: usize = 512;

/// The driver of a disk, shared by the event loop and the disk handles.
pub(crate) type Shared = DriverCell<Blk<Transport>>;

/// A disk handle. All copies refer to the same disk.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// let disk = kernel.disk(0)?;
/// let mut sector = disk.read(0, kernel.buffer(512)?).await?;
/// sector[..5].copy_from_slice(b"hello");
/// let sector = disk.write(0, sector).await?;
/// disk.flush().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Disk {
    driver: &'static Shared,
}

impl Disk {
    pub(crate) fn new(driver: &'static Shared) -> Self {
        Self { driver }
    }

    /// Publishes requests, and processes up to `budget` completions, if nobody else does at the moment.
    pub(crate) fn serve(&self, budget: usize) {
        if let Some(mut driver) = self.driver.try_borrow_mut() {
            driver.publish();
            driver.complete(budget);
        }
    }

    /// Returns the size in sectors of [`SECTOR_SIZE`] bytes.
    #[must_use]
    pub fn sectors(&self) -> u64 {
        self.driver.borrow().capacity()
    }

    /// Returns whether the disk rejects writes.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.driver.borrow().read_only()
    }

    /// Returns the logical block size in bytes. Addresses and lengths must be multiples of it.
    #[must_use]
    pub fn logical_block_size(&self) -> usize {
        self.driver.borrow().logical_block_size() as usize
    }

    /// Reads from the disk, starting at `sector`, until `buffer` is full.
    ///
    /// # Errors
    ///
    /// Returns [`Failed`] if the range is not on the disk or not aligned to its blocks, or if the
    /// device reports an error.
    pub fn read(
        &self,
        sector: u64,
        buffer: Buffer,
    ) -> impl Future<Output = Result<Buffer, Failed<Buffer>>> + use<> {
        OneTransfer::new(self.driver, Transfer::Read, sector, buffer)
    }

    /// Reads into `buffers`, one after the other, starting at `sector`, in one request.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read); also if there are more buffers than the device accepts.
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

    /// Writes `buffer` to the disk, starting at `sector`, and returns it.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read); also if the disk is read-only.
    pub fn write(
        &self,
        sector: u64,
        buffer: Buffer,
    ) -> impl Future<Output = Result<Buffer, Failed<Buffer>>> + use<> {
        OneTransfer::new(self.driver, Transfer::Write, sector, buffer)
    }

    /// Writes `buffers`, one after the other, to the disk, starting at `sector`, in one request.
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write); also if there are more buffers than the device accepts.
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

    /// Waits until all completed writes would survive a loss of power.
    ///
    /// # Errors
    ///
    /// Returns [`Failed`] if the device reports an error.
    pub async fn flush(&self) -> Result<(), Failed<()>> {
        self.run(Operation::Flush, nothing).await
    }

    /// Informs the disk that the content of `sectors` sectors, starting at `sector`, is no longer
    /// needed. Reading them afterwards returns undefined data.
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write); also if the device does not support it.
    pub async fn discard(&self, sector: u64, sectors: u32) -> Result<(), Failed<()>> {
        self.run(Operation::Discard { sector, sectors }, nothing)
            .await
    }

    /// Returns a handle with which one task keeps up to `depth` requests in flight, at least one.
    ///
    /// # Errors
    ///
    /// Returns [`DiskError::TooManyStreams`] if 65,535 such handles are open.
    pub fn requests(&self, depth: usize) -> Result<Requests, DiskError> {
        Requests::new(self.driver, depth)
    }

    /// Submits `operation` once the queue has room, and waits until it is done.
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
