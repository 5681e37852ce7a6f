//! Stopping and restarting a machine by writing one register, in memory or at a port.

use crate::board::{self, Architecture, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::scalar::choices;
use crate::language::table::table;
use crate::language::{self, Address, Field, Located, Number, Place, Port, hexadecimal};
use crate::machine::device::Device;
use crate::part::claims::{Claimed, Claims, Extent, Rule};
use crate::part::draft::Machine;
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// A write to a register in memory, without an exit status.
    pub struct RegisterWrite {
        /// The write that powers the machine off. Without it, this way cannot power off.
        off: MemoryWrite => optional,
        /// The write that resets the machine. Without it, this way cannot reset.
        reset: MemoryWrite => optional,
    }
}

table! {
    /// A write to an I/O port, without an exit status.
    pub struct PortWrite {
        /// The write that powers the machine off. Without it, this way cannot power off.
        off: ToPort => optional,
        /// The write that resets the machine. Without it, this way cannot reset.
        reset: ToPort => optional,
    }
}

table! {
    /// A write to memory.
    pub struct MemoryWrite {
        /// The address of the register.
        address: Address => required,
        /// The value to write to the register.
        value: Number<0, { u32::MAX }> => required,
        /// The width of the register in bits.
        width: RegisterWidth => default("32"),
    }
}

table! {
    /// A write to a port.
    pub struct ToPort {
        /// The I/O port of the register.
        port: Port => required,
        /// The value to write to the register.
        value: Number<0, { u32::MAX }> => required,
        /// The width of the register in bits.
        width: RegisterWidth => required,
    }
}

/// The width of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterWidth {
    /// The register has 8 bits.
    Bits8,
    /// The register has 16 bits.
    Bits16,
    /// The register has 32 bits.
    Bits32,
}

impl RegisterWidth {
    /// Returns the width in bytes.
    const fn bytes(self) -> u64 {
        match self {
            Self::Bits8 => 1,
            Self::Bits16 => 2,
            Self::Bits32 => 4,
        }
    }
}

choices! { RegisterWidth {
    Bits8 = "8": "8 bits",
    Bits16 = "16": "16 bits",
    Bits32 = "32": "32 bits",
} }

/// Reports a value that does not fit the width.
fn check_value(
    value: &Field<Number<0, { u32::MAX }>>,
    width: &Field<RegisterWidth>,
    problems: &mut Problems,
) {
    let (Some(value), Some(width)) = (value.get(), width.get()) else {
        return;
    };
    let bits = 8 * width.value.bytes();
    if u64::from(value.value.0) >> bits != 0 {
        let title = format!("`{}` has more than {bits} bits", value.path);
        problems.report(
            Diagnostic::new(Code::BadNumber, value.at, title)
                .label("does not fit into the register")
                .also(width.at, "its width"),
        );
    }
}

/// Reports a table with neither `off` nor `reset`.
fn check_some<T>(place: &Place, off: &Field<T>, reset: &Field<T>, problems: &mut Problems) {
    if off.is_absent() && reset.is_absent() {
        let title = format!("[{}] does nothing", place.path);
        problems.report(
            Diagnostic::new(Code::MissingKey, place.at, title)
                .label("needs `off`, `reset` or both"),
        );
    }
}

impl Binding for RegisterWrite {
    place!();

    fn claim(&self, claims: &mut Claims<'_>) {
        let address = |write: &MemoryWrite| write.address.value().copied();
        let off = self.off.value().and_then(address);
        for (name, write) in [("off", &self.off), ("reset", &self.reset)] {
            let key = format!("{}.{name}", self.place.path);
            let Field::Given(Located { value: write, .. }) = write else {
                continue;
            };
            // One register may do both, depending on the value.
            if name == "reset" && off.is_some() && off == address(write) {
                continue;
            }
            let width = write.width.value().map_or(1, |width| width.bytes());
            let rule = Rule::registers("a register", width, width);
            let at = write.address.get().map(|address| Extent {
                bytes: width,
                at: address.at,
            });
            claims.range(&key, &write.address, at, rule);
        }
    }

