//! Measures repeatedly how late a timer is.

use core::cell::RefCell;

use embassy_sync::blocking_mutex::Mutex;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use vmos::time::{Duration, Instant, Timer};

/// The number of measurements that the page shows.
pub(crate) const KEPT: usize = 60;
/// The time between two measurements.
const EVERY: Duration = Duration::from_millis(500);

static MEASURED: Mutex<CriticalSectionRawMutex, RefCell<[u32; KEPT]>> =
    Mutex::new(RefCell::new([0; KEPT]));

/// Measures forever: sleeps for the interval, and records how late the task woke.
#[vmos::task]
pub(crate) async fn measure() {
    loop {
        let due = Instant::now() + EVERY;
        Timer::at(due).await;
        let late = due.elapsed().as_micros();
        MEASURED.lock(|kept| {
            let kept = &mut *kept.borrow_mut();
            kept.rotate_left(1);
            kept[KEPT - 1] = u32::try_from(late).unwrap_or(u32::MAX);
        });
    }
}

/// Returns the recorded delays in microseconds, the newest last.
pub(crate) fn measured() -> [u32; KEPT] {
    MEASURED.lock(|kept| *kept.borrow())
}
