//! How late a timer is, measured again and again.

use core::cell::RefCell;

use embassy_sync::blocking_mutex::Mutex;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use vmos::time::{Duration, Instant, Timer};

/// How many measurements are kept.
pub(crate) const KEPT: usize = 60;
/// How often it is measured.
const EVERY: Duration = Duration::from_millis(500);

static MEASURED: Mutex<CriticalSectionRawMutex, RefCell<[u32; KEPT]>> =
    Mutex::new(RefCell::new([0; KEPT]));

/// Measures for ever.
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

/// By how many microseconds it was late, the newest last.
pub(crate) fn measured() -> [u32; KEPT] {
    MEASURED.lock(|kept| *kept.borrow())
}
