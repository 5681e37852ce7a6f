//! The configuration of the PCI host bridge.

use crate::Board;
use crate::board::{BarAssignment, Interrupt, Pins, Range};
use crate::emit::table::{self, left, right};
use crate::notation::{address, row, size};

/// Returns the windows and interrupts of the bridge; empty if there is none.
pub(super) fn section(board: &Board) -> String {
    let Some(pci) = &board.pci else {
        return String::new();
    };
    let range = |range: Range| format!("{}, {}", address(range.base), size(range.size));
    let key = format!("from `{}`", pci.part.key);
    let space = pci.part.card.clone();
    let mut rows = vec![[String::from("configuration space"), space]];
    if let Some(view) = pci.view() {
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
    for pins in &pci.pins {
        let each = |lines: &[Interrupt; 4]| lines.map(|line| line.number.to_string()).join(", ");
        let intx = match pins {
            Pins::From(first) => format!("{} + (slot + pin) % 4, INTA being pin 0", first.number),
            Pins::Rotated(lines) => {
                format!("of {}: (slot + pin) % 4, INTA being pin 0", each(lines))
            }
            Pins::Straight { first, last, lines } => {
                format!("slots {first} to {last}: {} for INTA to INTD", each(lines))
            }
        };
        rows.push([String::from("INTx"), intx]);
    }
    let messages = pci.msi.map_or("not delivered", |msi| msi.described);
    rows.push(["message interrupts", messages].map(String::from));
    let facts = table::render(&[left("", 20), left(&key, 40)], &rows);
    format!("{facts}\n{}", routing(&pci.pins))
}

/// Returns the input of the interrupt controller for each pin of each slot.
fn routing(pins: &[Pins]) -> String {
    let rows: Vec<[String; 5]> = pins.iter().flat_map(rows).collect();
    let columns = [
        left("slot", 12),
        right("INTA", 4),
        right("INTB", 4),
        right("INTC", 4),
        right("INTD", 4),
    ];
    table::render(&columns, &rows)
}

/// Returns a row for each kind of wiring.
fn rows(pins: &Pins) -> Vec<[String; 5]> {
    let (lines, straight) = match *pins {
        Pins::From(first) => {
            let line = |pin: u32| first.number.saturating_add(pin);
            ([line(0), line(1), line(2), line(3)], None)
        }
        Pins::Rotated(lines) => (lines.map(|line| line.number), None),
        Pins::Straight { first, last, lines } => (
            lines.map(|line| line.number),
            Some(format!("{first}-{last}")),
        ),
    };
    let row = |slots: String, slot: usize| {
        let [a, b, c, d] = [0, 1, 2, 3].map(|pin| lines[(slot + pin) % 4].to_string());
        [slots, a, b, c, d]
    };
    match straight {
        Some(slots) => vec![row(slots, 0)],
        None => (0..4)
            .map(|slot| row(format!("{slot}, {}, {}, …", slot + 4, slot + 8), slot))
            .collect(),
    }
}
