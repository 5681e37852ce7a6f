//! `qemu.args`: QEMU's arguments for a board, without the ones that a single run adds.

use super::header;
use crate::Board;

/// Returns one argument per line, in QEMU's order. Lines that start with `#` are comments. `cargo
/// xtask run` adds the image, the devices, the console and another memory size.
#[must_use]
pub fn emit(board: &Board) -> String {
    let mut text = String::new();
    for line in header::of_board(board) {
        text += &format!("# {line}\n");
    }
    text += &format!("#\n# qemu.system: {}\n", program(board));
    for (key, arguments) in arguments(board) {
        text += &format!("# {key}\n");
        for argument in arguments {
            text += &format!("{argument}\n");
        }
    }
    text
}

/// Returns the program that emulates the board.
#[must_use]
pub fn program(board: &Board) -> String {
    format!("qemu-system-{}", board.qemu.system)
}

/// Returns the arguments in groups, each with its key path.
#[must_use]
pub fn arguments(board: &Board) -> Vec<(&'static str, Vec<String>)> {
    let qemu = &board.qemu;
    let option = |name: &str, value: String| vec![name.to_owned(), value];
    let mut groups = vec![
        ("qemu.machine", option("-machine", qemu.machine.clone())),
        ("qemu.cpu", option("-cpu", qemu.cpu.clone())),
        (
            "qemu.memory",
            option("-m", format!("{}M", qemu.memory >> 20)),
        ),
    ];
    if !board.boot.arguments.is_empty() {
        let words = board.boot.arguments.iter();
        let words = words.map(|word| (*word).to_owned()).collect();
        groups.push((board.boot.key, words));
    }
    if !qemu.arguments.is_empty() {
        groups.push(("qemu.arguments", qemu.arguments.clone()));
    }
    groups
}
