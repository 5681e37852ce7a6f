//! The Motorola MC146818 real-time clock (Motorola, MC146818A data sheet, 1984), the CMOS clock of
//! PCs.

use crate::board::Value;
use crate::board::{self, Architecture};
use crate::language::table::table;
use crate::language::{Interrupt, Number, Port};
use crate::machine::device::Device;
use crate::part::claims::{Claims, Wiring};
use crate::part::draft::Machine;
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// The Motorola MC146818 real-time clock behind two I/O ports, the CMOS clock of PCs. The
    /// kernel assumes that it runs in UTC.
    pub struct Mc146818 {
        /// The first of the two I/O ports of the clock.
        port: Port => default("0x70"),
        /// The register with the century: 0x32 on most PCs; the ACPI table FADT contains it.
        /// Without it, the years are 1970 to 2069.
        century: Number<14, 127> => optional,
        /// The interrupt of the clock's alarm, which the kernel does not use.
        interrupt: Interrupt => optional,
    }
}

/// The interrupt is edge-triggered: a PC latches the line when it is asserted.
const USUAL: board::Trigger = board::Trigger::Edge;

impl Binding for Mc146818 {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::X86_64])
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        claims.ports(&self.place.path, &self.port, 2);
        let key = format!("{}.interrupt", self.place.path);
        claims.interrupts(&key, &self.interrupt, Some(1), Wiring::Shared, USUAL);
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, &["motorola,mc146818"])
            .model("mc146818rtc")
            .ports(&self.port, |port| port.0.into())
            .number("century", &self.century)
            .interrupt(0, &self.interrupt);
    }
}

impl Driver for Mc146818 {
    const NAME: &'static str = "mc146818";
    const KINDS: &'static [&'static str] = &["mc146818rtc"];
    type Resolved = board::Part;

    fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let century = self.century.optional()?;
        let century = century.map(|century| Value::Hexadecimal(century.value.0.into()));
        let config = vec![
            ("ports", Value::Ports(self.port.value()?.0, 2)),
            ("century", Value::optional(century)),
        ];
        Some(board::Part {
            key: self.place.path.clone(),
            card: String::new(),
            code: board::Code {
                imports: vec![
                    ("vmos_drivers::rtc::mc146818", "self"),
                    ("vmos_drivers::rtc::mc146818", "Mc146818"),
                    ("vmos_drivers::port", "Ports"),
                    ("vmos_drivers::port", "PortIo"),
                ],
                driver: "Mc146818<Ports<P>>".to_owned(),
                config_type: "mc146818::Config".to_owned(),
                config: Value::optional(Some(Value::structure("mc146818::Config", config))),
                processor: vec!["PortIo"],
            },
            registers: Vec::new(),
            entry: Vec::new(),
        })
    }

    fn import(machine: &Machine<'_>, clock: &Device) -> Option<Section> {
        let century = clock.number("century");
        let section = Section::new("rtc.mc146818")
            .optional("century", century.map(|register| format!("{register:#x}")));
        Some(machine.own_interrupt(section, clock))
    }
}
