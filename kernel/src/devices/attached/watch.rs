//! Detects devices that stop responding.
//!
//! No fault of a device makes the kernel wait forever. While a device has requests, or had some
//! recently, the kernel checks it four times a second:
//!
//! * If the device has responded but its interrupt was not delivered, the kernel processes the
//!   responses. If that happens twice in a row, the device is checked every 10 ms until an
//!   interrupt arrives, and the status of a device that may send by itself is read four times a second.
//!   The same is done from the start if firmware says that an interrupt is another one than in the
//!   board file.
//! * After half a second without a response, the kernel reads the device's status and notifies it
//!   again. It repeats this, doubling the time in between.
//! * If one request stays the oldest without a response for 10 s, whether others have one or not,
//!   the kernel resets and restarts the device; its requests fail.
//!
//! A device that may send by itself is also checked when it has no requests, at growing intervals
//! (`drivers::rest`): that of a network, a console, a socket device or a memory balloon.
//!
//! Each event is counted. The first of each kind is logged.

use core::mem;

use vmos_drivers::virtio::Pulse;
use vmos_drivers::warn;
use vmos_drivers::watched::Watched;

use super::Attached;
use crate::devices::Delivery;
use crate::time::NEVER;

/// The time between two checks of a device with requests, in nanoseconds.
pub(in crate::devices) const TICK: u64 = 250_000_000;
/// The time between two checks of a device whose interrupts do not arrive, in nanoseconds.
const POLL: u64 = 10_000_000;
/// The time between two checks of a device whose interrupt may be on its way, in nanoseconds.
const DELIVERY: u64 = 1_000_000;
/// The number of checks while an interrupt may be on its way. Between two of them, the loop serves
/// at least one pending interrupt, even on a slow machine.
const LOOKS: u8 = 8;
/// The time without a response after which the device is notified again, in nanoseconds.
const PATIENCE: u64 = 500_000_000;
/// The time for which one request may be the oldest without a response before the device is reset, in
/// nanoseconds.
const LIMIT: u64 = 10_000_000_000;
/// The number of consecutive missing interrupts after which the device is polled.
const DEAF: u8 = 2;

/// The faults of a device that the kernel detected, counted since boot. Counts only increase.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WatchStatistics {
    /// Responses whose interrupt was not delivered. The responses were processed. A device that is polled
    /// has up to a hundred a second.
    pub lost_interrupts: u64,
    /// Notifications repeated because requests were left without a response for half a second or
    /// longer.
    pub kicked_again: u32,
    /// Resets because a request was the oldest without a response for 10 s.
    pub silences: u32,
    /// Failures of the device, for any reason.
    pub failures: u32,
    /// Restarts after a failure.
    pub restarts: u32,
}

vmos_drivers::counted!(WatchStatistics {
    lost_interrupts,
    kicked_again,
    silences,
    failures,
    restarts,
});

/// An event that is logged once.
#[derive(Clone, Copy)]
enum Event {
    LostInterrupt = 1,
    Deaf = 2,
    Silent = 4,
}

impl Event {
    const fn text(self) -> &'static str {
        match self {
            Self::LostInterrupt => "the device responded without an interrupt",
            Self::Deaf => {
                "no interrupts arrive: polling every 10 ms; see its interrupt in the board file"
            }
            Self::Silent => "no response for 500 ms: notifying it again",
        }
    }
}

/// The state of the checks of one device.
pub(in crate::devices) struct Watch {
    /// The device's progress at the last check.
    pulse: Pulse,
    /// How long the device's requests have had no response, in nanoseconds; without requests, how long
    /// the status of a device that is polled was not read.
    silence: u64,
    /// How long the oldest request has been the oldest, in nanoseconds.
    age: u64,
    /// The value of `silence` at which the device is notified next.
    next_kick: u64,
    /// The number of consecutive checks at which the device had responded without an interrupt. The
    /// first such check after a normal one is not counted.
    suspicion: u8,
    /// The number of missing interrupts since the last one that arrived.
    missing: u8,
    /// The device's line, while only an interrupt reported by the controller counts.
    line: Option<u32>,
    /// The events logged so far, one bit each.
    told: u8,
    pub(super) statistics: WatchStatistics,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            pulse: Pulse::default(),
            silence: 0,
            age: 0,
            next_kick: PATIENCE,
            suspicion: 0,
            missing: 0,
            line: None,
            told: 0,
            statistics: WatchStatistics::default(),
        }
    }
}

impl Watch {
    /// Whether the device is polled.
    const fn is_deaf(&self) -> bool {
        self.missing >= DEAF
    }

    /// Whether the device is polled because interrupts were missing, and not only doubted.
    const fn is_known_deaf(&self) -> bool {
        self.is_deaf() && self.told & Event::Deaf as u8 != 0
    }
}

