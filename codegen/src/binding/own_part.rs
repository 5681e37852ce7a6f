//! Parts for which the workspace of the board has a driver, and VMOS has none: `[part.NAME]`.
//!
//! The file `parts/KIND.toml` of the workspace defines a kind of part: its register
//! ranges, interrupts and values. A board file states where such a part is, and an app claims it by
//! its name. The definition is read as the key `definition` of each part of its kind.

pub(crate) mod definition;
mod stated;

use super::own_part::definition::Definition;
use crate::board;
use crate::diagnostic::Problems;
use crate::language::reader::Located;
use crate::language::table::table;
use crate::language::{Address, Field, Interrupt, Name, Named, Number};
use crate::part::claims::{Claimed, Claims, Extent, Purpose, Rule, Wiring};
use crate::part::expect::Expected;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, place};

use stated::Entries;

/// Any 32-bit number.
pub(crate) type Any = Number<0, { u32::MAX }>;

table! {
    /// A part that an app of the workspace drives. Its kind is defined by a file under `parts/`.
    pub struct OwnPart {
        /// The kind of the part: its definition is `parts/KIND.toml`.
        kind: Name => required,
        /// The first address of each register range, by the names in the definition.
        registers: Named<Located<Address>> => optional,
        /// Each interrupt, by the names in the definition.
        interrupts: Named<Located<Interrupt>> => optional,
        /// Further values, by the names in the definition.
        values: Named<Located<Any>> => optional,
        /// The content of the kind's file. `gen` inserts it; a board file can instead contain the
        /// definition itself.
        definition: Definition => optional,
    }
}

/// The alignment of registers: any access has at most this width in bytes.
const ALIGNMENT: u64 = 4;

impl Binding for OwnPart {
    place!();

    fn claim(&self, claims: &mut Claims<'_>) {
        let Some(definition) = self.definition.value() else {
            return;
        };
        for entry in Entries::of(&definition.registers, &self.registers) {
            let Some((defined, base)) = entry.both() else {
                claims.drop_claim(&self.key("registers", entry.name));
                continue;
            };
            let rule = Rule {
                what: "the registers of a part",
                purpose: Purpose::Device,
                base: ALIGNMENT,
                size: ALIGNMENT,
                least: ALIGNMENT,
                below_4_gib: false,
                mapped_elsewhere: false,
            };
            let size = defined.size.get().map(Extent::from);
            let base = Field::Given(base.clone());
            claims.range(&self.key("registers", entry.name), &base, size, rule);
        }
        for entry in Entries::of(&definition.interrupts, &self.interrupts) {
            let Some((defined, line)) = entry.both() else {
                claims.drop_claim(&self.key("interrupts", entry.name));
                continue;
            };
            let Some(usual) = defined.trigger.value() else {
                continue;
            };
            let key = self.key("interrupts", entry.name);
            let line = Field::Given(line.clone());
            claims.interrupts(&key, &line, Some(1), Wiring::Shared, *usual);
        }
    }

    fn expect(&self, expected: &mut Expected) {
        let Some(definition) = self.definition.value() else {
            return;
        };
        let compatible = definition.compatible.value().into_iter().flatten();
        let compatible: Vec<&str> = compatible.map(|one| one.value.0.as_str()).collect();
        let part = expected.own_part(&self.place, &compatible);
        for (nth, entry) in Entries::of(&definition.registers, &self.registers).enumerate() {
            if let Some((defined, base)) = entry.both() {
                let base = Field::Given(base.clone());
                part.registers(
                    nth,
                    &self.key("registers", entry.name),
                    &base,
                    &defined.size,
                );
            }
        }
        for (nth, entry) in Entries::of(&definition.interrupts, &self.interrupts).enumerate() {
            if let Some((_, line)) = entry.both() {
                part.interrupt(nth, &Field::Given(line.clone()));
            }
        }
    }

    fn choices(&self) -> &'static [&'static str] {
        &["kind", "values"]
    }

    fn check(&self, _around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
        if let Some(definition) = self.definition.value() {
            stated::check(self, definition, problems);
        }
    }
}

impl OwnPart {
    /// Returns the key path of one of the part's entries.
    fn key(&self, table: &str, name: &str) -> String {
        format!("{}.{table}.{name}", self.place.path)
    }

    /// Returns the part `name` for the emitters; `None` if something is missing or invalid, which
    /// has been reported.
    pub(crate) fn resolve(&self, name: &str, around: &Surroundings<'_>) -> Option<board::OwnPart> {
        let definition = self.definition.value()?;
        let mut registers = Vec::new();
        for entry in Entries::of(&definition.registers, &self.registers) {
            let (defined, base) = entry.both()?;
            let (base, size) = (base.value.0, defined.size.value()?.0);
            registers.push((entry.name.to_owned(), board::Range { base, size }));
        }
        let mut interrupts = Vec::new();
        for entry in Entries::of(&definition.interrupts, &self.interrupts) {
            let Some((defined, line)) = entry.both() else {
                continue;
            };
            let line = around.number(line.value, 1, *defined.trigger.value()?)?;
            interrupts.push((entry.name.to_owned(), line));
        }
        let mut values = Vec::new();
        for entry in Entries::of(&definition.values, &self.values) {
            let value = match (entry.stated, &entry.defined.default) {
                (Some(stated), _) => Some(stated.value.0),
                (None, default) => default.value().map(|default| default.0),
            };
            values.extend(value.map(|value| (entry.name.to_owned(), value)));
        }
        Some(board::OwnPart {
            key: self.place.path.clone(),
            name: name.to_owned(),
            kind: self.kind.value()?.0.clone(),
            title: definition.title.value()?.0.clone(),
            registers,
            interrupts,
            values,
        })
    }
}
