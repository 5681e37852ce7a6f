//! The log's statements: those of the `log` facade, as far as a statement is concerned, and small.
//!
//! The facade's own put the whole call, with a record of 13 words, where the statement is. There
//! are so many statements that this would be 5 KB of an image; these leave only the text and its
//! arguments there.

pub use log::Level;
use log::{Metadata, Record};

/// Logs `text` under the module `target`, if `level` is asked for.
///
/// This is what [`error!`](crate::error) and the others expand to.
#[cold]
#[inline(never)]
pub fn record(level: Level, target: &'static str, text: core::fmt::Arguments<'_>) {
    let metadata = Metadata::builder().level(level).target(target).build();
    if level <= log::max_level() {
        log::logger().log(&Record::builder().metadata(metadata).args(text).build());
    }
}

/// Whether statements of `level` are compiled in.
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

/// Logs what cannot be worked around.
#[macro_export]
macro_rules! error {
    ($($text:tt)+) => { $crate::log!($crate::log::Level::Error, $($text)+) };
}

/// Logs what was worked around.
#[macro_export]
macro_rules! warn {
    ($($text:tt)+) => { $crate::log!($crate::log::Level::Warn, $($text)+) };
}

/// Logs what whoever looks at the console should know.
#[macro_export]
macro_rules! info {
    ($($text:tt)+) => { $crate::log!($crate::log::Level::Info, $($text)+) };
}

/// Logs what helps to find a mistake.
#[macro_export]
macro_rules! debug {
    ($($text:tt)+) => { $crate::log!($crate::log::Level::Debug, $($text)+) };
}
