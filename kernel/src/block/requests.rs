//! Several requests of one task.

use core::future::{Future, poll_fn};
use core::task::{Context, Poll};

use vmos_drivers::dma::Buffer;
use vmos_drivers::virtio::blk::{Consumer, Done, StreamId, Ticket, Transfer};

use super::{DiskError, Failed, Shared};

/// A handle with which one task keeps up to a fixed number of disk requests in flight, without a
/// future or a task for each.
///
/// Submitting does not wait; each request carries a tag that the caller chooses.
/// [`done`](Self::done) returns completed requests in the order in which the disk finished them,
/// each with its tag, its result and its buffer. Requests that are submitted before the task waits
/// reach the disk together. The device owns a request's buffer until the request is done. If the
/// handle is dropped, the device finishes the requests in flight.
///
/// ```no_run
/// # use vmos::{Kernel, Result};
/// /// Adds up the bytes of the first `blocks` blocks of 4 KiB, eight of them in flight at a time.
/// async fn sum(kernel: Kernel, blocks: u64) -> Result<u64> {
///     let mut requests = kernel.disk(0)?.requests(8)?;
///     let mut next = 0;
///     while next < blocks && requests.has_room() {
///         requests.read(0, next * 8, kernel.buffer(4096)?)?;
///         next += 1;
///     }
///     let mut sum = 0;
///     while let Some(done) = requests.done().await {
///         let buffer = done.result?;
///         sum += buffer.iter().map(|byte| u64::from(*byte)).sum::<u64>();
///         if next < blocks {
///             requests.room().await;
///             requests.read(0, next * 8, buffer)?;
///             next += 1;
///         }
///     }
///     Ok(sum)
/// }
/// ```
pub struct Requests {
    driver: &'static Shared,
    stream: StreamId,
    depth: usize,
    in_flight: usize,
    ticket: Ticket,
}

impl Requests {
    pub(super) fn new(driver: &'static Shared, depth: usize) -> Result<Self, DiskError> {
        Ok(Self {
            driver,
            stream: driver.borrow_mut().open()?,
            depth: depth.max(1),
            in_flight: 0,
            ticket: Ticket::none(),
        })
    }

