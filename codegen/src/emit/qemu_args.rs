//! `qemu.args`: how QEMU is started for a board, but for what a run adds.

use super::header;
use crate::Board;
use crate::board::Boot;

/// One argument a line, in the order QEMU is to get them. Lines that begin with `#` are comments.
/// The image, the devices, the console and another size of memory are added by who runs it.
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

/// The binary that emulates the board.
#[must_use]
pub fn program(board: &Board) -> String {
    format!("qemu-system-{}", board.qemu.system)
}

/// The arguments with the key path each group comes from.
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
    if matches!(board.boot, Boot::MachineMode { .. }) {
        groups.push(("boot.machine-mode", option("-bios", "none".to_owned())));
    }
    if !qemu.arguments.is_empty() {
        groups.push(("qemu.arguments", qemu.arguments.clone()));
    }
    groups
}
