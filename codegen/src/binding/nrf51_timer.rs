//! The timer of the nRF51 series (nRF51 Series Reference Manual 3.0, chapter 18).

use super::nrf51;
use super::timer_block::{Registers, TimerDriver, timer_block};
use crate::board::{self, Architecture};
use crate::diagnostic::Problems;
use crate::language::table::table;
use crate::language::{Address, Frequency, Interrupt, Size};
use crate::part::claims::{Claimed, Claims, Rule, Wiring};
use crate::part::expect::Expected;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// The timer of the nRF51 series. Of the timers of a chip, only `TIMER0` counts with 32 bits, which
    /// the driver needs.
    pub struct Nrf51Timer {
        /// The first address of the device's registers.
        base: Address => required,
        /// The size of the device's registers.
        size: Size => default("4 KiB"),
        /// The timer's interrupt.
        interrupt: Interrupt => required,
        /// The frequency of HFCLK.
        clock: Frequency => required,
    }
}

/// The driver for the generated code.
const DRIVER: TimerDriver = TimerDriver {
    title: "nRF51 timer",
    path: "vmos_drivers::timer::nrf51_timer",
    name: "Nrf51Timer",
    registers: REGISTERS,
};

impl Binding for Nrf51Timer {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::ArmV6M])
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        let rule = Rule::registers("a timer of the nRF51", 0x1000, 0x1000);
        timer_block!(self).claim(rule, Wiring::Shared, claims);
    }

    fn expect(&self, expected: &mut Expected) {
        timer_block!(self).expect(Self::KINDS, "nrf51_soc.timer", expected);
    }

    fn check(&self, _around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
        nrf51::check(&self.base, &self.interrupt, problems);
    }

    /// Neither a device tree nor QEMU tells the frequency.
    fn choices(&self) -> &'static [&'static str] {
        &["clock"]
    }
}

impl Driver for Nrf51Timer {
    const NAME: &'static str = "nrf51-timer";
    const MODELS: &'static [&'static str] = &["nrf51_soc.timer"];
    type Resolved = board::Timer;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        timer_block!(self).resolve(&DRIVER, around)
    }
}

/// The registers for a debugger (manual, 18.2).
const REGISTERS: Registers = &[
    ("EVENTS_COMPARE1", 0x144, 4),
    ("INTENSET", 0x304, 4),
    ("MODE", 0x504, 4),
    ("BITMODE", 0x508, 4),
    ("PRESCALER", 0x510, 4),
    ("CC0", 0x540, 4),
    ("CC1", 0x544, 4),
];
