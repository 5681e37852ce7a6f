//! The global timer of a Cortex-A9 MPCore (Arm DDI 0407, 4.4).

use crate::board::{self, Architecture, Block, Value};
use crate::language::table::table;
use crate::language::{Address, Frequency, Interrupt, Size};
use crate::machine::device::Device;
use crate::notation;
use crate::part::claims::{Claims, Extent, Rule, Wiring};
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

/// The output stays high until the event flag is cleared (DDI 0407, 4.4.4).
const USUAL: board::Trigger = board::Trigger::Level;

/// The grid of the parts in the processor's private memory, and the size of the registers, in bytes
/// (DDI 0407, table 1-3 and table 4-5).
const GRID: u64 = 0x100;
const REGISTERS_SIZE: u64 = 0x20;

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
        let size = self.size.get().map(Extent::from);
        claims.range(&self.place.path, &self.base, size, rule);
        let key = format!("{}.interrupt", self.place.path);
        claims.interrupts(&key, &self.interrupt, Some(1), Wiring::Private, USUAL);
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, Self::KINDS)
            .model("arm.cortex-a9-global-timer")
            .registers(0, &self.place.path, &self.base, &self.size)
            .interrupt(0, &self.interrupt)
            .clock(&self.clock);
    }
}

impl Driver for CortexA9Global {
    const NAME: &'static str = "cortex-a9-global";
    const KINDS: &'static [&'static str] = &["arm,cortex-a9-global-timer"];
    const MODELS: &'static [&'static str] = &["arm.cortex-a9-global-timer"];
    type Resolved = board::Timer;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let registers = board::Range {
            base: self.base.value()?.0,
            size: self.size.value()?.0,
        };
        let clock = self.clock.value()?.0;
        let config = vec![
            ("registers", Value::Range(registers)),
            ("clock", Value::Decimal(clock)),
        ];
        Some(board::Timer {
            interrupt: Value::Interrupt(around.number(*self.interrupt.value()?, 1, USUAL)?),
            part: board::Part {
                key: self.place.path.clone(),
                card: format!("Cortex-A9 global timer, {}", notation::frequency(clock)),
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::mmio", "Mmio"),
                        ("vmos_drivers::timer::cortex_a9_global", "self"),
                        ("vmos_drivers::timer::cortex_a9_global", "CortexA9Global"),
                    ],
                    driver: "CortexA9Global<Mmio>".to_owned(),
                    config_type: "cortex_a9_global::Config".to_owned(),
                    config: Value::structure("cortex_a9_global::Config", config),
                    processor: Vec::new(),
                },
                registers: vec![Block::fixed(&self.place.path, registers.base, REGISTERS)],
                entry: Vec::new(),
            },
        })
    }

    fn import(machine: &Machine<'_>, device: &Device) -> Option<Section> {
        let section = Section::new("timer.cortex-a9-global");
        let section = machine.registers(section, device, REGISTERS_SIZE);
        Some(machine.clock(machine.own_interrupt(section, device), device))
    }
}

/// The registers for a debugger (DDI 0407, table 4-5).
const REGISTERS: &[(&str, u64, u8)] = &[
    ("Counter", 0x00, 8),
    ("Control", 0x08, 4),
    ("Interrupt Status", 0x0C, 4),
    ("Comparator", 0x10, 8),
];
