//! A task of every simulated kernel that checks its timers: none is early, and none is late while the
//! processor has nothing else to do.

use alloc::format;

use embassy_executor::Spawner;
use embassy_time::{Duration, Instant, Timer};
use vmos_drivers::hosted::simulated::{self, Random};

/// The longest sleep, in nanoseconds, as a power of two: two minutes. Each smaller power is as likely.
const LONGEST: u64 = 37;
/// The shortest one: 65 µs.
const SHORTEST: u64 = 16;
/// How late a task may be, in nanoseconds.
const LATE: u64 = 20_000_000;

/// Starts the task.
pub(super) fn start(spawner: Spawner, seed: u64) {
    if let Ok(task) = probe(seed) {
        spawner.spawn(task);
    }
}

#[embassy_executor::task]
async fn probe(seed: u64) {
    /// The stream of random numbers of this task.
    const STREAM: u64 = 3;
    let mut random = Random::new(seed, STREAM);
    loop {
        let power = random.between(SHORTEST, LONGEST);
        let length = random.between(1 << power, 2 << power);
        let due = Instant::now() + Duration::from_nanos(length);
        Timer::at(due).await;
        let now = Instant::now();
        if now < due {
            let early = (due - now).as_nanos();
            simulated::report_violation(format!("a timer is {early} ns early"));
        } else if (now - due).as_nanos() > LATE {
            let late = (now - due).as_micros();
            simulated::report_violation(format!("a timer is {late} µs late"));
        }
    }
}
