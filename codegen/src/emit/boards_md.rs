//! The `README.md` of `generated/`: a comparison of all boards.

use super::board_md::identity;
use super::table::{self, left};
use super::{header, reference, schema};
use crate::Board;
use crate::notation::size;

/// The name of the file in `generated/`.
pub const FILE: &str = "README.md";

/// Returns the page of `boards`, in the order of their names.
#[must_use]
pub fn emit(boards: &[Board]) -> String {
    let mut boards: Vec<&Board> = boards.iter().collect();
    boards.sort_by(|one, other| one.name.cmp(&other.name));
    let header = header::of_boards().join("\n     ");
    let mut text = format!(
        "<!-- {header} -->\n\n# The boards\n\n\
         The boards in `boards/`. Each has a page with its memory map, interrupts and QEMU command line,\n\
         which `cargo xtask gen` writes. [{reference}]({reference}) lists the keys of board\n\
         files, and [{schema}]({schema}) is the schema for editors.\n\n\
         ## Boards\n\n",
        reference = reference::FILE,
        schema = schema::FILE
    );
    let rows: Vec<[String; 6]> = boards.iter().map(|board| machine(board)).collect();
    let columns = [
        left("board", 44),
        left("title", 40),
        left("processor", 10),
        left("QEMU machine", 34),
        left("memory", 8),
        left("tested with QEMU", 15),
    ];
    text += &table::render(&columns, &rows);
    text += "\n## Devices\n\n";
    let rows: Vec<[String; 7]> = boards.iter().map(|board| parts(board)).collect();
    let columns = [
        left("board", 20),
        left("interrupt controller", 32),
        left("timer", 40),
        left("console", 30),
        left("power", 24),
        left("virtio-mmio", 22),
        left("PCI", 34),
    ];
    text += &table::render(&columns, &rows);
    text
}

fn machine(board: &Board) -> [String; 6] {
    let qemu = &board.qemu;
    [
        format!("[{name}]({name}/board.md)", name = board.name),
        board.title.clone(),
        board.architecture.to_string(),
        format!("`{} -cpu {}`", qemu.machine, qemu.cpu),
        size(qemu.memory),
        qemu.tested.join(", "),
    ]
}

/// Returns the parts that every board has, by the text in the first column.
fn parts(board: &Board) -> [String; 7] {
    let rows = identity::rows(board);
    let part = |what: &str| {
        let said = rows.iter().filter(|[row, ..]| row == what);
        let said: Vec<&str> = said.map(|[_, is, _]| is.as_str()).collect();
        match said.is_empty() {
            true => "none".to_owned(),
            false => said.join(", then "),
        }
    };
    [
        board.name.clone(),
        part("interrupt controller"),
        part("timer"),
        part("console"),
        part("power"),
        part("virtio-mmio"),
        pci(board),
    ]
}

fn pci(board: &Board) -> String {
    let Some(pci) = &board.pci else {
        return "none".to_owned();
    };
    let messages = match pci.msi {
        Some(_) => "messages and INTx",
        None => "INTx",
    };
    match (pci.registers, pci.buses) {
        (Some(_), 1) => format!("1 bus, {messages}"),
        (Some(_), buses) => format!("{buses} buses, {messages}"),
        (None, _) => format!("by ports, {messages}"),
    }
}
