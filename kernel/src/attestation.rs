//! Compares the board file with firmware's tables, and reports each conflict with its key.
//!
//! The generator provides a table of expected values ([`vmos_drivers::attestation`]). PCs have
//! [ACPI](acpi) tables, other machines a device tree. A device's node is found by its `compatible`
//! strings and the address of its registers, never by its name. [`Survey::of`] finds the nodes and
//! logs nothing, so it can locate the console before the console is started;
//! [`Survey::contradictions`] then compares: first the [places](Aspect::Places) of the devices, which
//! must be known before the devices are accessed, and later [the rest](Aspect::Rest).

pub(crate) mod acpi;
pub(crate) mod contradiction;
mod part;
mod slots;
mod tree;

use vmos_drivers::address::PhysicalAddress;
use vmos_drivers::attestation::{Fact, NO_CELL};

use crate::device_tree::{DeviceTree, Node};

pub(crate) use contradiction::Contradiction;
use contradiction::Value;
pub(crate) use part::Part;
use slots::Slots;
use tree::{Input, Kinds};

/// Returns the key that starts with `class`, of the device that a fact is about.
pub(crate) fn key(table: &'static [Fact], class: &str) -> Option<&'static str> {
    let mut keys = table.iter().filter_map(Fact::opens);
    keys.find(|key| key.starts_with(class))
}

/// The nodes of a device tree for each of the `N` devices of a table. The numbers of the inputs of
/// two interrupt controllers of a kind differ by `STRIDE`; it is 0 if the table has one controller.
pub(crate) struct Survey<'a, const N: usize, const STRIDE: u32> {
    table: &'static [Fact],
    parts: &'static [Part; N],
    tree: DeviceTree<'a>,
    candidates: [Candidate<'a>; N],
}

/// The expected values to compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Aspect {
    /// Whether the devices exist, and the addresses of their registers, slots and windows. Every
    /// conflict that [denies](Contradiction::denies) a device is among these.
    Places,
    /// Interrupts, frequencies and texts.
    Rest,
}

/// The node that matches a device.
#[derive(Clone, Copy, Default)]
struct Candidate<'a> {
    /// The node whose registers start at the expected address, or else the first compatible node.
    node: Option<Node<'a>>,
    /// Whether the node has the expected address.
    is_in_place: bool,
    /// All compatible nodes, for a device with slots.
    slots: Slots,
}

impl<'a, const N: usize, const STRIDE: u32> Survey<'a, N, STRIDE> {
    /// Finds the node of each of the `parts` of `table`. The whole tree is read only here.
    pub(crate) fn of(
        tree: &mut DeviceTree<'a>,
        table: &'static [Fact],
        parts: &'static [Part; N],
    ) -> Self {
        let mut candidates = [Candidate::default(); N];
        tree.read(|node| {
            let kinds = Kinds::of(node);
            for (part, candidate) in parts.iter().zip(&mut candidates) {
                if kinds.may_have(part.lengths) && is_a(node, &kinds, part.rows) && node.is_on() {
                    candidate.consider(node, part, table);
                }
            }
        });
        Self {
            table,
            parts,
            tree: *tree,
            candidates,
        }
    }

    /// Returns every device with its node.
    fn all(&self) -> impl Iterator<Item = (&'static Part, &Candidate<'a>)> {
        self.parts.iter().zip(&self.candidates)
    }

    /// Returns the address of the console's registers, if it differs from the board file.
    pub(crate) fn console(&self) -> Option<PhysicalAddress> {
        let (part, console) = self.first_of(|part| part.is_console)?;
        if console.is_in_place {
            return None;
        }
        let (index, _) = part.registers?;
        let (base, _) = console.node.as_ref()?.registers(index)?;
        Some(PhysicalAddress(base))
    }

    /// Returns the first device of a class.
    fn first_of(&self, is_in: impl Fn(&Part) -> bool) -> Option<(&'static Part, &Candidate<'a>)> {
        self.all().find(|(part, _)| is_in(part))
    }

