//! The result type of a test case.

use core::error::Error;

/// The result of a test case: nothing, or an error message.
pub type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Fails the test case with a message unless the condition holds.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($sentence:tt)+) => {
        if !$condition {
            return Err(format!($($sentence)+).into());
        }
    };
}
