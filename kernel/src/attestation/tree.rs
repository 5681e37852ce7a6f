//! A device tree's nodes, read for what a board's description also says.

use vmos_drivers::attestation::{Fact, NO_CELL};

use crate::device_tree::{DeviceTree, Node, Value};

/// The cells of the address of a function in `ranges` and `interrupt-map`, the first of them with
/// the code of its space (PCI Bus Binding to Open Firmware 2.1, 2.2.1.1).
const PCI_ADDRESS_CELLS: usize = 3;

/// The cells of a size below a PCI host bridge (the same, 3.1.1).
const PCI_SIZE_CELLS: usize = 2;

/// The controller's own number of an entry of `interrupts`, each of so many `cells`.
pub(super) fn interrupt(
    node: &Node<'_>,
    index: usize,
    cells: usize,
    table: &[Fact],
) -> Option<u32> {
    number_of_input(node.value("interrupts")?, index.checked_mul(cells)?, table)
}

/// A frequency in Hz: the node's own, or else that of the clock that feeds it first.
pub(super) fn frequency(node: &Node<'_>, property: &str, tree: DeviceTree<'_>) -> Option<u64> {
    if let Some(own) = node.number(property) {
        return Some(own.into());
    }
    let phandle = node.number("clocks")?;
    let clock = tree.first("phandle", |value| value.cell(0) == Some(phandle))?;
    clock.number("clock-frequency").map(u64::from)
}

/// The window of a PCI host bridge for a space: the part of it that `base` and `size` describe where
/// that lies in one, or else the first one whole.
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

/// What pin INTA of slot 0 raises, where `interrupt-map` begins with it.
pub(super) fn intx(node: &Node<'_>, controller: Option<&Node<'_>>, table: &[Fact]) -> Option<u32> {
    const SLOT: u32 = 0xF800;
    let map = node.value("interrupt-map")?;
    let (function, pin) = (map.cell(0)?, map.cell(PCI_ADDRESS_CELLS)?);
    if function & SLOT != 0 || pin != 1 {
        return None;
    }
    // After the pin stand the controller's phandle, its address, and the line.
    let address = controller.and_then(|node| node.number("#address-cells"));
    let line = (PCI_ADDRESS_CELLS + 2).checked_add(address.unwrap_or(0) as usize)?;
    number_of_input(map, line, table)
}

/// What a node says that it is, read once for all that may ask (Devicetree Specification 0.4,
/// 2.3.1).
#[derive(Clone, Copy)]
pub(super) struct Kinds<'a> {
    /// The most special one.
    first: &'a [u8],
    /// The others, each with a zero behind it.
    others: &'a [u8],
    lengths: Lengths,
}

/// How long some kinds are, modulo 64, a bit for each length: most nodes are of no kind that is asked
/// for, and differ from all of them in this.
#[derive(Clone, Copy, Default)]
pub(super) struct Lengths(u64);

impl Lengths {
    /// Those of kinds that are not known.
    pub(super) const ANY: Self = Self(u64::MAX);

    /// Adds a kind.
    pub(super) fn add(&mut self, kind: &[u8]) {
        self.0 |= 1 << (kind.len() % 64);
    }
}

impl<'a> Kinds<'a> {
    pub(super) fn of(node: &Node<'a>) -> Self {
        let (first, others) = node.compatible().first_text().unwrap_or_default();
        let mut lengths = Lengths::default();
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

    /// Whether a kind of one of these lengths may be among them.
    #[inline]
    pub(super) fn may_have(&self, lengths: Lengths) -> bool {
        self.lengths.0 & lengths.0 != 0
    }

    /// Whether `compatible` is among them.
    pub(super) fn has(&self, compatible: &str) -> bool {
        let is_it = |kind: &[u8]| kind == compatible.as_bytes();
        is_it(self.first) || self.others.split(|&byte| byte == 0).any(is_it)
    }
}

/// The controller's own number of the interrupt whose first cell is `value`'s cell `index`.
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
