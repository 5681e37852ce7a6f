//! Compares the board file with the ACPI tables, which the firmware of PCs leaves in memory.
//!
//! ACPI 6.5, chapter 5. The comparison covers the interrupt controllers, the triggers of their
//! lines, the configuration space and the timer; the rest of ACPI is bytecode, which the kernel
//! does not run. Tables with a wrong checksum or length are ignored.

use vmos_drivers::address::PhysicalAddress;
use vmos_drivers::attestation::Fact;
use vmos_drivers::board::Line;
use vmos_drivers::interrupt::Trigger;

use super::contradiction::{Contradiction, Value};
use crate::start_info::{PhysicalMemory, word32, word64};

/// The name of the source in messages.
const TELLER: &str = "ACPI";

/// The size of a table's header (5.2.6).
const HEADER: usize = 36;
/// The largest table; a larger one is damaged or not needed.
const LARGEST: usize = 1 << 16;
/// The offset of the entries in the MADT and the MCFG (5.2.12; PCI Firmware Specification 3.3,
/// 4.1.2).
const ENTRIES: usize = 44;
/// The size of an entry of the MCFG.
const MCFG_ENTRY: usize = 16;
/// The size of the configuration space of a bus, in bytes.
const BUS: u64 = 1 << 20;

/// The types of entries in the MADT (table 5.21).
const IO_APIC: u8 = 1;
const SOURCE_OVERRIDE: u8 = 2;

/// The tables to compare; a missing one is empty.
pub(crate) struct Tables {
    /// The MADT: interrupt controllers.
    madt: &'static [u8],
    /// The MCFG: PCI configuration space.
    mcfg: &'static [u8],
    /// The FADT: fixed registers.
    fadt: &'static [u8],
}

impl Tables {
    /// Reads the tables of the root pointer at `root` (5.2.5.3); all are empty if it is invalid.
    pub(crate) fn read(memory: &impl PhysicalMemory, root: PhysicalAddress) -> Self {
        let mut tables = Self {
            madt: &[],
            mcfg: &[],
            fadt: &[],
        };
        let Some((list, width)) = list(memory, root.0) else {
            return tables;
        };
        for entry in list.chunks_exact(width) {
            let address = match width {
                8 => word64(entry, 0),
                _ => word32(entry, 0).map(u64::from),
            };
            let Some(table) = address.and_then(|address| table(memory, address)) else {
                continue;
            };
            match table.first_chunk() {
                Some(b"APIC") => tables.madt = table,
                Some(b"MCFG") => tables.mcfg = table,
                Some(b"FACP") => tables.fadt = table,
                _ => {}
            }
        }
        tables
    }

    /// Reports every conflict with `facts` and with the triggers of `lines`, and returns their
    /// number. Missing values are no conflict.
    pub(crate) fn contradictions(
        &self,
        facts: &'static [Fact],
        lines: &'static [Line],
        mut tell: impl FnMut(Contradiction<'static>),
    ) -> usize {
        let mut count = 0;
        let mut hold = |part, key, described: Value<'static>, found: Option<Value<'static>>| {
            if let Some(found) = found
                && found != described
            {
                count += 1;
                tell(Contradiction {
                    table: facts,
                    part,
                    key,
                    teller: TELLER,
                    described,
                    found,
                });
            }
        };
        for fact in facts {
            match *fact {
                Fact::LocalApic { key, base } => {
                    let found = word32(self.madt, HEADER).map(|base| Value::Address(base.into()));
                    hold(key, "base", Value::Address(base), found);
                }
                Fact::IoApic { key, base, first } => match self.io_apic(base, first) {
                    Some((there, inputs)) if there == base => {
                        let found = Some(Value::Number(inputs));
                        hold(key, "first", Value::Number(first), found);
                    }
                    found => {
                        let found = found.map_or(Value::Nothing, |(base, _)| Value::Address(base));
                        let found = (!self.madt.is_empty()).then_some(found);
                        hold(key, "base", Value::Address(base), found);
                    }
                },
                Fact::Ecam { key, base, size } => {
                    let found = self.configuration(base);
                    hold(key, "base", Value::Range { base, size }, found);
                }
                Fact::PowerTimer { key, port } => {
                    let found = word32(self.fadt, 76).filter(|&port| port != 0);
                    let found = found.map(|port| Value::Address(port.into()));
                    hold(key, "port", Value::Address(port.into()), found);
                }
                _ => {}
            }
        }
        for line in lines {
            let described = line.first.trigger;
            for found in self.triggers(line) {
                let (described, found) = (described.word(), found.word());
                hold(
                    line.key,
                    "trigger",
                    Value::Text(described),
                    Some(Value::Text(found)),
                );
            }
        }
        count
    }

    /// Returns the base and the first input of the I/O APIC at `base`, or else of the one whose
    /// first input is `first`.
    fn io_apic(&self, base: u64, first: u32) -> Option<(u64, u32)> {
        let all = || {
            self.structures(IO_APIC)
                .filter_map(|one| Some((word32(one, 4)?.into(), word32(one, 8)?)))
        };
        let mut in_place = all().filter(|&(there, _)| there == base);
        in_place
            .next()
            .or_else(|| all().find(|&(_, input)| input == first))
    }

    /// Returns the configuration space at `base`, or else the first one.
    fn configuration(&self, base: u64) -> Option<Value<'static>> {
        let entries = self.mcfg.get(ENTRIES..)?.chunks_exact(MCFG_ENTRY);
        let spaces = entries.filter_map(|entry| {
            let (first, last) = (u64::from(entry[10]), u64::from(entry[11]));
            let base = word64(entry, 0)?.checked_add(first * BUS)?;
            let size = (last.checked_sub(first)? + 1) * BUS;
            Some(Value::Range { base, size })
        });
        let is_there =
            |space: &Value<'_>| matches!(space, Value::Range { base: at, .. } if *at == base);
        spaces
            .clone()
            .find(is_there)
            .or_else(|| spaces.clone().next())
    }

