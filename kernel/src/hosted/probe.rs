//! A task of every simulated kernel that checks its timers: none is early, and none is late although
//! the processor has nothing else to do. It also checks that the kernel finds no fault of a device while
//! none fails: an interrupt that the kernel loses itself, for example, is found late by its watch, and
//! would not be noticed otherwise.

use alloc::borrow::ToOwned;
use alloc::format;

use embassy_executor::Spawner;
use embassy_time::{Duration, Instant, Timer};
use vmos_drivers::counts::Counts as _;
use vmos_drivers::hosted::simulated::{self, Random};

use crate::kernel::Kernel;

/// The longest sleep, in nanoseconds, as a power of two: two minutes. Each smaller power is as likely.
const LONGEST: u64 = 37;
/// The shortest one: 65 µs.
const SHORTEST: u64 = 16;
/// How late a task may be, in nanoseconds.
const LATE: u64 = 20_000_000;

/// The shortest sleep after which the devices are checked, in nanoseconds: shorter ones are too often.
const CHECKED: u64 = 1_000_000_000;
/// How long after the last fault the kernel may still find what it left behind, in nanoseconds.
const SETTLED: u64 = 150_000_000_000;

/// Starts the task.
pub(super) fn start(kernel: Kernel, spawner: Spawner, seed: u64) {
    if let Ok(task) = probe(kernel, seed) {
        spawner.spawn(task);
    }
}

#[embassy_executor::task]
async fn probe(kernel: Kernel, seed: u64) {
    /// The stream of random numbers of this task.
    const STREAM: u64 = 3;
    let mut random = Random::new(seed, STREAM);
    // The number of faults that were found up to the last check, if devices worked then.
    let mut before = simulated::has_worked_for(SETTLED).then_some(0);
    loop {
        let power = random.between(SHORTEST, LONGEST);
        let length = random.between(1 << power, 2 << power);
        // The world's time, in case that the kernel's clock is wrong.
        let begun = simulated::since_1970();
        let due = Instant::now() + Duration::from_nanos(length);
        Timer::at(due).await;
        let now = Instant::now();
        if now < due {
            let early = (due - now).as_nanos();
            simulated::report_violation(format!("a timer is {early} ns early"));
        } else if let Some((begun, ended)) = begun.zip(simulated::since_1970())
            && (ended - begun).as_nanos() < length.into()
        {
            simulated::report_violation("a timer is early because the clock is fast".to_owned());
        } else if (now - due).as_nanos() > LATE {
            let late = (now - due).as_micros();
            simulated::report_violation(format!("a timer is {late} µs late"));
        }
        if length >= CHECKED {
            let found = faults(kernel).await;
            let has_settled = simulated::has_worked_for(SETTLED);
            if let Some(before) = before.filter(|before| has_settled && *before < found) {
                let more = found - before;
                let text = format!("the kernel found {more} faults of devices although none fails");
                simulated::report_violation(text);
            }
            before = has_settled.then_some(found);
        }
    }
}

/// Returns the number of faults of devices that the kernel has found.
async fn faults(kernel: Kernel) -> u64 {
    let mut sum = 0;
    for device in kernel.statistics().await.devices {
        device.watch.each(&mut |_, count| sum += count);
    }
    sum
}
