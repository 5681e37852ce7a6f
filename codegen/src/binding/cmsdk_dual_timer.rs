//! The dual timer of Arm's Cortex-M System Design Kit (Arm DDI 0479, 4.4), whose registers are those
//! of an SP804.

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

/// TIMINTC stays high until it is cleared (DDI 0479, 4.4).
const USUAL: board::Trigger = board::Trigger::Level;

impl Binding for CmsdkDualTimer {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[
            Architecture::Aarch64,
            Architecture::Arm,
            Architecture::ArmV7M,
        ])
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        let rule = Rule::registers("a CMSDK dual timer", 0x1000, 0x1000);
        let size = self.size.get().map(Extent::from);
        claims.range(&self.place.path, &self.base, size, rule);
        let key = format!("{}.interrupt", self.place.path);
        claims.interrupts(&key, &self.interrupt, Some(1), Wiring::Shared, USUAL);
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
                card: format!("CMSDK dual timer, {}", notation::frequency(clock)),
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

    fn import(machine: &Machine<'_>, device: &Device) -> Option<Section> {
        let section = Section::new("timer.cmsdk-dual-timer");
        let section = machine.registers(section, device, 0x1000);
        Some(machine.clock(machine.own_interrupt(section, device), device))
    }
}

/// The registers for a debugger (DDI 0479, 4.4.2).
const REGISTERS: &[(&str, u64, u8)] = &[
    ("Timer1Value", 0x04, 4),
    ("Timer1Control", 0x08, 4),
    ("Timer2Load", 0x20, 4),
    ("Timer2Value", 0x24, 4),
    ("Timer2Control", 0x28, 4),
    ("Timer2RIS", 0x30, 4),
];
