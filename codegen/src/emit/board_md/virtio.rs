//! The addresses and interrupts of the virtio-mmio slots.

use crate::Board;
use crate::board::Interrupt;
use crate::emit::table::{self, left, right};
use crate::notation::{address, hexadecimal};

use super::interrupts::line;

/// The number of slots listed at either end; those between follow the rule.
const LISTED: u32 = 2;

/// Returns the first and the last slots, and the rule for all; empty without slots.
pub(super) fn section(board: &Board) -> String {
    let Some(slots) = &board.virtio_mmio else {
        return String::new();
    };
    let interrupt = |slot: u32| Interrupt {
        number: slots.interrupts.number.saturating_add(slot),
        count: 1,
        ..slots.interrupts
    };
    let row = |slot: u32| {
        let offset = slots.stride.saturating_mul(slot.into());
        [
            slot.to_string(),
            address(slots.base.saturating_add(offset)),
            interrupt(slot).number.to_string(),
            line(board, interrupt(slot)),
        ]
    };
    let mut rows: Vec<[String; 4]> = (0..slots.count.min(LISTED)).map(row).collect();
    let last = slots.count.saturating_sub(LISTED).max(LISTED);
    if last > LISTED {
        rows.push(["…", "", "", ""].map(str::to_owned));
    }
    rows.extend((last..slots.count).map(row));
    let columns = [
        right("slot", 5),
        left("registers", 14),
        right("interrupt", 9),
        left("line", 11),
    ];
    format!(
        "Slot n has its registers at {} + n * {} and raises {} + n (`virtio-mmio`).\n\n{}",
        address(slots.base),
        hexadecimal(slots.stride),
        slots.interrupts.number,
        table::render(&columns, &rows)
    )
}
