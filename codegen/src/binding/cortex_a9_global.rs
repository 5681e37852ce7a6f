//! The global timer of a Cortex-A9 MPCore (Arm DDI 0407, 4.4).

use super::timer_block::{self, Registers, TimerDriver, timer_block};
use crate::board::{self, Architecture};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::table::table;
use crate::language::{Address, Frequency, Interrupt, Size, hexadecimal};
use crate::machine::device::Device;
use crate::part::claims::{Claimed, Claims, Rule, Wiring};
use crate::part::draft::Machine;
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// The global timer of a Cortex-A9 MPCore.
    pub struct CortexA9Global {
        /// The first address of the timer's registers: the processor's PERIPHBASE plus 0x200.
        base: Address => required,
        /// The size of the timer's registers.
        size: Size => default("0x20"),
        /// The interrupt of the timer's comparator.
        interrupt: Interrupt => required,
        /// The frequency of the counter: that of the processor's PERIPHCLK.
        clock: Frequency => required,
    }
}

/// The grid of the parts in the processor's private memory, and the size of the registers, in bytes
/// (DDI 0407, table 1-3 and table 4-5).
const GRID: u64 = 0x100;
const REGISTERS_SIZE: u64 = 0x20;

/// The alignment of the processor's private memory, the timer's offset in it, and its private
/// interrupt, INTID 27 (DDI 0407, table 1-3 and 3.2.1).
const PRIVATE_MEMORY: u64 = 0x2000;
const OFFSET: u64 = 0x200;
const INTERRUPT: u32 = 11;

/// The driver for the generated code.
const DRIVER: TimerDriver = TimerDriver {
    title: "Cortex-A9 global timer",
    path: "vmos_drivers::timer::cortex_a9_global",
    name: "CortexA9Global",
    registers: REGISTERS,
};

impl Binding for CortexA9Global {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::Arm])
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        let rule = Rule {
            size: REGISTERS_SIZE,
            ..Rule::registers("a Cortex-A9's global timer", GRID, REGISTERS_SIZE)
        };
        timer_block!(self).claim(rule, Wiring::Private, claims);
    }

    fn check(&self, _around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
        if let Some(base) = self.base.get()
            && base.value.0 % GRID == 0
            && base.value.0 % PRIVATE_MEMORY != OFFSET
        {
            let right = hexadecimal(base.value.0 / PRIVATE_MEMORY * PRIVATE_MEMORY + OFFSET);
            let title = format!("`{}` is not that of a global timer", base.path);
            problems.report(
                Diagnostic::new(Code::BadAddress, base.at, title)
                    .label("not 0x200 above a multiple of 8 KiB, which PERIPHBASE is")
                    .note("the private timer is at 0x600 and the watchdog at 0x620 above it")
                    .write(right),
            );
        }
        if let Some(interrupt) = self.interrupt.get()
            && interrupt.value.space.word() == "ppi"
            && interrupt.value.number != INTERRUPT
        {
            let title = format!("`{}` is not that of a global timer", interrupt.path);
            problems.report(
                Diagnostic::new(Code::BadInterrupt, interrupt.at, title)
                    .label("it raises INTID 27")
                    .write(format!("{{ ppi = {INTERRUPT} }}")),
            );
        }
    }

    fn expect(&self, expected: &mut Expected) {
        let model = "arm.cortex-a9-global-timer";
        timer_block!(self).expect(Self::KINDS, model, expected);
    }
}

impl Driver for CortexA9Global {
    const NAME: &'static str = "cortex-a9-global";
    const KINDS: &'static [&'static str] = &["arm,cortex-a9-global-timer"];
    const MODELS: &'static [&'static str] = &["arm.cortex-a9-global-timer"];
    type Resolved = board::Timer;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        timer_block!(self).resolve(&DRIVER, around)
    }

    fn import(machine: &Machine<'_>, device: &Device) -> Option<Section> {
        let name = "timer.cortex-a9-global";
        Some(timer_block::import(name, REGISTERS_SIZE, machine, device))
    }
}

/// The registers for a debugger (DDI 0407, table 4-5).
const REGISTERS: Registers = &[
    ("Counter", 0x00, 8),
    ("Control", 0x08, 4),
    ("Interrupt Status", 0x0C, 4),
    ("Comparator", 0x10, 8),
];
