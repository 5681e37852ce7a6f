//! A blocking interface to a disk, for crates that cannot await.

use core::fmt;
use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use vmos_drivers::dma::{Buffer, OutOfMemory};

use super::{Disk, DiskError, Failed, SECTOR_SIZE};
use crate::machine;
use crate::time;

/// The time limit of a wait, unless another one is [set](BlockingDisk::limit).
pub const BLOCKING_LIMIT: Duration = Duration::from_secs(1);
/// The largest number of bytes in one request.
const PIECE: usize = 32 * 1024;
/// The largest number of completions processed between two reads of the clock.
const BUDGET: usize = 64;

/// A disk whose operations return when they are done, for crates that cannot await. Use a [`Disk`]
/// wherever possible.
///
/// # What waits
///
/// Until an operation returns, no other task runs, and timers expire late. The requests of other tasks
/// for the same disk are completed, and the tasks run afterwards. On an ordinary disk an operation takes
/// less than a millisecond.
///
/// A disk from [`Kernel::blocking`](crate::Kernel::blocking) also serves the other devices meanwhile:
/// received bytes of the console are stored, completed requests of other disks and devices are taken,
/// and, with the feature `networks`, frames are received, acknowledged and answered. Interrupts that
/// need a task, such as those of an app's own parts, stay pending at the controller.
///
/// A disk from [`Disk::blocking`] serves itself only. Then frames wait in the network device's queue and
/// bytes in that of the console, which lose what exceeds their length.
///
/// An operation that takes longer than the time limit, or whose disk is out of order, returns
/// [`BlockingError::TimedOut`], so the event loop can restart the disk; no wait is unbounded.
///
/// ```no_run
/// # fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// use core::time::Duration;
///
/// let disk = kernel.blocking(kernel.disk(0)?).limit(Duration::from_millis(100));
/// let mut sectors = [0; 1024];
/// disk.read(8, &mut sectors)?;
/// disk.write(16, &sectors)?;
/// disk.flush()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct BlockingDisk {
    disk: Disk,
    limit: Duration,
    bystanders: Option<&'static dyn Bystanders>,
}

/// The other devices, which are served while a task waits for a disk.
pub(crate) trait Bystanders {
    /// Processes what has arrived, within a budget for each device.
    fn serve(&self);
}

/// Why an operation of a [`BlockingDisk`] failed.
#[derive(Debug)]
pub enum BlockingError {
    /// The disk reported an error.
    Disk(DiskError),
    /// There is no memory for the copy that is passed to the disk.
    OutOfMemory(OutOfMemory),
    /// The disk did not answer within the time limit. A write may still be carried out.
    TimedOut(Duration),
}

impl fmt::Display for BlockingError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(error) => error.fmt(f),
            Self::OutOfMemory(error) => error.fmt(f),
            Self::TimedOut(limit) => write!(f, "the disk did not answer within {limit:?}"),
        }
    }
}

impl core::error::Error for BlockingError {}

impl<B> From<Failed<B>> for BlockingError {
    fn from(failed: Failed<B>) -> Self {
        Self::Disk(failed.error())
    }
}

impl From<DiskError> for BlockingError {
    fn from(error: DiskError) -> Self {
        Self::Disk(error)
    }
}

impl From<OutOfMemory> for BlockingError {
    fn from(error: OutOfMemory) -> Self {
        Self::OutOfMemory(error)
    }
}

impl Disk {
    /// Returns the disk for crates that cannot await.
    #[must_use]
    pub const fn blocking(self) -> BlockingDisk {
        BlockingDisk {
            disk: self,
            limit: BLOCKING_LIMIT,
            bystanders: None,
        }
    }
}

impl BlockingDisk {
    /// Serves these devices while an operation waits.
    pub(crate) const fn beside(self, bystanders: &'static dyn Bystanders) -> Self {
        Self {
            bystanders: Some(bystanders),
            ..self
        }
    }

    /// Sets the time limit of each request; an operation makes one for every 32 KiB.
    #[must_use]
    pub const fn limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Returns the disk itself.
    #[must_use]
    pub const fn disk(&self) -> Disk {
        self.disk
    }

    /// Reads from the disk, starting at `sector`, until `data` is full.
    ///
    /// # Errors
    ///
    /// As for [`Disk::read`]; also if there is no memory for a copy, or the time limit is exceeded.
    pub fn read(&self, mut sector: u64, data: &mut [u8]) -> Result<(), BlockingError> {
        for piece in data.chunks_mut(PIECE) {
            let reading = self.disk.read(sector, Buffer::new(piece.len())?);
            piece.copy_from_slice(&self.wait(reading)??);
            sector += (piece.len() / SECTOR_SIZE) as u64;
        }
        Ok(())
    }

    /// Writes `data` to the disk, starting at `sector`.
    ///
    /// # Errors
    ///
    /// As for [`Disk::write`]; also if there is no memory for a copy, or the time limit is
    /// exceeded.
    pub fn write(&self, mut sector: u64, data: &[u8]) -> Result<(), BlockingError> {
        for piece in data.chunks(PIECE) {
            let mut buffer = Buffer::new(piece.len())?;
            buffer.copy_from_slice(piece);
            self.wait(self.disk.write(sector, buffer))??;
            sector += (piece.len() / SECTOR_SIZE) as u64;
        }
        Ok(())
    }

    /// Waits until everything that was written is on the medium.
    ///
    /// # Errors
    ///
    /// As for [`Disk::flush`]; also if the time limit is exceeded.
    pub fn flush(&self) -> Result<(), BlockingError> {
        self.wait(self.disk.flush())??;
        Ok(())
    }

    /// Drives the disk until a request is done. If the limit is exceeded, the device keeps the
    /// buffer of the request until it is done.
    fn wait<F: Future>(&self, request: F) -> Result<F::Output, BlockingError> {
        let mut request = pin!(request);
        let mut context = Context::from_waker(Waker::noop());
        let limit = u64::try_from(self.limit.as_nanos()).unwrap_or(u64::MAX);
        let begun = time::now();
        loop {
            if let Poll::Ready(output) = request.as_mut().poll(&mut context) {
                return Ok(output);
            }
            if time::now().saturating_sub(begun) > limit {
                return Err(BlockingError::TimedOut(self.limit));
            }
            let mut driver = self.disk.driver.borrow_mut();
            driver.publish();
            machine::serve_devices();
            driver.complete(BUDGET);
            drop(driver);
            if let Some(bystanders) = self.bystanders {
                bystanders.serve();
            }
            core::hint::spin_loop();
        }
    }
}
