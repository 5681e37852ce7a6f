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

/// The number of consecutive answers without a byte after which a device is not asked again.
const VAIN: u32 = 8;

/// The driver, shared by the event loop and the handles.
pub(crate) type Shared = DriverCell<Rng<Transport>>;

/// A handle of the entropy device. All copies refer to the same device.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// let mut key = [0; 32];
/// kernel.entropy()?.fill(&mut key).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Entropy {
    driver: &'static Shared,
}

impl Entropy {
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

    /// Fills `bytes` with random bytes. If the device returns fewer than requested, it is asked
    /// again.
    ///
    /// # Errors
    ///
    /// Returns [`EntropyError`] if the device fails or returns no byte several times in a row, or if
    /// there is no memory for the request.
    pub async fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        fill(bytes, async |buffer| self.request(buffer).await).await
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

/// Fills `bytes` with what `request` returns.
async fn fill(
    bytes: &mut [u8],
    mut request: impl AsyncFnMut(Buffer) -> Result<Completion, EntropyError>,
) -> Result<(), EntropyError> {
    let (mut filled, mut vain) = (0, 0);
    while filled < bytes.len() {
        let buffer = Buffer::new(bytes.len() - filled).map_err(EntropyError::OutOfMemory)?;
        let completion = request(buffer).await?;
        let count = completion.result?;
        vain = if count == 0 { vain + 1 } else { 0 };
        if vain == VAIN {
            return Err(EntropyError::NoBytes);
        }
        let Some(buffer) = completion.buffer else {
            return Err(EntropyError::Full);
        };
        bytes[filled..filled + count].copy_from_slice(&buffer[..count]);
        filled += count;
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use core::pin::pin;
    use core::task::Waker;

    use super::*;

    /// Fills 4 bytes from a device that returns as many bytes as `answers` says, one after the other.
    fn fill_from(
        answers: impl IntoIterator<Item = usize>,
    ) -> (Poll<Result<(), EntropyError>>, [u8; 4]) {
        let (mut bytes, mut answers) = ([0; 4], answers.into_iter());
        let filling = fill(&mut bytes, async |mut buffer| {
            buffer.fill(7);
            let result = Ok(answers.next().expect("it is not asked without end"));
            let buffer = Some(buffer);
            Ok(Completion { result, buffer })
        });
        let poll = pin!(filling).poll(&mut Context::from_waker(Waker::noop()));
        (poll, bytes)
    }

    #[test]
    fn a_device_is_asked_until_all_bytes_are_there() {
        let answers = [0, 1, 0, 0, 2].into_iter().chain([0; 7]).chain([1]);
        let (poll, bytes) = fill_from(answers);
        assert_eq!(poll, Poll::Ready(Ok(())));
        assert_eq!(bytes, [7; 4]);
    }

    #[test]
    fn a_device_that_returns_no_bytes_is_not_asked_without_end() {
        let (poll, _bytes) = fill_from([1].into_iter().chain([0; 8]));
        assert_eq!(poll, Poll::Ready(Err(EntropyError::NoBytes)));
    }
}
