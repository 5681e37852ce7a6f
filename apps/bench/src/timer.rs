//! Measures how late a task wakes from a sleep with a deadline.

use alloc::vec::Vec;

use vmos::time::{Duration, Instant, Timer};
use vmos::{Result, println};

/// The time between deadlines.
const PERIOD: Duration = Duration::from_millis(1);
/// The number of deadlines.
const SLEEPS: usize = 2000;

/// Sleeps until each deadline, and prints by how much they were missed. Deadlines that have already
/// passed are counted too, and the following ones do not move.
pub(crate) async fn measure() -> Result<()> {
    let mut late = Vec::new();
    late.try_reserve_exact(SLEEPS)?;
    let mut deadline = Instant::now();
    for _ in 0..SLEEPS {
        deadline += PERIOD;
        Timer::at(deadline).await;
        late.push(deadline.elapsed().as_nanos());
    }
    late.sort_unstable();
    println!(
        r#"{{"bench":"timer","period_ns":{},"ops":{SLEEPS},"late_p50_ns":{},"late_p99_ns":{},"late_max_ns":{}}}"#,
        PERIOD.as_nanos(),
        late[SLEEPS / 2],
        late[SLEEPS * 99 / 100],
        late[SLEEPS - 1],
    );
    Ok(())
}
