//! The app: its start and its end.

use vmos_drivers::error;

use crate::machine;

/// Starts the app's main function as a task.
#[cfg(target_os = "none")]
pub(crate) fn start(kernel: crate::Kernel, spawner: crate::Spawner) {
    unsafe extern "Rust" {
        // Defined by the app's `#[vmos::main]`.
        fn vmos_start_app(kernel: crate::Kernel, spawner: crate::Spawner);
    }
    // SAFETY: the attribute defines it with this signature, once in a program.
    unsafe { vmos_start_app(kernel, spawner) };
}

/// The return type of an app's `main`.
pub trait Outcome {
    /// Logs an error, if there is one, and returns the exit status of the machine.
    fn status(self) -> u8;
}

impl Outcome for () {
    fn status(self) -> u8 {
        0
    }
}

impl Outcome for core::convert::Infallible {
    fn status(self) -> u8 {
        match self {}
    }
}

impl<T: Outcome> Outcome for crate::Result<T> {
    fn status(self) -> u8 {
        match self {
            Ok(outcome) => outcome.status(),
            Err(error) => {
                error!("the app failed: {error}");
                1
            }
        }
    }
}

/// Powers the machine off, after the app's `main` has returned.
pub fn finish(outcome: impl Outcome) -> ! {
    machine::off(outcome.status())
}
