//! The log: what the kernel and its drivers have to say, through the `log` facade, a line each with
//! time, level and module.
//!
//! The highest level that is compiled in is chosen by a feature of this crate (`max-log-warn`), all
//! of them without one; the level that is printed by the word `log=` on the command line, `info`
//! where it is absent.

use log::{LevelFilter, Log, Metadata, Record};

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
        let microseconds = crate::time::now() / 1_000;
        crate::console::print(format_args!(
            "[{:5}.{:06}] {:5} {}: {}\n",
            microseconds / 1_000_000,
            microseconds % 1_000_000,
            record.level(),
            record.target(),
            record.args()
        ));
    }

    fn flush(&self) {}
}

/// Sends the log to the console from now on.
pub(crate) fn start() {
    // Only a second call fails, and the first one holds.
    let _ = log::set_logger(&LOGGER);
    log::set_max_level(LevelFilter::Info);
}

/// Prints what the word `log=` asks for from now on.
pub(crate) fn set_level(word: Option<&str>) {
    let Some(word) = word else { return };
    match word.parse() {
        Ok(level) => log::set_max_level(level),
        Err(_) => vmos_drivers::warn!(
            "log={word} on the command line is no level: give off, error, warn, info, debug or trace"
        ),
    }
}
