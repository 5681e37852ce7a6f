//! The log: messages of the kernel and its drivers through the `log` crate, one line each with
//! time, level and module.
//!
//! A feature of this crate, such as `max-log-warn`, selects the highest level that is compiled in;
//! without one, all levels are. The word `log=` on the command line selects the level that is
//! printed; the default is `info`.

use log::{Level, LevelFilter, Log, Metadata, Record};

#[cfg(test)]
pub(crate) mod kept;

struct Logger;

static LOGGER: Logger = Logger;

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        crate::machine::with_console(|console| {
            let mut stamp = [b' '; STAMP];
            let stamp = write_time(&mut stamp, crate::time::now() / 1_000);
            // The console never returns an error.
            let _ = console.write_str(stamp);
            let _ = console.write_str(match record.level() {
                Level::Error => "ERROR ",
                Level::Warn => "WARN  ",
                Level::Info => "INFO  ",
                Level::Debug => "DEBUG ",
                Level::Trace => "TRACE ",
            });
            let _ = console.write_str(record.target());
            let _ = console.write_str(": ");
            let _ = console.write_fmt(*record.args());
            let _ = console.write_str("\n");
        });
    }

    fn flush(&self) {}
}

/// The length of the longest time in bytes: 2^64 microseconds, with point, brackets and space.
const STAMP: usize = 20 + 4;
/// The position of the decimal point in a formatted time, counted from the end.
const FRACTION: usize = 6;
/// The length of the shortest formatted time: one with five digits of seconds.
const SHORTEST: usize = 5 + FRACTION + 4;

/// Writes a time in seconds to the end of `text`, which must be blank, and returns it: `[
/// 0.004951] `. It takes a tenth of the formatter's instructions, which matters because every line
/// at boot has a time.
fn write_time(text: &mut [u8; STAMP], mut microseconds: u64) -> &str {
    let mut at = STAMP - 2;
    text[at] = b']';
    let mut digits = 0;
    while digits <= FRACTION || microseconds > 0 {
        if digits == FRACTION {
            at -= 1;
            text[at] = b'.';
        }
        at -= 1;
        text[at] = b'0' + (microseconds % 10) as u8;
        microseconds /= 10;
        digits += 1;
    }
    at = (at - 1).min(STAMP - SHORTEST);
    text[at] = b'[';
    core::str::from_utf8(&text[at..]).unwrap_or_default()
}

/// Sends the log to the console, from this call on.
pub(crate) fn start() {
    // Only a second call fails; the first logger stays.
    #[cfg(target_has_atomic = "ptr")]
    let _ = log::set_logger(&LOGGER);
    // SAFETY: this is called once, at boot, when nothing else runs.
    #[cfg(not(target_has_atomic = "ptr"))]
    let _ = unsafe { log::set_logger_racy(&LOGGER) };
    print_up_to(LevelFilter::Info);
}

fn print_up_to(level: LevelFilter) {
    #[cfg(target_has_atomic = "ptr")]
    log::set_max_level(level);
    // SAFETY: this is called at boot, when nothing else runs.
    #[cfg(not(target_has_atomic = "ptr"))]
    unsafe {
        log::set_max_level_racy(level);
    }
}

/// Sets the level that the word `log=` selects.
pub(crate) fn set_level(word: Option<&str>) {
    let Some(word) = word else { return };
    match word.parse() {
        Ok(level) => print_up_to(level),
        Err(_) => vmos_drivers::warn!(
            "unknown log={word} on the command line: use off, error, warn, info, debug or trace"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn a_time_equals_the_formatters_output() {
        for microseconds in [
            0,
            1,
            999_999,
            1_000_000,
            4_951,
            99_999_999_999,
            100_000_000_000,
            u64::MAX,
        ] {
            let (seconds, rest) = (microseconds / 1_000_000, microseconds % 1_000_000);
            let expected = format!("[{seconds:5}.{rest:06}] ");
            assert_eq!(write_time(&mut [b' '; STAMP], microseconds), expected);
        }
    }
}