    /// Returns the largest number of requests that this handle keeps in flight.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.depth
    }

    /// Returns the number of submitted requests that [`done`](Self::done) has not returned yet.
    #[must_use]
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Submits a request that reads into `buffer`, starting at `sector`.
    ///
    /// # Errors
    ///
    /// Returns [`Failed`] with the buffer, without submitting anything: [`DiskError::Full`] if
    /// [`depth`](Self::depth) requests are in flight or the disk [has no room](Self::has_room);
    /// [`DiskError::DeviceReset`] while the disk is out of order; and the errors of [`Disk::read`]
    /// for the range.
    ///
    /// [`Disk::read`]: super::Disk::read
    #[inline]
    pub fn read(&mut self, tag: usize, sector: u64, buffer: Buffer) -> Result<(), Failed<Buffer>> {
        self.submit(Transfer::Read, tag, sector, buffer)
    }

    /// Submits a request that writes `buffer` to the disk, starting at `sector`.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read); also if the disk is read-only.
    #[inline]
    pub fn write(&mut self, tag: usize, sector: u64, buffer: Buffer) -> Result<(), Failed<Buffer>> {
        self.submit(Transfer::Write, tag, sector, buffer)
    }

    #[inline]
    fn submit(
        &mut self,
        transfer: Transfer,
        tag: usize,
        sector: u64,
        buffer: Buffer,
    ) -> Result<(), Failed<Buffer>> {
        let mut buffer = buffer;
        if self.in_flight < self.depth
            && let Some(mut driver) = self.driver.try_borrow_mut()
        {
            let consumer = Consumer::Stream(self.stream, tag);
            match driver.submit_again(transfer, sector, buffer, consumer, &self.ticket) {
                Ok(_token) => {
                    self.in_flight += 1;
                    return Ok(());
                }
                Err(back) => buffer = back,
            }
        }
        self.submit_first(transfer, tag, sector, buffer)
    }

    /// Like [`submit`](Self::submit), without the checks.
    #[cold]
    #[inline(never)]
    fn submit_first(
        &mut self,
        transfer: Transfer,
        tag: usize,
        sector: u64,
        buffer: Buffer,
    ) -> Result<(), Failed<Buffer>> {
        if self.in_flight >= self.depth {
            return Err(Failed::new(DiskError::Full, Some(buffer)));
        }
        let consumer = Consumer::Stream(self.stream, tag);
        let mut driver = self.driver.borrow_mut();
        driver.submit_first(transfer, sector, buffer, consumer, &mut self.ticket)?;
        self.in_flight += 1;
        Ok(())
    }

    /// Returns whether a request would be accepted now: fewer than [`depth`](Self::depth) are in
    /// flight, the disk works and has room, and no other task has waited longer for it.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.in_flight < self.depth && self.driver.borrow().has_room_for(&self.ticket)
    }

    /// Waits in turn with other tasks until the disk [has room](Self::has_room) and, if it is out
    /// of order, until it was restarted. Returns at once if the last attempt to restart it failed:
    /// submitting then returns the reason. Returns at once too if [`depth`](Self::depth) requests
    /// are in flight: then only [`done`](Self::done) makes room.
    pub async fn room(&mut self) {
        poll_fn(|cx| {
            if self.in_flight >= self.depth {
                return Poll::Ready(());
            }
            let mut driver = self.driver.borrow_mut();
            if driver.has_room_for(&self.ticket) || driver.refuses() {
                return Poll::Ready(());
            }
            driver.wait_for_room(&mut self.ticket, cx.waker());
            Poll::Pending
        })
        .await;
    }

    /// Cancels each request in flight that was submitted with `tag`: it comes from
    /// [`done`](Self::done) at once, with [`DiskError::Cancelled`]. The disk may still carry it out. Its
    /// buffer is freed when the disk returns it or was reset. Returns how many there were.
    ///
    /// To give a request a deadline, wait for [`done`](Self::done)
    /// [with a timeout](crate::time::with_timeout) and cancel what has not come.
    pub fn cancel(&mut self, tag: usize) -> usize {
        self.driver.borrow_mut().cancel(self.stream, tag)
    }

    /// Waits for the next completed request; returns `None` if none is in flight. Dropping the
    /// future loses no request.
    #[inline]
    pub fn done(&mut self) -> impl Future<Output = Option<Done>> {
        poll_fn(|cx| self.poll_done(cx))
    }

    /// Returns the next completed request, if there is one.
    #[inline]
    pub fn try_done(&mut self) -> Option<Done> {
        let done = self.driver.borrow_mut().next(self.stream, None)?;
        self.in_flight -= 1;
        Some(done)
    }

    /// Like [`done`](Self::done), for hand-written futures.
    #[inline]
    pub fn poll_done(&mut self, cx: &Context<'_>) -> Poll<Option<Done>> {
        let cell = self.driver;
        let mut driver = cell.borrow();
        // Taking a request gives the loop nothing to do: while tasks wait for room, it serves the
        // driver in each turn.
        if let Some(done) = driver.next(self.stream, Some(cx.waker())) {
            self.in_flight -= 1;
            return Poll::Ready(Some(done));
        }
        if self.in_flight > 0 && driver.settle() {
            cell.served();
            return Poll::Pending;
        }
        cell.call();
        if self.in_flight == 0 {
            return Poll::Ready(None);
        }
        Poll::Pending
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        let mut driver = self.driver.borrow_mut();
        driver.close(self.stream);
        if !self.ticket.is_none() {
            driver.leave_line(&mut self.ticket);
        }
    }
}