    /// Returns the triggers of lines according to interrupt source overrides (5.2.12.5).
    fn triggers(&self, line: &Line) -> impl Iterator<Item = Trigger> {
        let (first, count) = (line.first, line.count);
        self.structures(SOURCE_OVERRIDE).filter_map(move |one| {
            let input = word32(one, 4)?.checked_sub(first.number)?;
            let flags = *one.get(8)?;
            // For each: 1 is the ISA default, 3 the PCI default; 0 conforms to the bus, and never
            // conflicts.
            let is = |what: u8, or: bool| match what & 3 {
                0 => or,
                what => what == 3,
            };
            let is_level = is(flags >> 2, first.trigger.is_level());
            let is_low = is(flags, first.trigger.is_low());
            (input < count).then_some(match (is_level, is_low) {
                (true, false) => Trigger::Level,
                (false, false) => Trigger::Edge,
                (true, true) => Trigger::LevelLow,
                (false, true) => Trigger::EdgeFalling,
            })
        })
    }

    /// Returns the MADT's structures of a type. Each contains its length, which must cover its
    /// header.
    fn structures(&self, kind: u8) -> impl Iterator<Item = &'static [u8]> {
        let mut rest = self.madt.get(ENTRIES..).unwrap_or_default();
        let all = core::iter::from_fn(move || {
            let length = usize::from(*rest.get(1)?).max(2);
            let (one, after) = rest.split_at_checked(length)?;
            rest = after;
            Some(one)
        });
        all.filter(move |one| one.first() == Some(&kind))
    }
}

/// Returns the list of table addresses, and the size of an address. From revision 2 on, there is a
/// list with 64-bit addresses, possibly as the only one.
fn list(memory: &impl PhysicalMemory, root: u64) -> Option<(&'static [u8], usize)> {
    let first = memory.bytes(root, 20);
    if !first.starts_with(b"RSD PTR ") || !sums_to_zero(first) {
        return None;
    }
    let extended = match first.get(15)? {
        0 | 1 => 0,
        _ => word64(memory.bytes(root, HEADER), 24)?,
    };
    let (address, width) = match extended {
        0 => (word32(first, 16)?.into(), 4),
        address => (address, 8),
    };
    Some((table(memory, address)?.get(HEADER..)?, width))
}

/// Returns the table at `address`, if it is complete and its checksum is correct.
fn table(memory: &impl PhysicalMemory, address: u64) -> Option<&'static [u8]> {
    let length = word32(memory.bytes(address, HEADER), 4)? as usize;
    if !(HEADER..=LARGEST).contains(&length) {
        return None;
    }
    let table = memory.bytes(address, length);
    (table.len() == length && sums_to_zero(table)).then_some(table)
}

/// Whether the bytes have a correct checksum: they sum to zero (5.2.5.3, 5.2.6).
fn sums_to_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0_u8, |sum, &byte| sum.wrapping_add(byte)) == 0
}

#[cfg(test)]
mod tests;
