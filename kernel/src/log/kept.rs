//! What a test logs, for the test to look at.

use core::cell::RefCell;
use std::string::{String, ToString as _};
use std::sync::Once;
use std::vec::Vec;

use log::{LevelFilter, Log, Metadata, Record};

std::thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps the messages of each thread for the test that runs in it.
struct Kept;

impl Log for Kept {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        LINES.with_borrow_mut(|lines| lines.push(record.args().to_string()));
    }

    fn flush(&self) {}
}

/// Returns the messages of level `warn` and above that `action` logs.
///
/// # Panics
///
/// If there is another logger.
pub(crate) fn logged(action: impl FnOnce()) -> Vec<String> {
    static FIRST: Once = Once::new();
    FIRST.call_once(|| {
        log::set_logger(&Kept).expect("no other test sets a logger");
        log::set_max_level(LevelFilter::Warn);
    });
    LINES.take();
    action();
    LINES.take()
}
