//! The dual timer of Arm's Cortex-M System Design Kit (Arm DDI 0479, 4.4), whose registers are those
//! of an SP804.

use super::dual_timer::{self, DualTimer};
use crate::board::{self, Architecture};
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

impl CmsdkDualTimer {
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
        self.layout().claim("a CMSDK dual timer", claims);
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, Self::KINDS)
            .model("cmsdk-apb-dualtimer")
            .registers(0, &self.place.path, &self.base, &self.size)
            .interrupt(0, &self.interrupt)
            .clock(&self.clock)
            .hertz("TIMCLK", &self.clock);
    }
}

impl Driver for CmsdkDualTimer {
    const NAME: &'static str = "cmsdk-dual-timer";
    const KINDS: &'static [&'static str] = &["arm,cmsdk-dtimer"];
    const MODELS: &'static [&'static str] = &["cmsdk-apb-dualtimer"];
    type Resolved = board::Timer;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        self.layout().resolve("CMSDK dual timer", around)
    }

    fn import(machine: &Machine<'_>, device: &Device) -> Option<Section> {
        Some(dual_timer::import(
            "timer.cmsdk-dual-timer",
            machine,
            device,
        ))
    }
}
