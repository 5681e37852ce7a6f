//! Watching that a device answers.
//!
//! Nothing that a device does wrong ends in a wait without end. While it has requests, or had some
//! lately, it is looked at four times a second, which costs nothing in between:
//!
//! * Where it has answered and its interrupt was not delivered, the answers are taken. A device whose
//!   interrupt stays away twice in a row is looked at every 10 ms until an interrupt comes.
//! * After half a second without an answer its status is read and it is kicked again, and once more
//!   after each time twice as long.
//! * After 10 s it is reset: its requests fail, and it is started again.
//!
//! Each is counted; the first of a kind is logged.

use core::mem;

use vmos_drivers::virtio::Pulse;
use vmos_drivers::warn;

use super::Attached;
use crate::devices::recovery::Recoverable;
use crate::time::NEVER;

/// From one look at a device with requests to the next, in nanoseconds.
pub(in crate::devices) const TICK: u64 = 250_000_000;
/// The same for a device whose interrupts do not come.
const POLL: u64 = 10_000_000;
/// From one look to the next at a device whose interrupt may be on its way, in nanoseconds.
const DELIVERY: u64 = 1_000_000;
/// So many such looks are taken. In between the loop serves one interrupt at least, if any is pending,
/// however slow the machine is.
const LOOKS: u8 = 8;
/// After so long without an answer the device is kicked again, in nanoseconds.
const PATIENCE: u64 = 500_000_000;
/// After so long without an answer the device is reset, in nanoseconds.
const LIMIT: u64 = 10_000_000_000;
/// So many interrupts missing in a row mean that none comes.
const DEAF: u8 = 2;

/// A driver whose device can be watched.
pub(in crate::devices) trait Watched: Recoverable {
    /// How far the device has come.
    fn pulse(&mut self) -> Pulse;

    /// Reads the device's status and acknowledges its interrupt.
    fn inspect(&mut self);

    /// Kicks the device though it has not asked for it.
    fn kick(&mut self);

    /// Resets the device; its requests fail.
    fn give_up(&mut self);
}

/// What a device was caught at, counted since boot. Every number only grows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WatchStatistics {
    /// Times the device had answered and no interrupt was delivered. The answers were taken.
    pub lost_interrupts: u32,
    /// Times the device left requests unanswered for half a second or longer and was kicked again.
    pub kicked_again: u32,
    /// Times the device left requests unanswered for 10 s, so that it was reset.
    pub silences: u32,
    /// Times the device failed, whatever the reason.
    pub failures: u32,
    /// Times the device was started again after a failure.
    pub restarts: u32,
}

vmos_drivers::counted!(WatchStatistics {
    lost_interrupts,
    kicked_again,
    silences,
    failures,
    restarts,
});

/// What is logged once.
#[derive(Clone, Copy)]
enum Event {
    LostInterrupt = 1,
    Deaf = 2,
    Silent = 4,
}

impl Event {
    const fn text(self) -> &'static str {
        match self {
            Self::LostInterrupt => "no interrupt came, and the device has answered",
            Self::Deaf => {
                "no interrupt comes: looking every 10 ms; see its place in the board file"
            }
            Self::Silent => "no answer for 500 ms: kicking it again",
        }
    }
}

/// What is remembered from one look at a device to the next.
pub(in crate::devices) struct Watch {
    /// How far it had come.
    pulse: Pulse,
    /// How long its requests have gone without an answer, in nanoseconds.
    silence: u64,
    /// The silence at which it is kicked next.
    next_kick: u64,
    /// At so many looks in a row it had answered without its interrupt having come; a new count begins
    /// only after a look at which that was not so.
    suspicion: u8,
    /// Interrupts missing since the last one that came.
    missing: u8,
    /// Its line, while only an interrupt that the controller tells of counts.
    line: Option<u32>,
    /// The events that were logged.
    told: u8,
    pub(super) statistics: WatchStatistics,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            pulse: Pulse::default(),
            silence: 0,
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
    const fn is_deaf(&self) -> bool {
        self.missing >= DEAF
    }
}

impl Attached {
    /// Looks how the device is doing; `step` nanoseconds have passed since the last look. A device that
    /// `rests` has had nothing to do for long. Returns after how many nanoseconds to look again;
    /// [`NEVER`] where there is nothing to wait for.
    #[cold]
    pub(in crate::devices) fn look(
        &mut self,
        driver: &mut dyn Watched,
        step: u64,
        rests: bool,
    ) -> u64 {
        if driver.failure().is_some() {
            // It is started again, and then has requests that are new.
            self.trust();
            self.watch.pulse = Pulse::default();
            return NEVER;
        }
        let pulse = driver.pulse();
        let before = mem::replace(&mut self.watch.pulse, pulse);
        let suspicion = mem::take(&mut self.watch.suspicion);
        let is_the_same = suspicion == 0 || pulse.taken == before.taken;
        if pulse.has_news && !self.has_work && is_the_same {
            if suspicion < LOOKS && !self.watch.is_deaf() {
                self.watch.suspicion = suspicion + 1;
                // Otherwise its queue would be taken for its interrupt.
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
                self.wait(driver);
            }
            return self.pause();
        }
        if pulse.is_unread || rests {
            // A change of its configuration may have been acknowledged with the rest, and a kick for
            // what it is to fill may have been lost.
            driver.inspect();
            driver.kick();
            self.has_work = true;
        }
        if self.watch.is_deaf() && pulse.listens {
            POLL
        } else {
            NEVER
        }
    }

    /// Has the device looked at often, since no interrupt of it can come.
    #[cold]
    pub(in crate::devices) fn expect_no_interrupt(&mut self) {
        self.watch.missing = DEAF;
        self.watch.line = self.line.take();
        self.tell(Event::Deaf);
    }

    /// An interrupt of the device was delivered.
    #[inline]
    pub(super) fn hear(&mut self) {
        self.watch.missing = 0;
        if self.watch.line.is_some() {
            self.trust();
        }
    }

    /// From here on its queue is taken for its interrupt again.
    #[cold]
    fn trust(&mut self) {
        self.line = self.line.or(self.watch.line.take());
    }

    /// The device has answered and nobody was told: takes what there is.
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

    /// The device has not answered since the last look.
    fn wait(&mut self, driver: &mut dyn Watched) {
        if self.watch.silence >= LIMIT {
            self.watch.silence = 0;
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

    /// From one look at the device to the next while it has requests, in nanoseconds.
    pub(in crate::devices) const fn pause(&self) -> u64 {
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
