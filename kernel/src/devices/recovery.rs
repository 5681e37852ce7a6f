//! Restarts a device that violated the protocol or asked for a reset.
//!
//! The first attempt follows after a short delay, since a reset repairs most failures. Before each
//! further attempt, the delay doubles, so a permanently broken device costs almost nothing. After a
//! device has worked for a while, the delay starts again from its first value.

use core::cell::Cell;
use core::fmt::Display;

use vmos_drivers::watched::Watched;
use vmos_drivers::{error, info};

/// The delay from a failure to the first attempt, in nanoseconds.
const FIRST_DELAY: u64 = 10_000_000;
/// The longest delay between two attempts, in nanoseconds.
const LONGEST_DELAY: u64 = 60_000_000_000;
/// The time without a failure after which the delay starts from its first value again, in
/// nanoseconds.
const TRUSTED_AFTER: u64 = 60_000_000_000;

/// The recovery state of one device.
#[derive(Default)]
pub(super) struct Recovery {
    /// When the next attempt is due; `None` if the device works.
    due: Cell<Option<u64>>,
    /// The next delay; 0 before the first failure.
    delay: Cell<u64>,
    /// When the device was last restarted.
    since: Cell<u64>,
}

impl Recovery {
    /// Returns whether the device failed and waits to be restarted.
    pub(super) const fn is_pending(&self) -> bool {
        self.due.get().is_some()
    }

    /// Handles a failed device: schedules an attempt, or makes the attempt that is due. Returns
    /// when to call this again, or `None` if the device works.
    #[cold]
    pub(super) fn attempt(
        &self,
        driver: &mut dyn Watched,
        place: &dyn Display,
        now: u64,
    ) -> Option<u64> {
        let Some(due) = self.due.get() else {
            if now.saturating_sub(self.since.get()) >= TRUSTED_AFTER {
                self.delay.set(0);
            }
            let delay = self.wait(now);
            if let Some(failure) = driver.failure() {
                error!(
                    "{place}: {failure}; restarting it in {} ms",
                    delay / 1_000_000
                );
            }
            return self.due.get();
        };
        if now < due {
            return Some(due);
        }
        match driver.reinitialize() {
            Ok(()) => {
                info!("{place}: works again");
                self.due.set(None);
                self.since.set(now);
            }
            Err(problem) => {
                let delay = self.wait(now);
                error!(
                    "{place}: {problem}; trying again in {} ms",
                    delay / 1_000_000
                );
            }
        }
        self.due.get()
    }

    /// Schedules the next attempt, and returns the time until then.
    fn wait(&self, now: u64) -> u64 {
        let delay = self.delay.get().clamp(FIRST_DELAY, LONGEST_DELAY);
        self.delay.set(delay * 2);
        self.due.set(Some(now.saturating_add(delay)));
        delay
    }
}

#[cfg(test)]
mod tests {
    use vmos_drivers::virtio::transport::Routing;
    use vmos_drivers::virtio::{Failure, Pulse, SetupError};

    use super::*;

    const MS: u64 = 1_000_000;

    struct Device {
        fails: bool,
        mends: bool,
        attempts: u32,
    }

    impl Device {
        fn broken(mends: bool) -> Self {
            Self {
                fails: true,
                mends,
                attempts: 0,
            }
        }
    }

    impl Watched for Device {
        fn routing(&self) -> Routing {
            Routing::Line
        }

        fn configuration_changed(&mut self) {}

        fn pulse(&mut self) -> Pulse {
            Pulse::default()
        }

        fn inspect(&mut self) {}

        fn give_up(&mut self) {}

        fn failure(&self) -> Option<Failure> {
            self.fails.then_some(Failure::NeedsReset)
        }

        fn reinitialize(&mut self) -> Result<(), SetupError> {
            self.attempts += 1;
            if self.mends {
                self.fails = false;
                return Ok(());
            }
            Err(SetupError::ResetTimeout)
        }
    }

    #[test]
    fn a_failed_device_is_restarted_after_the_first_delay() {
        let (recovery, mut device) = (Recovery::default(), Device::broken(true));
        assert_eq!(recovery.attempt(&mut device, &"a", 5), Some(5 + 10 * MS));
        assert_eq!(
            recovery.attempt(&mut device, &"a", 10 * MS),
            Some(5 + 10 * MS)
        );
        assert_eq!(device.attempts, 0);
        assert_eq!(recovery.attempt(&mut device, &"a", 5 + 10 * MS), None);
        assert_eq!((device.attempts, device.fails), (1, false));
    }

    #[test]
    fn each_attempt_waits_twice_as_long_up_to_a_minute() {
        let (recovery, mut device) = (Recovery::default(), Device::broken(false));
        let mut now = 0;
        let mut delays = [0; 16];
        for delay in &mut delays {
            let due = recovery
                .attempt(&mut device, &"a", now)
                .expect("a deadline");
            *delay = (due - now) / MS;
            now = due;
        }
        assert_eq!(delays[..4], [10, 20, 40, 80]);
        assert_eq!(delays[15], 60_000);
    }

    #[test]
    fn a_minute_without_a_failure_restores_the_first_delay() {
        let (recovery, mut device) = (Recovery::default(), Device::broken(true));
        let fail = |device: &mut Device, now| {
            device.fails = true;
            let due = recovery.attempt(device, &"a", now).expect("a deadline");
            assert_eq!(recovery.attempt(device, &"a", due), None);
            (due, due - now)
        };
        let (mended, first) = fail(&mut device, 0);
        let (mended, second) = fail(&mut device, mended + 1000 * MS);
        let (_, third) = fail(&mut device, mended + 60_000 * MS);
        assert_eq!((first, second, third), (10 * MS, 20 * MS, 10 * MS));
    }
}
