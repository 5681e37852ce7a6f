//! The UART of Arm's Cortex-M System Design Kit (Arm DDI 0479, 4.5).

use super::uart;
use crate::board::{self, Architecture, Block, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::table::table;
use crate::language::{Address, Frequency, Interrupt, Number, Size};
use crate::machine::device::Device;
use crate::part::claims::{Claimed, Claims, Rule, Wiring};
use crate::part::draft::Machine;
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// The UART of Arm's Cortex-M System Design Kit.
    pub struct CmsdkUart {
        /// The first address of the device's registers.
        base: Address => required,
        /// The size of the device's registers.
        size: Size => default("4 KiB"),
        /// The interrupt of the receiver. Without it, the kernel reads no input.
        receive: Interrupt => optional,
        /// The interrupt of the transmitter. Without it, the kernel polls for output space.
        transmit: Interrupt => optional,
        /// The frequency of PCLK.
        clock: Frequency => required,
        /// The baud rate to set.
        baud: Number<1, 4_000_000> => required,
    }
}

/// RXINT and TXINT stay high until they are cleared (DDI 0479, 4.5.2).
const USUAL: board::Trigger = board::Trigger::Level;

/// The smallest divisor (DDI 0479, 4.5.2): BAUDDIV has 20 bits.
const LEAST_DIVISOR: u64 = 16;
const LARGEST_DIVISOR: u64 = 0xF_FFFF;

impl Binding for CmsdkUart {
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
        let rule = Rule::registers("a CMSDK UART", 0x1000, 0x1000);
        claims.device(&self.place, &self.base, &self.size, rule);
        for (name, interrupt) in [("receive", &self.receive), ("transmit", &self.transmit)] {
            let key = format!("{}.{name}", self.place.path);
            claims.interrupts(&key, interrupt, Some(1), Wiring::Shared, USUAL);
        }
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, Self::KINDS)
            .model("cmsdk-apb-uart")
            .registers(0, &self.place.path, &self.base, &self.size)
            .interrupt(0, &self.receive)
            .interrupt(1, &self.transmit)
            .clock(&self.clock)
            .hertz("pclk-frq", &self.clock);
    }

    fn choices(&self) -> &'static [&'static str] {
        &["baud"]
    }

    fn check(&self, _around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
        let (Some(clock), Some(baud)) = (self.clock.get(), self.baud.get()) else {
            return;
        };
        let divisor = clock.value.0 / u64::from(baud.value.0);
        if !(LEAST_DIVISOR..=LARGEST_DIVISOR).contains(&divisor) {
            let title = format!("{} baud is not possible with this clock", baud.value.0);
            problems.report(
                Diagnostic::new(Code::BadBaud, baud.at, title)
                    .label(format!(
                        "the divisor would be {divisor}, outside the range {LEAST_DIVISOR} to \
                         {LARGEST_DIVISOR}"
                    ))
                    .also(clock.at, format!("{} Hz", clock.value.0)),
            );
        }
    }
}

impl Driver for CmsdkUart {
    const NAME: &'static str = "cmsdk-uart";
    const KINDS: &'static [&'static str] = &["arm,cmsdk-uart"];
    const MODELS: &'static [&'static str] = &["cmsdk-apb-uart"];
    type Resolved = board::Console;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let registers = board::Range {
            base: self.base.value()?.0,
            size: self.size.value()?.0,
        };
        let clock = self.clock.value()?.0;
        let baud = self.baud.value()?.0;
        let config = vec![
            ("registers", Value::Range(registers)),
            ("clock", Value::Decimal(clock)),
            ("baud", Value::Decimal(baud.into())),
        ];
        Some(board::Console {
            interrupt: around.optional_number(&self.receive, USUAL)?,
            transmit: around.optional_number(&self.transmit, USUAL)?,
            part: board::Part {
                key: self.place.path.clone(),
                card: format!("CMSDK UART, {}", uart::line(clock, Some(baud))),
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::console::cmsdk_uart", "self"),
                        ("vmos_drivers::console::cmsdk_uart", "CmsdkUart"),
                        ("vmos_drivers::mmio", "Mmio"),
                    ],
                    driver: "CmsdkUart<Mmio>".to_owned(),
                    config_type: "cmsdk_uart::Config".to_owned(),
                    config: Value::structure("cmsdk_uart::Config", config),
                    processor: Vec::new(),
                },
                registers: vec![Block::fixed(&self.place.path, registers.base, REGISTERS)],
                entry: Vec::new(),
            },
        })
    }

    fn import(machine: &Machine<'_>, device: &Device) -> Option<Section> {
        let section = Section::new("console.cmsdk-uart");
        let section = machine.registers(section, device, 0x1000);
        Some(machine.clock(section, device).line("baud", 115_200))
    }
}

/// The registers for a debugger (DDI 0479, 4.5.2), without DATA, because reading it removes a
/// received byte.
const REGISTERS: &[(&str, u64, u8)] = &[
    ("STATE", 0x04, 4),
    ("CTRL", 0x08, 4),
    ("INTSTATUS", 0x0C, 4),
    ("BAUDDIV", 0x10, 4),
];
