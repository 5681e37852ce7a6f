//! The names of virtio devices.

use crate::Board;
use crate::board::NamedDevice;
use crate::emit::table::{self, left};

/// Returns a row for each name; empty without names.
pub(super) fn section(board: &Board) -> String {
    let disks = board.disks.iter().map(|named| row(named, "serial number"));
    let nics = board
        .nics
        .iter()
        .map(|named| row(named, "hardware address"));
    let rows: Vec<[String; 3]> = disks.chain(nics).collect();
    if rows.is_empty() {
        return String::new();
    }
    let columns = [left("name", 12), left("device", 52), left("from", 16)];
    format!(
        "The first device that matches has the name; words of the command line override it.\n\n{}",
        table::render(&columns, &rows)
    )
}

fn row(named: &NamedDevice, own: &str) -> [String; 3] {
    let identity = named.identity.iter().map(|text| format!("{own} {text}"));
    let slot = named
        .slot
        .iter()
        .map(|slot| format!("virtio-mmio slot {slot}"));
    let function = named.function.iter().map(|place| format!("PCI {place}"));
    let device: Vec<_> = identity.chain(slot).chain(function).collect();
    [
        named.name.clone(),
        device.join(", or "),
        format!("`{}`", named.key),
    ]
}