    fn expect(&self, expected: &mut Expected) {
        for (model, write) in [(SLEEP, &self.off), (RESET, &self.reset)] {
            if let Some(write) = write.value() {
                let part = expected.part(&write.place, &[]).model(model);
                part.registers(0, &write.place.path, &write.address, &Field::Absent)
                    .within(&write.place.path);
                if model == SLEEP {
                    part.number("off", &write.value);
                }
            }
        }
    }

    fn choices(&self) -> &'static [&'static str] {
        &["reset.value"]
    }

    fn check(&self, around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
        check_some(&self.place, &self.off, &self.reset, problems);
        for write in [&self.off, &self.reset]
            .into_iter()
            .filter_map(Field::value)
        {
            check_value(&write.value, &write.width, problems);
        }
        let architecture = around.architecture();
        if architecture.is_some_and(|one| one.value.is_m_profile())
            && let Some(reset) = self.reset.value()
        {
            check_system_reset(reset, problems);
        }
    }
}

/// The application interrupt and reset control register of an M-profile processor: its address, the key
/// that a write needs in the upper half, and the bit that requests a reset (DDI 0403, B3.2.6).
const AIRCR: u64 = 0xE000_ED0C;
const VECTKEY: u32 = 0x05FA;
const SYSRESETREQ: u32 = 1 << 2;

/// Reports a value that does not reset an M-profile processor by its own register.
fn check_system_reset(write: &MemoryWrite, problems: &mut Problems) {
    let (Some(address), Some(value)) = (write.address.get(), write.value.get()) else {
        return;
    };
    let number = value.value.0;
    let is_request = number >> 16 == VECTKEY && number & SYSRESETREQ != 0;
    if address.value.0 != AIRCR || is_request {
        return;
    }
    let label = match number >> 16 == VECTKEY {
        true => "bit 2, SYSRESETREQ, is not set",
        false => "the register ignores a value without 0x05FA in its upper half",
    };
    let title = format!("`{}` does not reset the processor", value.path);
    problems.report(
        Diagnostic::new(Code::BadNumber, value.at, title)
            .label(label)
            .also(address.at, "AIRCR")
            .write("0x05FA_0004"),
    );
}

/// The names of these registers in device trees and ACPI tables.
const SLEEP: &str = "acpi,sleep-control";
const RESET: &str = "acpi,reset";
const PM1A: &str = "acpi,pm1a-control";

impl Binding for PortWrite {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::X86_64])
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        let port = |write: &ToPort| write.port.value().copied();
        let off = self.off.value().and_then(port);
        for (name, write) in [("off", &self.off), ("reset", &self.reset)] {
            let key = format!("{}.{name}", self.place.path);
            if let Some(write) = write.value() {
                if name == "reset" && off.is_some() && off == port(write) {
                    continue;
                }
                let width = write.width.value().map_or(1, |width| width.bytes());
                claims.ports(&key, &write.port, width);
            }
        }
    }

    fn expect(&self, expected: &mut Expected) {
        for (model, write) in [(PM1A, &self.off), (RESET, &self.reset)] {
            if let Some(write) = write.value() {
                let part = expected.part(&write.place, &[]).model(model);
                part.ports(&write.port, |port| port.0.into());
                if model == PM1A {
                    part.number("off", &write.value);
                }
            }
        }
    }

    fn choices(&self) -> &'static [&'static str] {
        &["reset.value"]
    }

    fn check(&self, _around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
        check_some(&self.place, &self.off, &self.reset, problems);
        for write in [&self.off, &self.reset]
            .into_iter()
            .filter_map(Field::value)
        {
            check_value(&write.value, &write.width, problems);
        }
    }
}

impl MemoryWrite {
    fn resolve(&self) -> Option<Value> {
        let register = Value::Address(self.address.value()?.0);
        write(register, &self.value, &self.width)
    }
}

impl ToPort {
    fn resolve(&self) -> Option<Value> {
        let register = Value::Hexadecimal(self.port.value()?.0.into());
        write(register, &self.value, &self.width)
    }
}

