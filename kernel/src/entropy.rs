//! Random bytes from the machine's entropy device.

use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll};

use vmos_drivers::dma::Buffer;
use vmos_drivers::virtio::Token;
use vmos_drivers::virtio::rng::{Completion, Rng};

use crate::driver_cell::DriverCell;
use crate::machine::Transport;

pub use vmos_drivers::virtio::rng::Error as EntropyError;

/// The driver, shared by the event loop and the handles.
pub(crate) type Shared = DriverCell<Rng<Transport>>;

/// A handle of the entropy device. All copies refer to the same device.
#[derive(Clone, Copy)]
pub struct Entropy {
    driver: &'static Shared,
}

impl Entropy {
    pub(crate) fn new(driver: &'static Shared) -> Self {
        Self { driver }
    }

    /// Fills `bytes` with random bytes. If the device returns fewer than requested, it is asked
    /// again.
    ///
    /// # Errors
    ///
    /// Returns [`EntropyError`] if the device fails, or if there is no memory for the request.
    pub async fn fill(&self, bytes: &mut [u8]) -> crate::Result<()> {
        let mut filled = 0;
        while filled < bytes.len() {
            let buffer = Buffer::new(bytes.len() - filled)?;
            let completion = self.request(buffer).await?;
            let count = completion.result?;
            let Some(buffer) = completion.buffer else {
                return Err(EntropyError::Full.into());
            };
            bytes[filled..filled + count].copy_from_slice(&buffer[..count]);
            filled += count;
        }
        Ok(())
    }

    async fn request(&self, buffer: Buffer) -> Result<Completion, EntropyError> {
        let mut waiting = Some(buffer);
        let token = poll_fn(|cx| {
            let mut driver = self.driver.borrow_mut();
            if !driver.has_room() && !driver.refuses() {
                driver.wait_for_room(cx.waker());
                return Poll::Pending;
            }
            match waiting.take() {
                Some(buffer) => Poll::Ready(driver.submit(buffer)),
                None => Poll::Pending,
            }
        })
        .await
        .map_err(|rejected| rejected.error)?;
        Ok(InFlight {
            driver: self.driver,
            token: Some(token),
        }
        .await)
    }
}

/// A request in flight. If it is dropped, the device keeps the buffer until it is done.
struct InFlight {
    driver: &'static Shared,
    token: Option<Token>,
}

impl Future for InFlight {
    type Output = Completion;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Completion> {
        let Some(token) = self.token else {
            return Poll::Pending;
        };
        let poll = self.driver.borrow_mut().poll(token, cx.waker());
        if poll.is_ready() {
            self.token = None;
        }
        poll
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(token) = self.token.take() {
            self.driver.borrow_mut().detach(token);
        }
    }
}
