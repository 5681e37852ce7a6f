//! The description held against firmware's tables: what contradicts it, by the key that says so.
//!
//! The generator hands over a table of what they should say of the board
//! ([`vmos_drivers::attestation`]). PCs have the tables of [ACPI](acpi), others a device tree. A
//! part's node is found by what it is compatible with and by where its registers are, never by its
//! name. [`Survey::of`] finds the nodes and says nothing, so that it can be asked where the console
//! is before there is one; [`Survey::contradictions`] then compares.

pub(crate) mod acpi;
pub(crate) mod contradiction;
mod slots;
mod tree;

use vmos_drivers::address::PhysicalAddress;
use vmos_drivers::attestation::{Fact, NO_CELL};

use crate::device_tree::{DeviceTree, Node};

pub(crate) use contradiction::Contradiction;
use contradiction::Value;
use slots::Slots;
use tree::{Kinds, Lengths};

/// How many parts a table is about.
pub(crate) const fn parts(table: &[Fact]) -> usize {
    let (mut row, mut count) = (0, 0);
    while row < table.len() {
        if table[row].opens().is_some() {
            count += 1;
        }
        row += 1;
    }
    count
}

/// The table of the description, among those that begin with `class`, that a fact is about.
pub(crate) fn key(table: &'static [Fact], class: &str) -> Option<&'static str> {
    let mut keys = table.iter().filter_map(Fact::opens);
    keys.find(|key| key.starts_with(class))
}

/// What a device tree has for each of the `N` parts of a table.
pub(crate) struct Survey<'a, const N: usize> {
    table: &'static [Fact],
    tree: DeviceTree<'a>,
    candidates: [Candidate<'a>; N],
}

/// The node that stands for a part.
#[derive(Clone, Copy, Default)]
struct Candidate<'a> {
    /// What the table has of the part.
    rows: &'static [Fact],
    /// How long the names of its kind are.
    lengths: Lengths,
    /// The one whose registers begin where the part's should, or else the first of its kind.
    node: Option<Node<'a>>,
    /// Whether it is the former.
    is_in_place: bool,
    /// All nodes of the kind, for a part that has several.
    slots: Slots,
}

