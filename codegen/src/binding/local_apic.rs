//! The timer in the local APIC, with the time stamp counter as clock (Intel SDM volume 3A, 12.5.4
//! and 18.17), and the counters that calibrate them.

use super::block::{self, block};
use crate::board::{self, Architecture, Block, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::table::table;
use crate::language::{self, Frequency, OneDriver, Port, hexadecimal};
use crate::machine::device::Device;
use crate::notation;
use crate::part::claims::{Claimed, Claims};
use crate::part::class::drivers;
use crate::part::draft::Machine;
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// The timer in the local APIC, and the time stamp counter as the clock.
    pub struct LocalApic {
        /// The reference counter by which the kernel measures the frequencies of the timer and of
        /// the time stamp counter at boot.
        reference: OneDriver<Reference> => required,
    }
}

/// The name of the power management timer in firmware's tables.
const PM_TIMER: &str = "acpi,pm-timer";

drivers! {
    /// The reference counter: a counter of known frequency.
    pub enum Reference: Binding => Resolved {
        Pit(Pit),
        Hpet(Hpet),
        AcpiPm(AcpiPm),
        Stated(Stated),
    }
}

table! {
    /// Channel 0 of an 8254 interval timer.
    pub struct Pit {
        /// The first of the four I/O ports of the 8254.
        port: Port => default("0x40"),
    }
}

block! {
    /// The main counter of an HPET.
    pub struct Hpet: "an HPET", "1 KiB", 0x400, 0x400
}

table! {
    /// The power management timer of ACPI.
    pub struct AcpiPm {
        /// The first of the four I/O ports of the timer.
        port: Port => required,
    }
}

table! {
    /// No counter: the frequency of the local APIC's timer is stated instead.
    pub struct Stated {
        /// The frequency of the local APIC's timer before division.
        frequency: Frequency => required,
    }
}

impl Binding for LocalApic {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::X86_64])
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        if let Some(reference) = self.reference.value() {
            reference.0.binding().claim(claims);
        }
    }

    fn expect(&self, expected: &mut Expected) {
        if let Some(reference) = self.reference.value() {
            reference.0.binding().expect(expected);
        }
    }

    /// The registers of the local APIC's timer are those of the interrupt controller.
    fn check(&self, around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
        let Some(controller) = around.controller else {
            return;
        };
        if controller.timer().is_none() {
            let title = "the timer belongs to an interrupt controller that the board does not have";
            problems.report(
                Diagnostic::new(Code::WrongSpace, self.place.at, title)
                    .label("needs [interrupt-controller.apic]")
                    .also(controller.place().at, "the interrupt controller"),
            );
        }
    }
}

/// A reference counter with all defaults applied.
pub struct Resolved {
    /// The counter's name as text for readers.
    card: String,
    /// The counter's driver and its configuration for `board.rs`.
    code: board::Code,
    /// The counter's registers, for a debugger.
    registers: Vec<Block>,
}

/// The reference counter in `board.rs`: its module, its type with the type parameter, and the
/// fields of its configuration.
fn code(
    module: &'static str,
    name: &'static str,
    of: &str,
    at_ports: bool,
    fields: Vec<(&'static str, Value)>,
) -> board::Code {
    let mut imports = vec![(module, "self"), (module, name)];
    if at_ports {
        imports.push(("vmos_drivers::port", "Ports"));
    }
    let short = module.rsplit("::").next().unwrap_or(module);
    board::Code {
        imports,
        driver: format!("{name}<{of}>"),
        config_type: format!("{short}::Config"),
        config: Value::Structure(format!("{short}::Config"), fields),
        processor: Vec::new(),
    }
}

impl Driver for LocalApic {
    const NAME: &'static str = "local-apic";
    type Resolved = board::Timer;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let reference = self.reference.value()?.0.resolve(around)?;
        // The checks reject a board whose timer belongs to a missing part.
        let local = around.controller?.timer()?;
        let mut imports = vec![
            ("vmos_drivers::timer::apic_timer", "LocalApicTimer"),
            ("vmos_drivers::timer::apic_timer", "TimeStamp"),
            ("vmos_drivers::timer::apic_timer", "self"),
            ("vmos_drivers::interrupt_controller::apic", "self"),
            ("vmos_drivers::mmio", "Mmio"),
        ];
        imports.extend(reference.code.imports);
        let config = vec![
            ("registers", Value::Range(local)),
            ("reference", reference.code.config),
        ];
        Some(board::Timer {
            interrupt: Value::path("apic::TIMER_INTERRUPT"),
            part: board::Part {
                key: self.place.path.clone(),
                card: format!(
                    "local APIC and time stamps, calibrated with {}",
                    reference.card
                ),
                code: board::Code {
                    imports,
                    driver: format!("LocalApicTimer<Mmio, P, {}>", reference.code.driver),
                    config_type: format!("apic_timer::Config<{}>", reference.code.config_type),
                    config: Value::structure("apic_timer::Config", config),
                    processor: vec!["TimeStamp"],
                },
                registers: reference.registers,
                entry: Vec::new(),
            },
        })
    }

    fn import(machine: &Machine<'_>, _device: &Device) -> Option<Section> {
        let section = Section::new("timer.local-apic");
        let port = |kind| machine.find(&[kind])?.ports.first().copied();
        if let Some(first) = port(PM_TIMER) {
            let reference = format!("{{ port = {} }}", language::port(first));
            return Some(section.line("reference.acpi-pm", reference));
        }
        if machine.find(&["isa-pit"]).is_some() {
            return Some(section.line("reference.pit", "{}"));
        }
        if let Some(hpet) = machine.find(&["hpet"]) {
            let reference = format!("{{ base = {} }}", hexadecimal(hpet.base()?));
            return Some(section.line("reference.hpet", reference));
        }
        machine.is_pc().then(|| {
            section.todo(
                "reference.stated",
                "{ frequency = \"1 GHz\" }",
                "a counter of known frequency, or the frequency of the local APIC's timer",
            )
        })
    }
}

