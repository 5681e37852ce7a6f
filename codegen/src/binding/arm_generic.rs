//! The generic timer of Arm processors (Arm ARM DDI 0487, D12).

use super::{Binding, Driver, place};
use crate::board::{self, Architecture, Counter};
use crate::check::claims::{Claims, Wiring};
use crate::description::scalar::choices;
use crate::description::table::table;
use crate::description::{Description, Frequency, Interrupt};
use crate::machine::expect::Expected;

table! {
    /// The generic timer of Arm processors.
    pub struct ArmGeneric {
        /// The counter and timer to use.
        counter: Counter => default("virtual"),
        /// The timer's interrupt.
        interrupt: Interrupt => required,
        /// The counter's frequency. Without it, the kernel reads it from CNTFRQ, which firmware has set.
        frequency: Frequency => optional,
    }
}

choices! { Counter {
    Virtual = "virtual": "CNTVCT and CNTV, which every exception level can use",
    Physical = "physical": "CNTPCT and CNTP",
} }

impl Binding for ArmGeneric {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::Aarch64, Architecture::Arm])
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        let key = format!("{}.interrupt", self.place.path);
        claims.interrupts(&key, &self.interrupt, Some(1), Wiring::Private, USUAL);
    }

    fn expect(&self, expected: &mut Expected) {
        if let Some(counter) = self.counter.value() {
            expected
                .part(&self.place, &["arm,armv8-timer", "arm,armv7-timer"])
                .interrupt(nth(*counter), &self.interrupt)
                .timebase(&self.frequency);
        }
    }
}

/// Where the interrupts of the two timers stand in the node of the device tree (Linux,
/// Documentation/devicetree/bindings/timer/arm,arch_timer.yaml).
fn nth(counter: Counter) -> usize {
    match counter {
        Counter::Physical => 1,
        Counter::Virtual => 2,
    }
}

/// The timer's output is level-sensitive (DDI 0487, D12.2.4).
const USUAL: board::Trigger = board::Trigger::Level;

impl Driver for ArmGeneric {
    const NAME: &'static str = "arm-generic";
    type Resolved = board::Timer;

    fn resolve(&self, description: &Description) -> Option<Self::Resolved> {
        Some(board::Timer::ArmGeneric {
            counter: *self.counter.value()?,
            interrupt: description.number(*self.interrupt.value()?, 1, USUAL)?,
            frequency: self
                .frequency
                .optional()?
                .map(|frequency| frequency.value.0),
        })
    }
}
