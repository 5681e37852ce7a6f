//! The future of a request with one buffer.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use vmos_drivers::dma::Buffer;
use vmos_drivers::virtio::Token;
use vmos_drivers::virtio::blk::{Consumer, Refused, Ticket, Transfer};

use super::{DiskError, Failed, Shared};

/// A request with one buffer. If it is dropped while the device has the buffer, the device keeps it
/// until it is done.
pub(super) struct OneTransfer {
    driver: &'static Shared,
    transfer: Transfer,
    sector: u64,
    /// The request; `None` once the device has it.
    buffer: Option<Buffer>,
    ticket: Ticket,
    /// The token of the request; `Some` while the device has it.
    token: Option<Token>,
}

impl OneTransfer {
    #[inline]
    pub(super) const fn new(
        driver: &'static Shared,
        transfer: Transfer,
        sector: u64,
        buffer: Buffer,
    ) -> Self {
        Self {
            driver,
            transfer,
            sector,
            buffer: Some(buffer),
            ticket: Ticket::none(),
            token: None,
        }
    }

    /// Passes the buffer to the driver, or waits for room.
    fn submit(&mut self, cx: &Context<'_>) -> Poll<Result<Buffer, Failed<Buffer>>> {
        let mut driver = self.driver.borrow_mut();
        let Some(buffer) = self.buffer.take() else {
            return Poll::Pending;
        };
        let (consumer, ticket) = (Consumer::Task(cx.waker()), &mut self.ticket);
        match driver.submit_one(self.transfer, self.sector, buffer, consumer, ticket) {
            Ok(token) => {
                self.token = Some(token);
                Poll::Pending
            }
            // A disk that failed is restarted soon, unless an attempt has failed.
            Err(Refused {
                error: DiskError::Full | DiskError::DeviceReset(_),
                buffer,
            }) if !driver.refuses() => {
                self.buffer = Some(buffer);
                driver.wait_for_room(ticket, cx.waker());
                Poll::Pending
            }
            Err(refused) => Poll::Ready(Err(refused.into())),
        }
    }
}

impl Future for OneTransfer {
    type Output = Result<Buffer, Failed<Buffer>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(token) = self.token else {
            return self.submit(cx);
        };
        let done = self.driver.borrow_mut().poll_one(token, cx.waker());
        if done.is_ready() {
            self.token = None;
        }
        done
    }
}

impl Drop for OneTransfer {
    #[inline]
    fn drop(&mut self) {
        if let Some(token) = self.token {
            self.driver.borrow_mut().detach(token);
        }
        if !self.ticket.is_none() {
            self.driver.borrow_mut().leave_line(&mut self.ticket);
        }
    }
}
