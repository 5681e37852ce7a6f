//! A device tree's nodes, read for what a board's description also says.

use dtoolkit::fdt::FdtNode;
use dtoolkit::{Node as _, Property as _};
use vmos_drivers::attestation::Fact;

use crate::device_tree::DeviceTree;

/// How deep a tree is looked at: deeper than any that describes a machine.
const DEPTH: usize = 8;

/// The cells of the address of a function in `ranges` and `interrupt-map` (PCI Bus Binding to Open
/// Firmware 2.1, 2.2.1.1).
const PCI_ADDRESS_CELLS: usize = 3;

/// A node.
#[derive(Clone, Copy)]
pub(super) struct Node<'a>(FdtNode<'a>);

impl<'a> Node<'a> {
    pub(super) fn root(tree: DeviceTree<'a>) -> Self {
        Self(tree.root())
    }

    /// Shows every node below this one, and itself.
    pub(super) fn visit(self, look: &mut impl FnMut(Self)) {
        visit(self.0, DEPTH, &mut |node| look(Self(node)));
    }

    fn value(self, property: &str) -> Option<&'a [u8]> {
        let found = self.0.properties().find(|one| one.name() == property)?;
        found.value_as().ok()
    }

    /// Whether it has this property.
    pub(super) fn has(self, property: &str) -> bool {
        self.value(property).is_some()
    }

    /// What it says that it is: `compatible` (Devicetree Specification 0.4, 2.3.1).
    pub(super) fn kinds(self) -> Kinds<'a> {
        Kinds(self.value("compatible").unwrap_or_default())
    }

    /// A property that is one cell.
    pub(super) fn number(self, property: &str) -> Option<u32> {
        cell(self.value(property)?, 0)
    }

    /// A property that is text.
    pub(super) fn text(self, property: &str) -> Option<&'a str> {
        let value = self.value(property)?;
        core::str::from_utf8(value.strip_suffix(&[0])?).ok()
    }

    /// The base and size of an entry of `reg`.
    pub(super) fn registers(self, index: usize) -> Option<(u64, u64)> {
        let entry = self.0.reg().ok()??.nth(index)?;
        Some((entry.address().ok()?, entry.size().ok()?))
    }

    /// The controller's own number of an entry of `interrupts`.
    pub(super) fn interrupt(self, index: usize, cells: usize, table: &[Fact]) -> Option<u32> {
        let value = self.value("interrupts")?;
        number_of_input(value, index.checked_mul(cells)?, table)
    }

    /// A frequency in Hz: this node's own, or else that of the clock that feeds it first.
    pub(super) fn frequency(self, property: &str, root: Self) -> Option<u64> {
        if let Some(own) = self.number(property) {
            return Some(own.into());
        }
        let clock = root.by_phandle(self.number("clocks")?)?;
        clock.number("clock-frequency").map(u64::from)
    }

    fn by_phandle(self, phandle: u32) -> Option<Self> {
        let mut found = None;
        self.visit(&mut |node| {
            if found.is_none() && node.number("phandle") == Some(phandle) {
                found = Some(node);
            }
        });
        found
    }

    /// The window of a PCI host bridge for a space: the part of it that `base` and `size` describe
    /// where that lies in one, or else the first one whole.
    pub(super) fn window(self, space: u32, base: u64, size: u64) -> Option<(u64, u64)> {
        let mut first = None;
        for entry in self.0.ranges().ok()??.take(16) {
            let code = entry.child_bus_address.as_ref().first()?.get() >> 24 & 0b11;
            let (at, length) = (entry.parent_bus_address().ok()?, entry.length().ok()?);
            if code != space {
                continue;
            }
            let inside = |base: u64| base.checked_sub(at).filter(|&offset| offset < length);
            if inside(base).is_some_and(|offset| size <= length - offset) {
                return Some((base, size));
            }
            first = first.or(Some((at, length)));
        }
        first
    }

    /// What pin INTA of slot 0 raises, where `interrupt-map` begins with it.
    pub(super) fn intx(
        self,
        controller: Option<Self>,
        table: &[Fact],
    ) -> Option<u32> {
        const SLOT: u32 = 0xF800;
        let map = self.value("interrupt-map")?;
        let (function, pin) = (cell(map, 0)?, cell(map, PCI_ADDRESS_CELLS)?);
        if function & SLOT != 0 || pin != 1 {
            return None;
        }
        // After the pin stand the controller's phandle, its address, and the line.
        let address = controller.and_then(|node| node.number("#address-cells"));
        let line = PCI_ADDRESS_CELLS + 2 + address.unwrap_or(0) as usize;
        number_of_input(map, line, table)
    }
}

/// What a node says that it is, read once for all that may ask.
#[derive(Clone, Copy)]
pub(super) struct Kinds<'a>(&'a [u8]);

impl Kinds<'_> {
    /// Whether `compatible` is among them.
    pub(super) fn has(self, compatible: &str) -> bool {
        self.0
            .split(|&byte| byte == 0)
            .any(|name| name == compatible.as_bytes())
    }
}

fn visit<'a>(node: FdtNode<'a>, depth: usize, look: &mut impl FnMut(FdtNode<'a>)) {
    look(node);
    if depth > 0 {
        for child in node.children() {
            visit(child, depth - 1, look);
        }
    }
}

fn cell(value: &[u8], index: usize) -> Option<u32> {
    let start = index.checked_mul(4)?;
    let bytes = value.get(start..start.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// The controller's own number of the interrupt whose first cell is `value`'s cell `index`.
fn number_of_input(value: &[u8], index: usize, table: &[Fact]) -> Option<u32> {
    let row = cell(value, index)?;
    let mut has_rows = false;
    for fact in table {
        if let Fact::Inputs {
            cell: Some(of_row),
            first,
            ..
        } = *fact
        {
            has_rows = true;
            if of_row == row {
                return first.checked_add(cell(value, index + 1)?);
            }
        }
    }
    (!has_rows).then_some(row)
}
