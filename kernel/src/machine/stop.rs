//! Powers the machine off or restarts it.

use core::cell::Cell;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, Ordering};

use critical_section::Mutex;
use vmos_drivers::board::{self, Driver};
use vmos_drivers::power::Power as _;

use super::console::{flush, with_console_in_distress};
use super::{Board, Power};
use crate::arch::{self, Processor};

/// A function to call before the machine stops.
type Last = fn();

/// Whether the machine was asked to stop or to restart.
static STOPPING: AtomicBool = AtomicBool::new(false);
/// The function to call before the machine stops.
static AT_END: Mutex<Cell<Option<Last>>> = Mutex::new(Cell::new(None));
/// The number of rounds of an empty loop after which stopping has failed: some tenths of a second.
const UNTIL_STOPPED: u32 = 100_000_000;

/// Calls `last` before the machine stops.
pub(crate) fn call_at_end(last: Last) {
    critical_section::with(|cs| AT_END.borrow(cs).set(Some(last)));
}

/// Stops the machine with the exit status `status`; 0 means success.
pub(crate) fn off(status: u8) -> ! {
    stop_by(|mut power| power.off(status))
}

/// Restarts the machine.
pub(crate) fn reset() -> ! {
    stop_by(|mut power| power.reset())
}

/// Runs `act` with the board's power driver. If that faults, the report of the fault ends here too,
/// and `act` is not run again.
fn stop_by(act: impl FnOnce(Power)) -> ! {
    if let Some(last) = critical_section::with(|cs| AT_END.borrow(cs).take()) {
        last();
    }
    flush();
    // Not `swap`: version 6-M of the Arm architecture has only loads and stores.
    let is_stopping = STOPPING.load(Ordering::Relaxed);
    STOPPING.store(true, Ordering::Relaxed);
    if !is_stopping {
        // SAFETY: the board describes the hardware, and nothing drives it afterwards.
        act(unsafe { <Power as Driver>::new(&<Board as board::Board<Processor>>::POWER) });
        // The machine may continue to run for a moment.
        for round in 0..UNTIL_STOPPED {
            black_box(round);
        }
    }
    with_console_in_distress(&|out| {
        let _ = out.write_str("the machine cannot be powered off: see [power] in the board file\n");
    });
    arch::park()
}