/// The rows of each part, the one that opens it first.
fn by_part(table: &'static [Fact]) -> impl Iterator<Item = &'static [Fact]> {
    let is_first = |fact: &Fact| fact.opens().is_some();
    let mut rest = table;
    core::iter::from_fn(move || {
        let start = rest.iter().position(is_first)?;
        let rows = &rest[start..];
        let others = rows[1..].iter().position(is_first);
        let end = others.map_or(rows.len(), |others| 1 + others);
        rest = &rows[end..];
        Some(&rows[..end])
    })
}

impl<'a, const N: usize> Survey<'a, N> {
    /// Finds the node of each part of `table`, which has `N`. This is the one time that the whole tree
    /// is read.
    pub(crate) fn of(tree: DeviceTree<'a>, table: &'static [Fact]) -> Self {
        let mut candidates = [Candidate::default(); N];
        for (rows, candidate) in by_part(table).zip(&mut candidates) {
            candidate.rows = rows;
            candidate.lengths = lengths(rows);
        }
        let tree = tree.read(|node| {
            let kinds = Kinds::of(node);
            for candidate in &mut candidates {
                if kinds.may_have(candidate.lengths)
                    && is_a(node, &kinds, candidate.rows)
                    && node.is_on()
                {
                    candidate.consider(node, table);
                }
            }
        });
        Self {
            table,
            tree,
            candidates,
        }
    }

    /// The tree.
    pub(crate) fn tree(&self) -> DeviceTree<'a> {
        self.tree
    }

    /// Where the console's registers are, should the description be wrong about that.
    pub(crate) fn console(&self) -> Option<PhysicalAddress> {
        let console = self.first_of("console.")?;
        if console.is_in_place {
            return None;
        }
        let (index, _) = first_registers(console.rows)?;
        let (base, _) = console.node?.registers(index)?;
        Some(PhysicalAddress(base))
    }

    /// The first part whose key begins so.
    fn first_of(&self, class: &str) -> Option<&Candidate<'a>> {
        let is_one = |one: &&Candidate<'_>| one.key().is_some_and(|key| key.starts_with(class));
        self.candidates.iter().find(is_one)
    }

    /// Tells every contradiction, and returns how many there are.
    pub(crate) fn contradictions(&self, mut tell: impl FnMut(Contradiction<'a>)) -> usize {
        let mut count = 0;
        // A tree of memory and processors alone tells nothing of devices.
        if self.candidates.iter().all(|one| one.node.is_none()) {
            return count;
        }
        let controller = self.first_of("interrupt-controller.");
        let controller = controller.and_then(|one| one.node.as_ref());
        let interrupt_cells = interrupt_cells(controller, self.table);
        for candidate in &self.candidates {
            let mut tell = |key, described, found| {
                count += 1;
                tell(Contradiction {
                    table: self.table,
                    part: candidate.key().unwrap_or_default(),
                    key,
                    teller: "the device tree",
                    described,
                    found,
                });
            };
            let Some(node) = &candidate.node else {
                tell("", described_kind(candidate.rows), Value::Nothing);
                continue;
            };
            for fact in candidate.rows {
                self.compare(fact, node, controller, interrupt_cells, &mut tell);
                if let Fact::Slots { .. } = fact {
                    compare_slots(fact, &candidate.slots, &mut tell);
                }
            }
        }
        count
    }

    /// Holds one fact against the node of its part. What a node does not tell contradicts nothing.
    fn compare(
        &self,
        fact: &Fact,
        node: &Node<'a>,
        controller: Option<&Node<'a>>,
        interrupt_cells: usize,
        tell: &mut dyn FnMut(&'static str, Value<'a>, Value<'a>),
    ) {
        match *fact {
            Fact::Registers {
                key,
                index,
                base,
                size,
            } => {
                // Of registers that firmware has more to say about, only those described matter.
                let found = node.registers(index);
                let found = found.map(|(at, length)| (at, length.min(size)));
                if let Some(found) = unlike((base, size), found) {
                    tell(key, range((base, size)), range(found));
                }
            }
            Fact::Interrupt { key, index, number } => {
                let found = tree::interrupt(node, index, interrupt_cells, self.table);
                if let Some(found) = unlike(number, found) {
                    tell(key, Value::Interrupt(number), Value::Interrupt(found));
                }
            }
            Fact::Frequency {
                key,
                property,
                hertz,
            } => {
                let found = tree::frequency(node, property, self.tree);
                if let Some(found) = unlike(hertz, found) {
                    tell(key, Value::Hertz(hertz), Value::Hertz(found));
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
                    tell(
                        key,
                        range((base, size)),
                        found.map_or(Value::Nothing, range),
                    );
                }
            }
            Fact::Intx { key, number } => {
                let found = tree::intx(node, controller, self.table);
                if let Some(found) = unlike(number, found) {
                    tell(key, Value::Interrupt(number), Value::Interrupt(found));
                }
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
            // These open a part, or are about the row of its nodes or about what no device tree has.
            _ => {}
        }
    }
}

/// Holds a row of slots against the nodes of its kind.
fn compare_slots<'a>(
    fact: &Fact,
    slots: &Slots,
    tell: &mut dyn FnMut(&'static str, Value<'a>, Value<'a>),
) {
    let Fact::Slots {
        base,
        stride,
        count,
        interrupt,
    } = *fact
    else {
        return;
    };
    if let Some(found) = unlike(base, slots.base()) {
        tell("base", Value::Address(base), Value::Address(found));
    }
    if let Some(found) = unlike(stride, slots.stride()) {
        tell("stride", Value::Bytes(stride), Value::Bytes(found));
    }
    if let Some(found) = unlike(count, Some(slots.count())) {
        tell("count", Value::Number(count), Value::Number(found));
    }
    if let Some(found) = unlike(interrupt, slots.interrupt()) {
        tell(
            "interrupt",
            Value::Interrupt(interrupt),
            Value::Interrupt(found),
        );
    }
}

/// What was found, where it is not as described.
fn unlike<T: PartialEq>(described: T, found: Option<T>) -> Option<T> {
    found.filter(|found| *found != described)
}

fn range((base, size): (u64, u64)) -> Value<'static> {
    Value::Range { base, size }
}

/// How many cells an interrupt takes: as the controller says, or what its kind usually has.
fn interrupt_cells(controller: Option<&Node<'_>>, table: &[Fact]) -> usize {
    let has_rows = |fact: &Fact| matches!(*fact, Fact::Inputs { cell, .. } if cell != NO_CELL);
    let usual = if table.iter().any(has_rows) { 3 } else { 1 };
    let told = controller.and_then(|node| node.number("#interrupt-cells"));
    told.map_or(usual, |cells| cells as usize)
}

/// How long the names are of the kind of the part with these rows.
fn lengths(rows: &[Fact]) -> Lengths {
    let mut lengths = Lengths::default();
    for fact in rows {
        match fact {
            Fact::Part { compatible, .. } | Fact::Or { compatible } => {
                lengths.add(compatible.as_bytes());
            }
            Fact::Holder { .. } => lengths = Lengths::ANY,
            _ => break,
        }
    }
    lengths
}

/// Whether a node is of the kind of the part with these rows. Those that tell the kind come first.
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

/// The first registers that the description tells of a part: the entry of `reg`, and the address.
fn first_registers(rows: &[Fact]) -> Option<(usize, u64)> {
    rows.iter().find_map(|fact| match *fact {
        Fact::Registers { index, base, .. } => Some((index, base)),
        _ => None,
    })
}

/// What the description has where firmware knows no such part.
fn described_kind(rows: &[Fact]) -> Value<'static> {
    match rows.first() {
        Some(Fact::Part { compatible, .. }) => Value::Kind(compatible),
        Some(Fact::Holder { property, .. }) => Value::Kind(property),
        _ => Value::Nothing,
    }
}

impl<'a> Candidate<'a> {
    /// The part's table in the description.
    fn key(&self) -> Option<&'static str> {
        self.rows.first()?.opens()
    }

    /// Takes the node, one of the part's kind, where it fits better than the one there was.
    fn consider(&mut self, node: &Node<'a>, table: &[Fact]) {
        let rows = self.rows;
        if rows.iter().any(|fact| matches!(fact, Fact::Slots { .. })) {
            if let Some((base, _)) = node.registers(0) {
                self.slots.add(base, tree::interrupt(node, 0, 0, table));
            }
            self.node.get_or_insert(*node);
            return;
        }
        if self.is_in_place {
            return;
        }
        self.is_in_place = match first_registers(rows) {
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
