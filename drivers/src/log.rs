//! Log macros: like those of the `log` crate, but with less code at each call.
//!
//! The macros of `log` expand to the whole call, with a record of 13 words. For all statements
//! together this adds 5 KB to an image. These macros only keep the text and its arguments at each
//! call.

pub use log::Level;
use log::{Metadata, Record};

/// Logs `text` with the module `target`, if `level` is enabled.
///
/// [`error!`](crate::error) and the other macros expand to a call of this function.
#[cold]
#[inline(never)]
pub fn record(level: Level, target: &'static str, text: core::fmt::Arguments<'_>) {
    let metadata = Metadata::builder().level(level).target(target).build();
    if level <= log::max_level() {
        log::logger().log(&Record::builder().metadata(metadata).args(text).build());
    }
}

/// Whether log statements of `level` are compiled in.
#[must_use]
pub const fn compiled_in(level: Level) -> bool {
    level as usize <= log::STATIC_MAX_LEVEL as usize
}

/// Logs at `$level`, as [`log::log!`] does.
#[macro_export]
macro_rules! log {
    ($level:expr, $($text:tt)+) => {
        if const { $crate::log::compiled_in($level) } {
            $crate::log::record(
                $level,
                ::core::module_path!(),
                ::core::format_args!($($text)+),
            );
        }
    };
}

/// Logs a failure that could not be handled.
#[macro_export]
macro_rules! error {
    ($($text:tt)+) => { $crate::log!($crate::log::Level::Error, $($text)+) };
}

/// Logs a problem that was handled.
#[macro_export]
macro_rules! warn {
    ($($text:tt)+) => { $crate::log!($crate::log::Level::Warn, $($text)+) };
}

/// Logs an event of normal operation.
#[macro_export]
macro_rules! info {
    ($($text:tt)+) => { $crate::log!($crate::log::Level::Info, $($text)+) };
}

/// Logs details for debugging.
#[macro_export]
macro_rules! debug {
    ($($text:tt)+) => { $crate::log!($crate::log::Level::Debug, $($text)+) };
}
