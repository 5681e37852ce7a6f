//! The register layout that an SP804 (Arm DDI 0271) and the dual timer of Arm's Cortex-M System Design Kit
//! (Arm DDI 0479, 4.4) have in common: two counters with one interrupt.

use crate::board::{self, Block, Trigger, Value};
use crate::language::{Address, Field, Frequency, Interrupt, Place, Size};
use crate::machine::device::Device;
use crate::notation;
use crate::part::claims::{Claims, Extent, Rule, Wiring};
use crate::part::draft::Machine;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;

/// TIMINTC stays high until it is cleared (DDI 0271, 2.2.5).
const USUAL: Trigger = Trigger::Level;

/// The keys of such a timer.
pub(super) struct DualTimer<'a> {
    pub(super) place: &'a Place,
    pub(super) base: &'a Field<Address>,
    pub(super) size: &'a Field<Size>,
    pub(super) interrupt: &'a Field<Interrupt>,
    pub(super) clock: &'a Field<Frequency>,
}

impl DualTimer<'_> {
    /// Claims the registers and the interrupt; `what` is the device with its article.
    pub(super) fn claim(&self, what: &'static str, claims: &mut Claims<'_>) {
        let rule = Rule::registers(what, 0x1000, 0x1000);
        let size = self.size.get().map(Extent::from);
        claims.range(&self.place.path, self.base, size, rule);
        let key = format!("{}.interrupt", self.place.path);
        claims.interrupts(&key, self.interrupt, Some(1), Wiring::Shared, USUAL);
    }

    /// Returns the timer for the emitters; `title` is the name of the device for readers.
    pub(super) fn resolve(&self, title: &str, around: &Surroundings<'_>) -> Option<board::Timer> {
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
                card: format!("{title}, {}", notation::frequency(clock)),
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::mmio", "Mmio"),
                        ("vmos_drivers::timer::sp804", "self"),
                        ("vmos_drivers::timer::sp804", "Sp804"),
                    ],
                    driver: "Sp804<Mmio>".to_owned(),
                    config_type: "sp804::Config".to_owned(),
                    config: Value::structure("sp804::Config", config),
                    processor: Vec::new(),
                },
                registers: vec![Block::fixed(&self.place.path, registers.base, REGISTERS)],
                entry: Vec::new(),
            },
        })
    }
}

/// Returns the table `name` for a machine that has `device`.
pub(super) fn import(name: &'static str, machine: &Machine<'_>, device: &Device) -> Section {
    let section = machine.registers(Section::new(name), device, 0x1000);
    machine.clock(machine.own_interrupt(section, device), device)
}

/// The registers for a debugger (DDI 0271, 3.2; DDI 0479, 4.4.2).
const REGISTERS: &[(&str, u64, u8)] = &[
    ("Timer1Value", 0x04, 4),
    ("Timer1Control", 0x08, 4),
    ("Timer2Load", 0x20, 4),
    ("Timer2Value", 0x24, 4),
    ("Timer2Control", 0x28, 4),
    ("Timer2RIS", 0x30, 4),
];
