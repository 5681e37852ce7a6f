//! Deadlines of operations.

use core::future::Future;

use embassy_time::{Duration, with_timeout};

use crate::block::{DiskError, Failed};
use crate::entropy::EntropyError;

/// An error type with a value for an expired deadline.
pub trait TimesOut {
    /// The error of an operation whose deadline has passed.
    fn timed_out() -> Self;
}

impl<B> TimesOut for Failed<B> {
    fn timed_out() -> Self {
        Self::new(DiskError::TimedOut, None)
    }
}

impl TimesOut for EntropyError {
    fn timed_out() -> Self {
        Self::TimedOut
    }
}

impl TimesOut for crate::Error {
    fn timed_out() -> Self {
        Self::new("the operation exceeded its time limit")
    }
}

/// Gives an operation a deadline.
///
/// ```no_run
/// # use vmos::{Kernel, Result};
/// use vmos::time::{Duration, Within};
///
/// # async fn read(kernel: Kernel) -> Result<()> {
/// let disk = kernel.disk(0)?;
/// let buffer = disk
///     .read(0, kernel.buffer(512)?)
///     .within(Duration::from_millis(500))
///     .await?;
/// # Ok(())
/// # }
/// ```
pub trait Within<T, E: TimesOut>: Future<Output = Result<T, E>> + Sized {
    /// Waits for the operation for `limit` at most.
    ///
    /// An operation that is not done by then is cancelled, as it is when its future is dropped:
    /// buffers that a device has stay with its driver until the device returns them or was reset.
    ///
    /// # Errors
    ///
    /// The errors of the operation, and the error for an expired deadline: [`DiskError::TimedOut`],
    /// [`EntropyError::TimedOut`].
    fn within(self, limit: Duration) -> impl Future<Output = Result<T, E>> {
        async move {
            match with_timeout(limit, self).await {
                Ok(result) => result,
                Err(_) => Err(E::timed_out()),
            }
        }
    }
}

impl<T, E: TimesOut, F: Future<Output = Result<T, E>>> Within<T, E> for F {}
