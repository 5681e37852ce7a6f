//! Disks.
//!
//! An operation takes its buffers by value and gives them back with the result. Meanwhile they
//! belong to the device: dropping or forgetting the future leaves them with it until it lets go, so
//! a device can never write into memory that was given to somebody else.

use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;
use core::future::Future;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll};

use vmos_drivers::dma::Buffer;
use vmos_drivers::virtio::Token;
use vmos_drivers::virtio::blk::{Blk, Completion, Operation, Payload};
use vmos_drivers::virtio::transport::AnyTransport;

pub use vmos_drivers::virtio::blk::Error as DiskError;

/// The unit of addresses and lengths on a disk, in bytes, whatever its logical block size.
pub const SECTOR_SIZE: usize = 512;

/// The driver of a disk, as the event loop and the handles share it.
pub(crate) type Shared = RefCell<Blk<AnyTransport>>;

/// An operation that failed, with the buffers that went in where the device has let go of them.
pub struct Failed<B> {
    error: DiskError,
    buffer: Option<B>,
}

impl<B> Failed<B> {
    /// What went wrong.
    #[must_use]
    pub fn error(&self) -> DiskError {
        self.error
    }

    /// The buffers that went in, where the device has let go of them.
    #[must_use]
    pub fn into_buffer(self) -> Option<B> {
        self.buffer
    }
}

impl<B> fmt::Debug for Failed<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.error, f)
    }
}

impl<B> fmt::Display for Failed<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl<B> core::error::Error for Failed<B> {}

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
    pub async fn read(&self, sector: u64, buffer: Buffer) -> Result<Buffer, Failed<Buffer>> {
        self.run(
            Operation::Read {
                sector,
                payload: Payload::One(buffer),
            },
            one,
        )
        .await
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
    pub async fn write(&self, sector: u64, buffer: Buffer) -> Result<Buffer, Failed<Buffer>> {
        self.run(
            Operation::Write {
                sector,
                payload: Payload::One(buffer),
            },
            one,
        )
        .await
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

    /// Submits `operation` as soon as the queue has room, and waits for its end.
    async fn run<B>(
        &self,
        operation: Operation,
        buffers: fn(Option<Payload>) -> Option<B>,
    ) -> Result<B, Failed<B>> {
        let request = Request {
            driver: self.driver,
            state: State::Waiting(operation),
        };
        let completion = request.await;
        let buffer = buffers(completion.payload);
        match (completion.result, buffer) {
            (Ok(()), Some(buffer)) => Ok(buffer),
            (Ok(()), None) => Err(Failed {
                error: DiskError::Empty,
                buffer: None,
            }),
            (Err(error), buffer) => Err(Failed { error, buffer }),
        }
    }
}

fn one(payload: Option<Payload>) -> Option<Buffer> {
    match payload? {
        Payload::One(buffer) => Some(buffer),
        Payload::Many(_) => None,
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

/// A request. Dropping it leaves its buffers with the device where that has them.
struct Request {
    driver: &'static Shared,
    state: State,
}

enum State {
    /// There was no room for it yet.
    Waiting(Operation),
    /// The device has it.
    InFlight(Token),
    Over,
}

impl Future for Request {
    type Output = Completion;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Completion> {
        let mut driver = self.driver.borrow_mut();
        if let State::Waiting(_) = self.state {
            if !driver.has_room() {
                driver.wait_for_room(cx.waker());
                return Poll::Pending;
            }
            let State::Waiting(operation) = mem::replace(&mut self.state, State::Over) else {
                return Poll::Pending;
            };
            match driver.submit(operation) {
                Ok(token) => self.state = State::InFlight(token),
                Err(rejected) => {
                    return Poll::Ready(Completion {
                        result: Err(rejected.error),
                        payload: rejected.operation.into_payload(),
                    });
                }
            }
        }
        let State::InFlight(token) = self.state else {
            return Poll::Pending;
        };
        let poll = driver.poll(token, cx.waker());
        if poll.is_ready() {
            self.state = State::Over;
        }
        poll
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if let State::InFlight(token) = self.state {
            self.driver.borrow_mut().detach(token);
        }
    }
}