impl Attached {
    /// Checks the device; `step` nanoseconds have passed since the last check. `rests` means that
    /// the device has had no requests for some time. Returns the time until the next check in
    /// nanoseconds; [`NEVER`] if no check is needed.
    #[cold]
    pub(in crate::devices) fn look(
        &mut self,
        driver: &mut dyn Watched,
        step: u64,
        rests: bool,
    ) -> u64 {
        if driver.failure().is_some() {
            // The device is restarted and then has new requests. If it is polled, that ends when the
            // controller reports its interrupt.
            if !self.watch.is_deaf() {
                self.trust();
            }
            self.watch.pulse = Pulse::default();
            return NEVER;
        }
        let pulse = driver.pulse();
        let before = mem::replace(&mut self.watch.pulse, pulse);
        let is_waiting = before.in_flight > 0 && pulse.in_flight > 0;
        if is_waiting && pulse.oldest == before.oldest {
            self.watch.age += step;
        } else {
            self.watch.age = 0;
        }
        let suspicion = mem::take(&mut self.watch.suspicion);
        let is_the_same = suspicion == 0 || pulse.taken == before.taken;
        if pulse.has_news && !self.has_work && is_the_same {
            if suspicion < LOOKS && !self.watch.is_known_deaf() {
                self.watch.suspicion = suspicion + 1;
                // Otherwise, work found in its queue would count as its interrupt.
                self.watch.line = self.watch.line.or(self.line.take());
                return DELIVERY;
            }
            self.find(driver);
            return self.pause();
        }
        if !self.watch.is_deaf() {
            self.trust();
        }
        if pulse.in_flight > 0 {
            if before.in_flight == 0 || pulse.answered != before.answered {
                self.watch.silence = 0;
                self.watch.next_kick = PATIENCE;
            } else {
                self.watch.silence += step;
            }
            self.wait(driver);
            return self.pause();
        }
        if pulse.is_unread || rests {
            // Reading the status may have acknowledged a configuration change too, and the
            // notification for its receive buffers may have been lost.
            driver.inspect();
            driver.kick();
            self.has_work = true;
            if rests && driver.probe() {
                return TICK;
            }
        }
        if !self.watch.is_deaf() || !pulse.listens {
            return NEVER;
        }
        // A change outside its queues, such as that of a link, is not announced either.
        self.watch.silence += step;
        if self.watch.silence >= TICK {
            self.watch.silence = 0;
            driver.inspect();
            self.has_work = true;
        }
        POLL
    }

    /// Switches to polling, because the device cannot raise interrupts.
    #[cold]
    pub(in crate::devices) fn expect_no_interrupt(&mut self) {
        self.was_restarted = false;
        self.poll();
        self.tell(Event::Deaf);
    }

    /// Switches to polling if the device raises interrupts on a line, which may be another one. The
    /// log says so only once a response without an interrupt was found.
    #[cold]
    pub(in crate::devices) fn doubt_line(&mut self) {
        if matches!(self.delivery, Some(Delivery::Line(_))) {
            self.poll();
        }
    }

    /// Polls the device until an interrupt arrives.
    #[cold]
    #[inline(never)]
    fn poll(&mut self) {
        self.watch.missing = DEAF;
        self.watch.line = self.watch.line.or(self.line.take());
    }

    /// Records an interrupt from the device.
    #[inline]
    pub(super) fn hear(&mut self) {
        self.watch.missing = 0;
        if self.watch.line.is_some() {
            self.trust();
        }
    }

    /// Ends polling: work found in the queue counts as an interrupt again.
    #[cold]
    fn trust(&mut self) {
        self.line = self.line.or(self.watch.line.take());
    }

    /// Handles a device that has responded without an interrupt: processes the responses.
    fn find(&mut self, driver: &mut dyn Watched) {
        self.watch.missing = self.watch.missing.saturating_add(1);
        self.watch.statistics.lost_interrupts += 1;
        if self.watch.is_deaf() {
            self.tell(Event::Deaf);
        } else {
            self.tell(Event::LostInterrupt);
            self.trust();
        }
        driver.inspect();
        self.has_work = true;
    }

    /// Handles a device that has requests without a response.
    fn wait(&mut self, driver: &mut dyn Watched) {
        if self.watch.age >= LIMIT {
            self.watch.age = 0;
            self.watch.statistics.silences += 1;
            driver.give_up();
        } else if self.watch.silence >= self.watch.next_kick {
            self.watch.next_kick *= 2;
            self.watch.statistics.kicked_again += 1;
            self.tell(Event::Silent);
            driver.inspect();
            driver.kick();
        } else {
            return;
        }
        self.has_work = true;
    }

    /// Returns the time until the first check after a turn, in nanoseconds; [`NEVER`] if the device was
    /// `found_idle` in this turn and has had no request since.
    pub(in crate::devices) fn first_look(&self, driver: &mut dyn Watched, found_idle: bool) -> u64 {
        if found_idle && (driver.failure().is_some() || driver.pulse().in_flight == 0) {
            return NEVER;
        }
        self.pause()
    }

    /// Returns the time between two checks while the device has requests, in nanoseconds.
    const fn pause(&self) -> u64 {
        if self.watch.is_deaf() { POLL } else { TICK }
    }

    fn tell(&mut self, event: Event) {
        let bit = event as u8;
        if self.watch.told & bit == 0 {
            self.watch.told |= bit;
            warn!("{self}: {}", event.text());
        }
    }
}

#[cfg(test)]
mod tests;