impl Binding for Pit {
    place!();

    fn claim(&self, claims: &mut Claims<'_>) {
        claims.ports(&self.place.path, &self.port, 4);
    }
}

impl Driver for Pit {
    const NAME: &'static str = "pit";
    type Resolved = Resolved;

    fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let ports = vec![("ports", Value::Ports(self.port.value()?.0, 4))];
        let module = "vmos_drivers::timer::reference::pit";
        Some(Resolved {
            card: "the 8254".to_owned(),
            code: code(module, "Pit", "Ports<P>", true, ports),
            registers: Vec::new(),
        })
    }
}

impl Binding for Hpet {
    place!();

    fn claim(&self, claims: &mut Claims<'_>) {
        block::claim_own(&self.place, self, claims);
    }
}

impl Driver for Hpet {
    const NAME: &'static str = "hpet";
    type Resolved = Resolved;

    fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let range = block::range(self)?;
        let registers = vec![("registers", Value::Range(range))];
        let module = "vmos_drivers::timer::reference::hpet";
        Some(Resolved {
            card: "the HPET".to_owned(),
            code: code(module, "Hpet", "Mmio", false, registers),
            registers: vec![Block::fixed(&self.place.path, range.base, HPET)],
        })
    }
}

impl Binding for AcpiPm {
    place!();

    fn claim(&self, claims: &mut Claims<'_>) {
        claims.ports(&self.place.path, &self.port, 4);
    }

    fn expect(&self, expected: &mut Expected) {
        let part = expected.part(&self.place, &[]).model(PM_TIMER);
        part.ports(&self.port, |port| port.0.into());
    }
}

impl Driver for AcpiPm {
    const NAME: &'static str = "acpi-pm";
    type Resolved = Resolved;

    fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let ports = vec![("ports", Value::Ports(self.port.value()?.0, 4))];
        let module = "vmos_drivers::timer::reference::acpi_pm";
        Some(Resolved {
            card: "the ACPI timer".to_owned(),
            code: code(module, "AcpiPm", "Ports<P>", true, ports),
            registers: Vec::new(),
        })
    }
}

impl Binding for Stated {
    place!();
}

impl Driver for Stated {
    const NAME: &'static str = "stated";
    type Resolved = Resolved;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let frequency = self.frequency.value()?.0;
        let fields = vec![
            ("registers", Value::Range(around.controller?.timer()?)),
            ("frequency", Value::Decimal(frequency)),
        ];
        let module = "vmos_drivers::timer::reference::stated";
        Some(Resolved {
            card: notation::frequency(frequency),
            code: code(module, "Stated", "Mmio, P", false, fields),
            registers: Vec::new(),
        })
    }
}

/// The names, offsets and widths in bytes of an HPET's registers (IA-PC HPET specification 1.0a,
/// 2.3).
const HPET: &[(&str, u64, u8)] = &[
    ("GCAP_ID", 0x000, 8),
    ("GEN_CONF", 0x010, 8),
    ("GINTR_STA", 0x020, 8),
    ("MAIN_CNT", 0x0F0, 8),
];
