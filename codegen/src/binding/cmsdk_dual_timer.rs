//! The dual timer of Arm's Cortex-M System Design Kit (Arm DDI 0479, 4.4), whose registers are those
//! of an SP804.

use super::timer_block::{self, DUAL_TIMER, TimerDriver, timer_block};
use crate::board::{self, Architecture};
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
    /// The dual timer of Arm's Cortex-M System Design Kit: one counter is the clock, the other one
    /// raises the interrupt.
    pub struct CmsdkDualTimer {
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
    title: "CMSDK dual timer",
    path: "vmos_drivers::timer::sp804",
    name: "Sp804",
    registers: DUAL_TIMER,
};

impl Binding for CmsdkDualTimer {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[
            Architecture::Aarch64,
            Architecture::Arm,
            Architecture::ArmV6M,
            Architecture::ArmV7M,
            Architecture::ArmV8M,
        ])
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        let rule = Rule::registers("a CMSDK dual timer", REGISTERS_SIZE, REGISTERS_SIZE);
        timer_block!(self).claim(rule, Wiring::Shared, claims);
    }

    fn expect(&self, expected: &mut Expected) {
        timer_block!(self)
            .expect(Self::KINDS, "cmsdk-apb-dualtimer", expected)
            .hertz("TIMCLK", &self.clock);
    }
}

impl Driver for CmsdkDualTimer {
    const NAME: &'static str = "cmsdk-dual-timer";
    const KINDS: &'static [&'static str] = &["arm,cmsdk-dtimer"];
    const MODELS: &'static [&'static str] = &["cmsdk-apb-dualtimer"];
    type Resolved = board::Timer;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        timer_block!(self).resolve(&DRIVER, around)
    }

    fn import(machine: &Machine<'_>, device: &Device) -> Option<Section> {
        let name = "timer.cmsdk-dual-timer";
        Some(timer_block::import(name, REGISTERS_SIZE, machine, device))
    }
}
