//! What the PCI host bridge is given.

use crate::Board;
use crate::board::{BarAssignment, Msi, Range};
use crate::emit::notation::{address, row, size};
use crate::emit::table::{self, left, right};

/// Its windows and interrupts; nothing where there is no bridge.
pub(super) fn section(board: &Board) -> String {
    let Some(pci) = &board.pci else {
        return String::new();
    };
    let range = |range: Range| format!("{}, {}", address(range.base), size(range.size));
    let mut rows = vec![[String::from("configuration space"), range(pci.ecam)]];
    if let Some(view) = pci.view {
        rows.push([String::from("seen at"), range(view)]);
    }
    rows.push([String::from("buses"), row(0, pci.buses)]);
    let windows = [
        ("port I/O window", pci.io),
        ("32-bit memory window", pci.memory32),
        ("64-bit memory window", pci.memory64),
    ];
    for (what, window) in windows {
        let window = window.map_or_else(|| String::from("none"), range);
        rows.push([what.to_owned(), window]);
    }
    let bars = match pci.bars {
        BarAssignment::Kernel => "by the kernel",
        BarAssignment::Firmware => "by firmware",
    };
    rows.push(["BARs assigned", bars].map(String::from));
    let intx = format!("{} + (slot + pin) % 4, INTA being pin 0", pci.intx.number);
    rows.push([String::from("INTx"), intx]);
    let messages = match pci.msi {
        None => "not delivered",
        Some(Msi::Its) => "by the ITS",
        Some(Msi::V2m) => "by the v2m frame",
    };
    rows.push(["message interrupts", messages].map(String::from));
    let facts = table::render(&[left("", 20), left("from `pci.ecam`", 40)], &rows);
    format!("{facts}\n{}", routing(pci.intx.number))
}

/// The input of the interrupt controller that each pin of each slot is wired to.
fn routing(first: u32) -> String {
    let rows: Vec<[String; 5]> = (0..4)
        .map(|slot| {
            let pin = |pin: u32| first.saturating_add((slot + pin) % 4).to_string();
            let slots = format!("{slot}, {}, {}, …", slot + 4, slot + 8);
            [slots, pin(0), pin(1), pin(2), pin(3)]
        })
        .collect();
    let columns = [
        left("slot", 12),
        right("INTA", 4),
        right("INTB", 4),
        right("INTC", 4),
        right("INTD", 4),
    ];
    table::render(&columns, &rows)
}
