//! The Arm PrimeCell PL011 UART (Arm DDI 0183).

use super::uart;
use crate::board;
use crate::board::{Block, Value};
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
    /// The Arm PrimeCell PL011 UART.
    pub struct Pl011 {
        /// The first address of the device's registers.
        base: Address => required,
        /// The size of the device's registers.
        size: Size => default("4 KiB"),
        /// The UART's combined interrupt. Without it, the kernel polls for output space and reads
        /// no input.
        interrupt: Interrupt => optional,
        /// The frequency of UARTCLK.
        clock: Frequency => required,
        /// The baud rate to set. Without it, firmware's setting is kept.
        baud: Number<1, 4_000_000> => optional,
    }
}

/// The interrupt is level-triggered: UARTINTR stays high until it is cleared (DDI 0183, 2.8).
const USUAL: board::Trigger = board::Trigger::Level;

impl Binding for Pl011 {
    place!();

    fn claim(&self, claims: &mut Claims<'_>) {
        // The identification registers at the end of a page (DDI 0183, 3.2) are missing in some
        // machines.
        let rule = Rule {
            size: 0x200,
            least: 0x200,
            ..Rule::registers("a PL011", 0x1000, 0x1000)
        };
        claims.device(&self.place, &self.base, &self.size, rule);
        let key = format!("{}.interrupt", self.place.path);
        claims.interrupts(&key, &self.interrupt, Some(1), Wiring::Shared, USUAL);
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, &["arm,pl011"])
            .model("pl011")
            .registers(0, &self.place.path, &self.base, &self.size)
            .interrupt(0, &self.interrupt)
            .clock(&self.clock);
    }

    fn choices(&self) -> &'static [&'static str] {
        &["baud"]
    }

    fn check(&self, _around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
        let (Some(clock), Some(baud)) = (self.clock.get(), self.baud.get()) else {
            return;
        };
        // The divisor is UARTCLK / (16 * baud), at least 1 and of 16 bits (DDI 0183, 3.3.6).
        let divisor = clock.value.0 / (16 * u64::from(baud.value.0));
        if !(1..=u64::from(u16::MAX)).contains(&divisor) {
            let title = format!("{} baud is not possible with this clock", baud.value.0);
            problems.report(
                Diagnostic::new(Code::BadBaud, baud.at, title)
                    .label(format!(
                        "the divisor would be {divisor}, outside the range 1 to 65535"
                    ))
                    .also(clock.at, format!("{} Hz", clock.value.0)),
            );
        }
    }
}

impl Driver for Pl011 {
    const NAME: &'static str = "pl011";
    const KINDS: &'static [&'static str] = &["arm,pl011"];
    const MODELS: &'static [&'static str] = &["pl011"];
    type Resolved = board::Console;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let registers = board::Range {
            base: self.base.value()?.0,
            size: self.size.value()?.0,
        };
        let clock = self.clock.value()?.0;
        let baud = self.baud.optional()?.map(|baud| baud.value.0);
        let config = vec![
            ("registers", Value::Range(registers)),
            ("clock", Value::Decimal(clock)),
            ("baud", uart::baud(baud)),
        ];
        Some(board::Console {
            interrupt: around.optional_number(&self.interrupt, USUAL)?,
            transmit: None,
            part: board::Part {
                key: self.place.path.clone(),
                card: format!("PL011, {}", uart::line(clock, baud)),
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::console::pl011", "self"),
                        ("vmos_drivers::console::pl011", "Pl011"),
                        ("vmos_drivers::mmio", "Mmio"),
                    ],
                    driver: "Pl011<Mmio>".to_owned(),
                    config_type: "pl011::Config".to_owned(),
                    config: Value::structure("pl011::Config", config),
                    processor: Vec::new(),
                },
                registers: vec![Block::fixed(&self.place.path, registers.base, REGISTERS)],
                entry: Vec::new(),
            },
        })
    }

    fn import(machine: &Machine<'_>, device: &Device) -> Option<Section> {
        let kind = device.kinds.first()?;
        let section = Section::new("console.pl011").note(kind.as_str());
        let section = machine.registers(section, device, 0x1000);
        Some(machine.clock(machine.own_interrupt(section, device), device))
    }
}

/// The registers for a debugger (DDI 0183, 3.2), without UARTDR, because reading it removes a
/// received byte.
const REGISTERS: &[(&str, u64, u8)] = &[
    ("UARTFR", 0x018, 4),
    ("UARTIBRD", 0x024, 4),
    ("UARTFBRD", 0x028, 4),
    ("UARTLCR_H", 0x02C, 4),
    ("UARTCR", 0x030, 4),
    ("UARTIFLS", 0x034, 4),
    ("UARTIMSC", 0x038, 4),
    ("UARTRIS", 0x03C, 4),
    ("UARTMIS", 0x040, 4),
];