    /// Reports every conflict of an aspect, and returns their number.
    pub(crate) fn contradictions(
        &self,
        aspect: Aspect,
        mut tell: impl FnMut(Contradiction<'a>),
    ) -> usize {
        let mut count = 0;
        // A tree with only memory and processors does not describe devices.
        if self.candidates.iter().all(|one| one.node.is_none()) {
            return count;
        }
        let inputs = match aspect {
            Aspect::Places => None,
            Aspect::Rest => Some(self.inputs()),
        };
        for (part, candidate) in self.all() {
            let mut tell = |key, described, found| {
                count += 1;
                tell(Contradiction {
                    table: self.table,
                    part: part.key().unwrap_or_default(),
                    key,
                    teller: "the device tree",
                    described,
                    found,
                });
            };
            let Some(node) = &candidate.node else {
                if inputs.is_none() {
                    tell("", described_kind(part.rows), Value::Nothing);
                }
                continue;
            };
            for fact in part.rows {
                match &inputs {
                    None => compare_place(fact, node, &candidate.slots, &mut tell),
                    Some(inputs) => self.compare(fact, node, candidate, inputs, &mut tell),
                }
            }
        }
        count
    }

    /// Returns the interrupt controller, which all interrupts are compared with.
    fn inputs(&self) -> Inputs<'_, 'a> {
        let controller = self.first_of(|part| part.is_interrupt_controller);
        let controller = controller.and_then(|(_, one)| one.node.as_ref());
        Inputs {
            controller,
            cells: interrupt_cells(controller, self.table),
        }
    }

    /// Returns the number of an input among those of all described controllers, and whether another
    /// controller has it. A controller may consist of several devices.
    ///
    /// If the owner is unknown, the input counts as one of the controller that has `described`.
    fn place(&self, described: u32, found: Input) -> (u32, bool) {
        let Input { number, controller } = found;
        let Some(owner) = controller else {
            let others = described.checked_div(STRIDE).unwrap_or_default();
            return (number.wrapping_add(others * STRIDE), false);
        };
        let (mut are_known, mut first, mut name) = (false, 0_u32, None);
        for (part, one) in self.all() {
            if !part.is_interrupt_controller {
                continue;
            }
            if STRIDE != 0 {
                let before = core::mem::replace(&mut name, part.further());
                first = first.wrapping_add(if name == before { 0 } else { STRIDE });
            }
            if let Some(node) = &one.node {
                // A domain of an APLIC receives the sources of the domain below it (RISC-V AIA 1.0,
                // 4.2).
                let numbers = ["phandle", "riscv,children"].map(|name| node.number(name));
                if numbers.contains(&Some(owner)) {
                    return (number.wrapping_add(first), false);
                }
                are_known |= numbers[0].is_some();
            }
        }
        (number, are_known)
    }

    /// Compares an interrupt: its number, and whether a described controller has it.
    fn compare_input(
        &self,
        key: &'static str,
        number: u32,
        found: Option<Input>,
        tell: &mut dyn FnMut(&'static str, Value<'a>, Value<'a>),
    ) {
        let Some(found) = found else { return };
        let found = match self.place(number, found) {
            (found, true) => Value::Foreign(found),
            (found, false) if found != number => Value::Interrupt(found),
            _ => return,
        };
        tell(key, Value::Interrupt(number), found);
    }

    /// Compares the interrupt of a series of slots. Of several controllers of the slots, the first one
    /// that is not the described one counts.
    fn compare_input_of_slots(
        &self,
        described: u32,
        slots: &Slots,
        tell: &mut dyn FnMut(&'static str, Value<'a>, Value<'a>),
    ) {
        let [low, high] = slots.controllers();
        let input = |controller| slots.interrupt().map(|number| Input { number, controller });
        let of_low = input(low);
        let agrees = of_low.is_some_and(|low| self.place(described, low) == (described, false));
        let found = if agrees { input(high) } else { of_low };
        self.compare_input("interrupt", described, found, tell);
    }

    /// Compares one fact with the node of its device, unless it is about the place of the device. A
    /// missing property is no conflict.
    fn compare(
        &self,
        fact: &Fact,
        node: &Node<'a>,
        candidate: &Candidate<'a>,
        inputs: &Inputs<'_, 'a>,
        tell: &mut dyn FnMut(&'static str, Value<'a>, Value<'a>),
    ) {
        match *fact {
            Fact::Interrupt { key, index, number } => {
                let found = tree::interrupt(node, index, inputs.cells, self.table);
                self.compare_input(key, number, found, tell);
            }
            Fact::Slots { interrupt, .. } => {
                self.compare_input_of_slots(interrupt, &candidate.slots, tell);
            }
            Fact::Frequency {
                key,
                property,
                hertz,
            } => {
                let found = tree::frequency(node, property, &self.tree);
                if let Some(found) = unlike(hertz, found) {
                    tell(key, Value::Hertz(hertz), Value::Hertz(found));
                }
            }
            Fact::Intx { key, number } => {
                let found = tree::intx(node, inputs.controller, self.table);
                self.compare_input(key, number, found, tell);
            }
            Fact::Text {
                key,
                property,
                text,
            } => {
                if let Some(found) = unlike(text, node.text(property)) {
                    tell(key, Value::Text(text), Value::Text(found));
                }
            }
            // These rows open a device, are about its place, or describe values that no device tree
            // contains.
            _ => {}
        }
    }
}

/// The interrupt controller that interrupts are compared with.
struct Inputs<'s, 'a> {
    controller: Option<&'s Node<'a>>,
    /// The number of cells of an interrupt.
    cells: usize,
}

/// Compares one fact about the place of a device with the node of the device, or with the nodes of a
/// series of slots. A missing property is no conflict.
fn compare_place<'a>(
    fact: &Fact,
    node: &Node<'a>,
    slots: &Slots,
    tell: &mut dyn FnMut(&'static str, Value<'a>, Value<'a>),
) {
    match *fact {
        Fact::Registers {
            key,
            index,
            base,
            size,
        } => {
            // Only the described registers matter, even if firmware reports a larger range.
            let found = node.registers(index);
            let found = found.map(|(at, length)| (at, length.min(size)));
            if let Some(found) = unlike((base, size), found) {
                tell(key, range((base, size)), range(found));
            }
        }
        Fact::Slots {
            base,
            stride,
            count,
            ..
        } => {
            if let Some(found) = unlike(base, slots.base()) {
                tell("base", Value::Address(base), Value::Address(found));
            }
            if let Some(found) = unlike(stride, slots.stride()) {
                tell("stride", Value::Bytes(stride), Value::Bytes(found));
            }
            if let Some(found) = unlike(count, Some(slots.count())) {
                tell("count", Value::Number(count), Value::Number(found));
            }
        }
        Fact::Window {
            key,
            space,
            base,
            size,
        } => {
            let found = tree::window(node, space, base, size);
            if found != Some((base, size)) {
                let found = found.map_or(Value::Nothing, range);
                tell(key, range((base, size)), found);
            }
        }
        // The other rows do not say where a device is.
        _ => {}
    }
}

/// Returns the found value, if it differs from the described one.
fn unlike<T: PartialEq>(described: T, found: Option<T>) -> Option<T> {
    found.filter(|found| *found != described)
}

fn range((base, size): (u64, u64)) -> Value<'static> {
    Value::Range { base, size }
}

/// Returns the number of cells of an interrupt: from the controller's node, or the usual number.
fn interrupt_cells(controller: Option<&Node<'_>>, table: &[Fact]) -> usize {
    let has_rows = |fact: &Fact| matches!(*fact, Fact::Inputs { cell, .. } if cell != NO_CELL);
    let usual = if table.iter().any(has_rows) { 3 } else { 1 };
    let told = controller.and_then(|node| node.number("#interrupt-cells"));
    told.map_or(usual, |cells| cells as usize)
}

/// Returns whether a node matches the device with these rows. The rows with `compatible` strings
/// come first.
fn is_a(node: &Node<'_>, kinds: &Kinds<'_>, rows: &[Fact]) -> bool {
    for fact in rows {
        let is_one = match fact {
            Fact::Part { compatible, .. } | Fact::Or { compatible } => kinds.has(compatible),
            Fact::Holder { property, .. } => node.value(property).is_some(),
            _ => return false,
        };
        if is_one {
            return true;
        }
    }
    false
}

/// Returns the expected kind of a device that firmware does not have.
fn described_kind(rows: &[Fact]) -> Value<'static> {
    match rows.first() {
        Some(Fact::Part { compatible, .. }) => Value::Kind(compatible),
        Some(Fact::Holder { property, .. }) => Value::Kind(property),
        _ => Value::Nothing,
    }
}

impl<'a> Candidate<'a> {
    /// Uses the node, which is compatible with the device, if it matches better than the current
    /// one.
    fn consider(&mut self, node: &Node<'a>, part: &Part, table: &[Fact]) {
        if part.has_slots {
            if let Some((base, _)) = node.registers(0) {
                self.slots.add(base, tree::interrupt(node, 0, 0, table));
            }
            self.node.get_or_insert(*node);
            return;
        }
        if self.is_in_place {
            return;
        }
        self.is_in_place = match part.registers {
            Some((index, base)) => node.registers(index).is_some_and(|(at, _)| at == base),
            None => true,
        };
        if self.is_in_place || self.node.is_none() {
            self.node = Some(*node);
        }
    }
}

#[cfg(test)]
mod tests;
