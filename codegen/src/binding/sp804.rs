//! Arm's Dual-Timer Module, SP804 (Arm DDI 0271).

use super::timer_block::{self, DUAL_TIMER, TimerDriver, timer_block};
use crate::board;
use crate::language::table::table;
use crate::language::{Address, Frequency, Interrupt, Size};
use crate::machine::device::Device;
use crate::part::claims::{Claims, Rule, Wiring};
use crate::part::draft::Machine;
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// Arm's Dual-Timer Module, SP804: one counter is the clock, the other one raises the interrupt.
    pub struct Sp804 {
        /// The first address of the device's registers.
        base: Address => required,
        /// The size of the device's registers.
        size: Size => default("4 KiB"),
        /// The timer's combined interrupt.
        interrupt: Interrupt => required,
        /// The frequency of both counters: that of TIMCLK, with its clock enables.
        clock: Frequency => required,
    }
}

/// The size of the registers, in bytes.
const REGISTERS_SIZE: u64 = 0x1000;

/// The driver for the generated code.
const DRIVER: TimerDriver = TimerDriver {
    title: "SP804",
    path: "vmos_drivers::timer::sp804",
    name: "Sp804",
    registers: DUAL_TIMER,
};

impl Binding for Sp804 {
    place!();

    fn claim(&self, claims: &mut Claims<'_>) {
        let rule = Rule::registers("an SP804", REGISTERS_SIZE, REGISTERS_SIZE);
        timer_block!(self).claim(rule, Wiring::Shared, claims);
    }

    fn expect(&self, expected: &mut Expected) {
        timer_block!(self)
            .expect(Self::KINDS, "sp804", expected)
            .hertz("freq0", &self.clock);
    }
}

impl Driver for Sp804 {
    const NAME: &'static str = "sp804";
    const KINDS: &'static [&'static str] = &["arm,sp804"];
    const MODELS: &'static [&'static str] = &["sp804"];
    type Resolved = board::Timer;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        timer_block!(self).resolve(&DRIVER, around)
    }

    fn import(machine: &Machine<'_>, device: &Device) -> Option<Section> {
        let name = "timer.sp804";
        Some(timer_block::import(name, REGISTERS_SIZE, machine, device))
    }
}
