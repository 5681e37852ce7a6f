//! What stands in for a machine where the kernel is compiled for a host: the host's clock and its
//! standard output. Nothing boots here; it is there so that what is generic can be tested.

use core::fmt::{self, Write};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use vmos_drivers::virtio::transport::AnyTransport;

/// Nanoseconds since the first call.
pub(crate) fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// How long after the beginning of 1970 it is, if the host knows.
pub(crate) fn wall_clock() -> Option<Duration> {
    SystemTime::now().duration_since(UNIX_EPOCH).ok()
}

/// Lets `write` write to the standard output.
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

/// What virtio devices would be reached by.
pub(crate) type Transport = AnyTransport;

/// There is nothing to hear on a host.
pub(crate) fn listen_to_console(_: crate::console::Listener) -> bool {
    false
}

/// Writes to the standard output; a host waits for itself.
pub(crate) fn send_to_console(bytes: &[u8]) -> usize {
    use std::io::Write as _;
    // Whoever closed it wants to see no more.
    let _ = std::io::stdout().write_all(bytes);
    bytes.len()
}

/// Whether all of it is out.
pub(crate) fn console_is_idle() -> bool {
    true
}

/// The name of no board.
pub(crate) const NAME: &str = "host";
/// What stands in for a board.
pub(crate) const TITLE: &str = "this host";

/// The clock's frequency in Hz.
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