/// Returns a write as the driver's configuration.
fn write(
    register: Value,
    value: &Field<Number<0, { u32::MAX }>>,
    width: &Field<RegisterWidth>,
) -> Option<Value> {
    let width = match width.value()? {
        RegisterWidth::Bits8 => "register_write::Width::Bits8",
        RegisterWidth::Bits16 => "register_write::Width::Bits16",
        RegisterWidth::Bits32 => "register_write::Width::Bits32",
    };
    let fields = vec![
        ("register", register),
        ("value", Value::Hexadecimal(value.value()?.0.into())),
        ("width", Value::path(width)),
    ];
    Some(Value::structure("register_write::Write", fields))
}

/// Returns an optional write as the driver's configuration.
fn optional<T>(write: &Field<T>, resolve: impl Fn(&T) -> Option<Value>) -> Option<Value> {
    Some(Value::optional(match write.optional()? {
        Some(write) => Some(resolve(&write.value)?),
        None => None,
    }))
}

/// Returns the driver with its configuration, with all defaults applied.
fn resolved(
    place: &Place,
    card: &str,
    (module, name): (&'static str, &'static str),
    (driver, register): (&str, &str),
    writes: (Value, Value),
) -> board::Power {
    let mut imports = vec![
        ("vmos_drivers::power::register_write", "self"),
        ("vmos_drivers::power::register_write", "RegisterWrite"),
    ];
    imports.push((module, name));
    let config = vec![("off", writes.0), ("reset", writes.1)];
    board::Power {
        doubles_status: false,
        part: board::Part {
            key: place.path.clone(),
            card: card.to_owned(),
            code: board::Code {
                imports,
                driver: driver.to_owned(),
                config_type: format!("register_write::Config<{register}>"),
                config: Value::structure("register_write::Config", config),
                processor: Vec::new(),
            },
            registers: Vec::new(),
            entry: Vec::new(),
        },
    }
}

impl Driver for RegisterWrite {
    const NAME: &'static str = "register-write";
    type Resolved = board::Power;

    fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let off = optional(&self.off, MemoryWrite::resolve)?;
        let reset = optional(&self.reset, MemoryWrite::resolve)?;
        let mut power = resolved(
            &self.place,
            "a write to a register",
            ("vmos_drivers::mmio", "Mmio"),
            ("RegisterWrite<Mmio>", "PhysicalAddress"),
            (off, reset),
        );
        let imports = &mut power.part.code.imports;
        imports.push(("vmos_drivers::address", "PhysicalAddress"));
        Some(power)
    }

    fn import(machine: &Machine<'_>, _device: &Device) -> Option<Section> {
        let write = |kind, name| {
            let register = machine.find(&[kind])?;
            let (address, value) = (register.base()?, register.number(name)?);
            let address = hexadecimal(address);
            Some(format!(
                "{{ address = {address}, value = {value:#x}, width = \"8\" }}"
            ))
        };
        let off = write(SLEEP, "off")?;
        Some(
            Section::new("power.register-write")
                .note("the sleep and reset registers of ACPI")
                .line("off", off)
                .optional("reset", write(RESET, "reset")),
        )
    }
}

impl Driver for PortWrite {
    const NAME: &'static str = "port-write";
    type Resolved = board::Power;

    fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let off = optional(&self.off, ToPort::resolve)?;
        let reset = optional(&self.reset, ToPort::resolve)?;
        Some(resolved(
            &self.place,
            "a write to a port",
            ("vmos_drivers::port", "Ports"),
            ("RegisterWrite<Ports<P>>", "u16"),
            (off, reset),
        ))
    }

    fn import(machine: &Machine<'_>, _device: &Device) -> Option<Section> {
        let write = |kind, name, width| {
            let register = machine.find(&[kind])?;
            let (port, value) = (*register.ports.first()?, register.number(name)?);
            let port = language::port(port);
            Some(format!(
                "{{ port = {port}, value = {value:#x}, width = \"{width}\" }}"
            ))
        };
        // PM1a_CNT has two bytes (ACPI 6.5, 4.8.3.2.1), and the reset register one (4.8.3.6).
        let off = write(PM1A, "off", 16)?;
        Some(
            Section::new("power.port-write")
                .note("PM1a_CNT of ACPI, and the reset register")
                .line("off", off)
                .optional("reset", write(RESET, "reset", 8)),
        )
    }
}
