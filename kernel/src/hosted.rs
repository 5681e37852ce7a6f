//! Replaces the machine when the kernel is compiled for a host: the host's clock and standard
//! output. Nothing boots here; it exists for tests of generic code.

use core::fmt::{self, Write};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use vmos_drivers::virtio::transport::AnyTransport;

/// Returns the nanoseconds since the first call.
pub(crate) fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// Returns the time since the start of 1970; `None` if the host does not know.
pub(crate) fn wall_clock() -> Option<Duration> {
    SystemTime::now().duration_since(UNIX_EPOCH).ok()
}

/// Calls `write` with the standard output.
pub(crate) fn with_console(write: impl FnOnce(&mut dyn Write)) {
    struct StandardOutput;
    impl Write for StandardOutput {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            std::print!("{text}");
            Ok(())
        }
    }
    write(&mut StandardOutput);
}

/// The transport of virtio devices.
pub(crate) type Transport = AnyTransport;

/// Returns false: a host has no console interrupt.
pub(crate) fn listen_to_console(_: crate::console::Listener) -> bool {
    false
}

/// Writes to the standard output, and returns the number of bytes written.
pub(crate) fn send_to_console(bytes: &[u8]) -> usize {
    use std::io::Write as _;
    // A closed output is not an error.
    let _ = std::io::stdout().write_all(bytes);
    bytes.len()
}

/// Returns whether everything was sent.
pub(crate) fn console_is_idle() -> bool {
    true
}

/// The parts that apps drive: a host has none.
pub(crate) const PARTS: &[vmos_drivers::board::Part] = &[];

/// The board's name: none.
pub(crate) const NAME: &str = "host";
/// The board's title.
pub(crate) const TITLE: &str = "this host";

/// Returns the clock's frequency in Hz.
pub(crate) fn clock_frequency() -> u64 {
    1_000_000_000
}

/// Ends the process with `status`.
pub(crate) fn off(status: u8) -> ! {
    std::process::exit(i32::from(status))
}

/// Ends the process: a host has nothing to restart.
pub(crate) fn reset() -> ! {
    std::process::exit(0)
}
