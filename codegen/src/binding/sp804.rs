//! Arm's Dual-Timer Module, SP804 (Arm DDI 0271).

use super::dual_timer::{self, DualTimer};
use crate::board;
use crate::language::table::table;
use crate::language::{Address, Frequency, Interrupt, Size};
use crate::machine::device::Device;
use crate::part::claims::Claims;
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

impl Sp804 {
    fn layout(&self) -> DualTimer<'_> {
        DualTimer {
            place: &self.place,
            base: &self.base,
            size: &self.size,
            interrupt: &self.interrupt,
            clock: &self.clock,
        }
    }
}

impl Binding for Sp804 {
    place!();

    fn claim(&self, claims: &mut Claims<'_>) {
        self.layout().claim("an SP804", claims);
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, Self::KINDS)
            .model("sp804")
            .registers(0, &self.place.path, &self.base, &self.size)
            .interrupt(0, &self.interrupt)
            .clock(&self.clock)
            .hertz("freq0", &self.clock);
    }
}

impl Driver for Sp804 {
    const NAME: &'static str = "sp804";
    const KINDS: &'static [&'static str] = &["arm,sp804"];
    const MODELS: &'static [&'static str] = &["sp804"];
    type Resolved = board::Timer;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        self.layout().resolve("SP804", around)
    }

    fn import(machine: &Machine<'_>, device: &Device) -> Option<Section> {
        Some(dual_timer::import("timer.sp804", machine, device))
    }
}
