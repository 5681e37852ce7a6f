//! The parts of the board.

use crate::Board;
use crate::board::{Boot, ImageForm, Part};
use crate::emit::table::{self, left};
use crate::notation::{address, hexadecimal, size};

pub(in crate::emit) type Row = [String; 3];

fn row(what: &str, is: String, key: &str) -> Row {
    [what.to_owned(), is, format!("`{key}`")]
}

fn part(what: &str, part: &Part) -> Row {
    row(what, part.card.clone(), &part.key)
}

/// Returns a row for each part, with its key.
pub(super) fn section(board: &Board) -> String {
    table::render(
        &[left("", 20), left("", 54), left("from", 29)],
        &rows(board),
    )
}

/// Returns the rows separately: the part, its description, and the quoted key.
pub(in crate::emit) fn rows(board: &Board) -> Vec<Row> {
    let processor = board.architecture.to_string();
    let mut rows = vec![
        row("processor", processor, "board.architecture"),
        boot(&board.boot),
        row("stack", size(board.memory.stack), "memory.stack"),
        part("interrupt controller", &board.interrupt_controller.part),
        part("timer", &board.timer.part),
        part("console", &board.console.part),
    ];
    rows.extend(board.power.iter().map(|one| part("power", &one.part)));
    if let Some(slots) = &board.virtio_mmio {
        let is = format!("{} slots, {} apart", slots.count, hexadecimal(slots.stride));
        rows.push(row("virtio-mmio", is, "virtio-mmio"));
    }
    for part in &board.parts {
        let is = format!("{}: {}", part.kind, part.title);
        rows.push(row(&format!("part {}", part.name), is, &part.key));
    }
    rows
}

fn boot(boot: &Boot) -> Row {
    match *boot {
        Boot::LinuxImage {
            load_address,
            exception_level,
        } => {
            let at = address(load_address);
            let is = format!("Linux image at {at}, entered at {exception_level}");
            row("boot", is, "boot.linux-image")
        }
        Boot::Elf {
            load_address,
            exception_level,
            ..
        } => {
            let at = address(load_address);
            let is = format!("ELF file at {at}, entered at {exception_level}");
            row("boot", is, "boot.elf")
        }
        Boot::Pvh { load_address } => {
            let is = format!("PVH, ELF file at {}", address(load_address));
            row("boot", is, "boot.pvh")
        }
        Boot::SbiPayload { load_address, form } => {
            let (what, at) = (image(form), address(load_address));
            let is = format!("SBI payload, {what} at {at}, entered in S mode");
            row("boot", is, "boot.sbi-payload")
        }
        Boot::MachineMode {
            entry,
            load_address,
            form,
        } => {
            let (what, at) = (image(form), address(load_address));
            let is = match entry == load_address {
                true => format!("out of reset, {what} at {at}, entered in M mode"),
                false => format!(
                    "out of reset at {}, {what} at {at}, entered in M mode, or in S mode by firmware",
                    address(entry)
                ),
            };
            row("boot", is, "boot.machine-mode")
        }
    }
}

const fn image(form: ImageForm) -> &'static str {
    match form {
        ImageForm::Elf => "ELF file",
        ImageForm::Flat => "flat image",
    }
}
