//! Stopping and restarting a machine by one write to one register, in memory or at a port.

use super::{Binding, Driver, place};
use crate::board::{self, Architecture, RegisterWidth, Write};
use crate::check::Claimed;
use crate::check::claims::{Claims, Extent, Rule};
use crate::description::scalar::choices;
use crate::description::table::table;
use crate::description::{Address, Description, Field, Located, Number, Place, Port};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::machine::expect::Expected;

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
        /// The value to write.
        value: Number<0, { u32::MAX }> => required,
        /// The width of the register in bits.
        width: RegisterWidth => default("32"),
    }
}

table! {
    /// A write to a port.
    pub struct ToPort {
        /// The I/O port.
        port: Port => required,
        /// The value to write.
        value: Number<0, { u32::MAX }> => required,
        /// The width of the register in bits.
        width: RegisterWidth => required,
    }
}

choices! { RegisterWidth {
    Bits8 = "8": "8 bits",
    Bits16 = "16": "16 bits",
    Bits32 = "32": "32 bits",
} }

/// Tells of a value that the width cuts off.
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

/// Tells of a table that says of nothing how it is done.
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
            // One register may do both, by what is written to it.
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
            }
        }
    }

    fn choices(&self) -> &'static [&'static str] {
        &["off.value", "reset.value"]
    }

    fn check(&self, _description: &Description, _claimed: &Claimed, problems: &mut Problems) {
        check_some(&self.place, &self.off, &self.reset, problems);
        for write in [&self.off, &self.reset]
            .into_iter()
            .filter_map(Field::value)
        {
            check_value(&write.value, &write.width, problems);
        }
    }
}

/// What firmware's tables call the registers that do it.
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
            }
        }
    }

    fn choices(&self) -> &'static [&'static str] {
        &["off.value", "reset.value"]
    }

    fn check(&self, _description: &Description, _claimed: &Claimed, problems: &mut Problems) {
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
    fn resolve(&self) -> Option<Write<u64>> {
        Some(Write {
            register: self.address.value()?.0,
            value: self.value.value()?.0,
            width: *self.width.value()?,
        })
    }
}

impl ToPort {
    fn resolve(&self) -> Option<Write<u16>> {
        Some(Write {
            register: self.port.value()?.0,
            value: self.value.value()?.0,
            width: *self.width.value()?,
        })
    }
}

/// The write that need not be there.
fn optional<T, A>(
    write: &Field<T>,
    resolve: impl Fn(&T) -> Option<Write<A>>,
) -> Option<Option<Write<A>>> {
    match write.optional()? {
        Some(write) => Some(Some(resolve(&write.value)?)),
        None => Some(None),
    }
}

impl Driver for RegisterWrite {
    const NAME: &'static str = "register-write";
    type Resolved = board::Power;

    fn resolve(&self, _description: &Description) -> Option<Self::Resolved> {
        Some(board::Power::RegisterWrite {
            off: optional(&self.off, MemoryWrite::resolve)?,
            reset: optional(&self.reset, MemoryWrite::resolve)?,
        })
    }
}

impl Driver for PortWrite {
    const NAME: &'static str = "port-write";
    type Resolved = board::Power;

    fn resolve(&self, _description: &Description) -> Option<Self::Resolved> {
        Some(board::Power::PortWrite {
            off: optional(&self.off, ToPort::resolve)?,
            reset: optional(&self.reset, ToPort::resolve)?,
        })
    }
}
