//! Measures how late a task wakes from a sleep with a deadline.

use alloc::vec::Vec;

use vmos::time::{Duration, Instant, Timer};
use vmos::{Result, println};

/// The time between two deadlines of the benchmark.
const PERIOD: Duration = Duration::from_millis(1);
/// The number of deadlines that the benchmark waits for.
const SLEEPS: usize = 2000;

/// Sleeps until each deadline, and prints how late each wake-up was. A deadline that has already
/// passed counts as late; the deadlines after it do not move.
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
