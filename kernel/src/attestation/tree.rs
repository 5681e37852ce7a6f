//! Reads the values of device tree nodes that a board file also contains.

use vmos_drivers::attestation::{Fact, NO_CELL};

use crate::device_tree::{DeviceTree, Node, Value};

/// The number of cells of a function's address in `ranges` and `interrupt-map`; the first one
/// contains the space code (PCI Bus Binding to Open Firmware 2.1, 2.2.1.1).
const PCI_ADDRESS_CELLS: usize = 3;

/// The number of cells of a size below a PCI host bridge (the same document, 3.1.1).
const PCI_SIZE_CELLS: usize = 2;

/// An input of an interrupt controller.
#[derive(Clone, Copy)]
pub(super) struct Input {
    /// The controller's own number of the input.
    pub(super) number: u32,
    /// The phandle of the controller; `None` if the node inherits it.
    pub(super) controller: Option<u32>,
}

/// Returns the input for an entry of `interrupts` or `interrupts-extended` (2.4.1), which has
/// `cells` cells for the interrupt.
pub(super) fn interrupt(
    node: &Node<'_>,
    index: usize,
    cells: usize,
    table: &[Fact],
) -> Option<Input> {
    let (value, at, controller) = match node.value("interrupts-extended") {
        Some(value) => {
            let at = index.checked_mul(cells.checked_add(1)?)?;
            (value, at.checked_add(1)?, value.cell(at))
        }
        None => {
            let parent = node.number("interrupt-parent");
            let value = node.value("interrupts")?;
            (value, index.checked_mul(cells)?, parent)
        }
    };
    let number = number_of_input(value, at, table)?;
    Some(Input { number, controller })
}

/// Returns a frequency in Hz from the node, or else from the first clock that it refers to.
pub(super) fn frequency(node: &Node<'_>, property: &str, tree: &DeviceTree<'_>) -> Option<u64> {
    if let Some(own) = node.number(property) {
        return Some(own.into());
    }
    let phandle = node.number("clocks")?;
    let clock = tree.first("phandle", |value| value.cell(0) == Some(phandle))?;
    clock.number("clock-frequency").map(u64::from)
}

/// Returns the window of a PCI host bridge for a space: the part described by `base` and `size` if
/// it is within a window, or else the first window.
pub(super) fn window(node: &Node<'_>, space: u32, base: u64, size: u64) -> Option<(u64, u64)> {
    let address_cells = node.parents_address_cells();
    let entry = PCI_ADDRESS_CELLS + address_cells + PCI_SIZE_CELLS;
    let ranges = node.value("ranges")?;
    let mut first = None;
    for start in (0..ranges.cells()).step_by(entry) {
        if ranges.cell(start)? >> 24 & 0b11 != space {
            continue;
        }
        let parent = start + PCI_ADDRESS_CELLS;
        let at = ranges.wide(parent, address_cells)?;
        let length = ranges.wide(parent + address_cells, PCI_SIZE_CELLS)?;
        let offset = base.checked_sub(at).filter(|&offset| offset < length);
        if offset.is_some_and(|offset| size <= length - offset) {
            return Some((base, size));
        }
        first = first.or(Some((at, length)));
    }
    first
}

/// Returns the interrupt of pin INTA of slot 0, if `interrupt-map` starts with it.
pub(super) fn intx(
    node: &Node<'_>,
    controller: Option<&Node<'_>>,
    table: &[Fact],
) -> Option<Input> {
    const SLOT: u32 = 0xF800;
    let map = node.value("interrupt-map")?;
    let (function, pin) = (map.cell(0)?, map.cell(PCI_ADDRESS_CELLS)?);
    if function & SLOT != 0 || pin != 1 {
        return None;
    }
    // The pin is followed by the controller's phandle, its address, and the line.
    let address = controller.and_then(|node| node.number("#address-cells"));
    let line = (PCI_ADDRESS_CELLS + 2).checked_add(address.unwrap_or(0) as usize)?;
    Some(Input {
        number: number_of_input(map, line, table)?,
        controller: map.cell(PCI_ADDRESS_CELLS + 1),
    })
}

/// The `compatible` strings of a node, read once for all comparisons (Devicetree Specification 0.4,
/// 2.3.1).
#[derive(Clone, Copy)]
pub(super) struct Kinds<'a> {
    /// The first string, which is the most specific one.
    first: &'a [u8],
    /// The strings after the first one, zero-terminated.
    others: &'a [u8],
    lengths: Lengths,
}

/// A set of string lengths, modulo 64, with a bit for each. Most nodes match no device and differ
/// in length from all expected strings, so this makes the comparison cheap.
#[derive(Clone, Copy)]
pub(super) struct Lengths(u64);

impl Lengths {
    /// The set that contains every length.
    pub(super) const ANY: Self = Self(u64::MAX);
    /// The empty set.
    pub(super) const NONE: Self = Self(0);

    /// Adds the length of a string.
    pub(super) const fn add(&mut self, kind: &[u8]) {
        self.0 |= 1 << (kind.len() % 64);
    }
}

impl<'a> Kinds<'a> {
    pub(super) fn of(node: &Node<'a>) -> Self {
        let (first, others) = node.compatible().first_text().unwrap_or_default();
        let mut lengths = Lengths::NONE;
        lengths.add(first);
        if !others.is_empty() {
            others
                .split(|&byte| byte == 0)
                .for_each(|kind| lengths.add(kind));
        }
        Self {
            first,
            others,
            lengths,
        }
    }

    /// Returns whether one of the strings may have one of these lengths.
    #[inline]
    pub(super) fn may_have(&self, lengths: Lengths) -> bool {
        self.lengths.0 & lengths.0 != 0
    }

    /// Returns whether `compatible` is among the strings.
    pub(super) fn has(&self, compatible: &str) -> bool {
        let is_it = |kind: &[u8]| kind == compatible.as_bytes();
        is_it(self.first) || self.others.split(|&byte| byte == 0).any(is_it)
    }
}

/// Returns the controller's number of the interrupt whose first cell is cell `index` of `value`.
fn number_of_input(value: Value<'_>, index: usize, table: &[Fact]) -> Option<u32> {
    let row = value.cell(index)?;
    let mut has_rows = false;
    for fact in table.iter().take_while(|fact| fact.opens().is_none()) {
        if let Fact::Inputs {
            cell: of_row,
            first,
            ..
        } = *fact
            && of_row != NO_CELL
        {
            has_rows = true;
            if of_row == row {
                return first.checked_add(value.cell(index.checked_add(1)?)?);
            }
        }
    }
    (!has_rows).then_some(row)
}
