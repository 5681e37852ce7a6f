//! Compares the ranges of a part, and its ports, with those of its device.

use super::Comparison;
use crate::board::Range;
use crate::diagnostic::{Code, Diagnostic};
use crate::language::{Located, Size, hexadecimal, port};
use crate::machine::contains;
use crate::machine::device::Device;
use crate::part::expect::{Part, Registers};

impl Comparison<'_> {
    pub(super) fn registers(&mut self, registers: &Registers, device: &Device) {
        let kind = device.kinds.first().map_or("", String::as_str);
        let told = device.registers.get(registers.nth).copied();
        if told == Some(None) && !device.is_of_tree() {
            // QEMU's device list does not contain its place in a larger device; the memory tree
            // does.
            return;
        }
        self.compared.insert(registers.key.clone());
        let Some(there) = told.flatten() else {
            let title = format!("the machine has no `{}`", registers.key);
            let label = format!("{kind} has no such registers there");
            self.problems
                .report(Diagnostic::new(Code::NotOnMachine, registers.base.at, title).label(label));
            return;
        };
        let size = registers.size.as_ref();
        let is_enough = |size: &&Located<u64>| !registers.or_less || size.value > there.size;
        let size = size.filter(is_enough);
        self.range(&registers.key, &registers.base, size, there, kind);
    }

    /// Compares a described range with that of the machine.
    pub(super) fn range(
        &mut self,
        key: &str,
        base: &Located<u64>,
        size: Option<&Located<u64>>,
        there: Range,
        kind: &str,
    ) {
        let mut agrees = true;
        let swapped = |size: &&Located<u64>| {
            base.value != size.value && (base.value, size.value) == (there.size, there.base)
        };
        if let Some(size) = size.filter(swapped) {
            let title = format!("base and size of `{key}` are swapped");
            let (first, bytes) = (hexadecimal(there.base), Size(there.size).written());
            self.problems.report(
                Diagnostic::new(Code::MachineAddress, base.at, title)
                    .label(format!("{kind} is at {first}"))
                    .also(size.at, format!("and has {bytes}"))
                    .help(format!("write base = {first}, size = {bytes}")),
            );
            return;
        }
        if base.value != there.base {
            agrees = false;
            let title = format!("the machine has `{key}` at another address");
            let right = hexadecimal(there.base);
            let diagnostic = Diagnostic::new(Code::MachineAddress, base.at, title)
                .label(format!("{kind} is at {right}"))
                .write(right);
            let other = self.facts.describe(base.value);
            let other = other.filter(|other| other != kind);
            let note =
                other.map(|other| format!("at {} there is {other}", hexadecimal(base.value)));
            self.problems
                .report(note.into_iter().fold(diagnostic, Diagnostic::note));
        }
        let Some(size) = size else {
            self.agreed.ranges += usize::from(agrees);
            return;
        };
        // A device tree contains the reserved space; part of it may not respond.
        let inhabited = self.inhabited(there);
        if size.value != there.size && Some(size.value) != inhabited {
            agrees = false;
            let title = format!("the machine has another size for `{key}`");
            let right = Size(there.size).written();
            let diagnostic = Diagnostic::new(Code::MachineSize, size.at, title);
            let label = match inhabited.filter(|size| *size != there.size) {
                Some(inhabited) => {
                    let answer = Size(inhabited).written();
                    format!("{kind} has {right}, of which {answer} are in use")
                }
                None => format!("{kind} has {right}"),
            };
            let diagnostic = diagnostic.label(label);
            // If the key is not the size itself, such as a number of buses, the size is not its
            // value.
            self.problems.report(match size.path.ends_with("size") {
                true => diagnostic.write(right),
                false => diagnostic,
            });
        }
        self.agreed.ranges += usize::from(agrees);
    }

    /// Returns the size of the responding part of a range, counted from its start.
    fn inhabited(&self, range: Range) -> Option<u64> {
        let regions = self.facts.tree.memory.iter();
        let inside = regions.filter(|region| contains(range, region.range.base));
        let ends = inside.map(|region| region.range.base - range.base + region.range.size);
        ends.max().filter(|size| *size <= range.size)
    }

    /// Returns whether a window that starts at the end of RAM, wherever that is, ends with the
    /// described one.
    pub(super) fn is_above_ram(
        &self,
        base: &Located<u64>,
        size: &Located<u64>,
        there: Range,
    ) -> bool {
        let ram = self.facts.tree.ram();
        let begins_at_ram = ram.iter().any(|ram| ram.base + ram.size == there.base);
        let end = base.value.checked_add(size.value);
        begins_at_ram && end == Some(there.base + there.size) && base.value >= there.base
    }

    /// Returns a window that starts at the end of RAM without the part that RAM may use in a larger
    /// machine: the rest is a window with any amount of RAM.
    pub(super) fn behind_all_ram(&self, there: Range) -> Range {
        let ram = self.facts.tree.ram();
        let more = self.facts.more_ram.iter();
        let ends = more.map(|ram| ram.base.saturating_add(ram.size));
        let base = ends
            .filter(|end| (there.base..there.base + there.size).contains(end))
            .max()
            .unwrap_or(there.base);
        match ram.iter().any(|ram| ram.base + ram.size == there.base) {
            true => Range {
                base,
                size: there.size - (base - there.base),
            },
            false => there,
        }
    }

    pub(super) fn ports(&mut self, part: &Part, ports: &Located<u64>, device: &Device) {
        self.compared.insert(part.place.path.clone());
        if device.ports.contains(&ports.value) {
            self.agreed.ranges += 1;
            return;
        }
        let Some(right) = device.ports.first() else {
            return;
        };
        let title = format!("the machine has `{}` at other ports", part.place.path);
        let right = port(*right);
        self.problems.report(
            Diagnostic::new(Code::MachineAddress, ports.at, title)
                .label(format!("the ports start at {right}"))
                .write(right),
        );
    }
}
