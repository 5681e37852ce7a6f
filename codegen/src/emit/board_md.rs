//! `board.md`: the page of a board.

use super::table::{self, left};
use super::{header, qemu_args};
use crate::Board;
use crate::notation::address;

pub(super) mod identity;
mod interrupts;
mod memory;
mod names;
mod pci;
mod ports;
mod virtio;

/// The memory map as a picture, above its table.
const PICTURE: &str = "![The memory map](memory.svg)\n\n";

/// Returns the page: the board's parts, memory map and interrupt map, QEMU's options, and what was
/// left out.
#[must_use]
pub fn emit(board: &Board) -> String {
    let mut text = format!("<!-- {} -->\n\n", header::of_board(board).join("\n     "));
    text += &format!(
        "# {}\n\n{}\n\n{}",
        board.name,
        board.title,
        identity::section(board)
    );
    let sections = [
        ("Memory map", format!("{PICTURE}{}", memory::section(board))),
        ("Ports", ports::section(board)),
        ("Interrupt map", interrupts::section(board)),
        ("Virtio slots", virtio::section(board)),
        ("PCI", pci::section(board)),
        ("Named devices", names::section(board)),
        ("QEMU", qemu(board)),
        ("Left out on purpose", undescribed(board)),
        ("Intended overlaps", waivers(board)),
    ];
    for (title, section) in sections {
        if !section.is_empty() {
            text += &format!("\n## {title}\n\n{section}");
        }
    }
    text
}

fn qemu(board: &Board) -> String {
    let mut command = qemu_args::program(board);
    for (_, arguments) in qemu_args::arguments(board) {
        // An option and its values are on one line.
        for argument in arguments {
            command += if argument.starts_with('-') {
                " \\\n  "
            } else {
                " "
            };
            command += &quoted(&argument);
        }
    }
    let tested = match &board.qemu.tested[..] {
        [] => String::from("Not yet tested with any version"),
        versions => format!("Tested with QEMU {}", versions.join(", ")),
    };
    format!(
        "```sh\n{command}\n```\n\n`cargo xtask run {} --dry-run` prints the whole line, with the image, \
         the devices and the console.\n{tested} (`qemu.tested`).\n",
        board.name
    )
}

/// Quotes `argument` for a shell.
fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=,.:/+@%".contains(c);
    if argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
}

fn undescribed(board: &Board) -> String {
    if board.undescribed.is_empty() {
        return String::new();
    }
    let rows: Vec<[String; 2]> = board
        .undescribed
        .iter()
        .map(|(base, reason)| [address(*base), reason.clone()])
        .collect();
    table::render(
        &[left("address", 16), left("why (`undescribed`)", 60)],
        &rows,
    )
}

fn waivers(board: &Board) -> String {
    if board.waivers.is_empty() {
        return String::new();
    }
    let rows: Vec<[String; 3]> = board
        .waivers
        .iter()
        .map(|waiver| {
            let (a, b) = &waiver.between;
            [
                waiver.name.clone(),
                format!("`{a}`, `{b}`"),
                waiver.reason.clone(),
            ]
        })
        .collect();
    table::render(
        &[left("waiver", 20), left("between", 40), left("why", 40)],
        &rows,
    )
}
