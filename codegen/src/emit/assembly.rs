//! `entry.S` and `vectors.S`: the entry code and the exception vectors.

use minijinja::{Value, context};

use super::template::{self, Template};
use super::{Artefact, Error, header, linker};
use crate::Board;
use crate::board::{Architecture, Boot};
use crate::notation::plain;

mod arm;
mod pc;

/// Returns the entry code, up to the call of `vmos_start`.
///
/// # Errors
///
/// If there is no template for the processor, or the image would be loaded outside RAM.
pub fn entry(board: &Board) -> Result<Artefact, Error> {
    render(board, template::assembly(board)?.entry)
}

/// Returns the vectors, up to the call of `vmos_exception`.
///
/// # Errors
///
/// As for [`entry`].
pub fn vectors(board: &Board) -> Result<Artefact, Error> {
    render(board, template::assembly(board)?.vectors)
}

fn render(board: &Board, template: Template) -> Result<Artefact, Error> {
    let (load_address, load_key) = linker::load(board);
    let ram = linker::ram(board)?;
    let everywhere = context! {
        header => header::of_board_by(board, template.path()),
        title => &*board.title,
        load_key,
    };
    let more = match board.boot {
        Boot::LinuxImage { .. } | Boot::Elf { .. } => context! {
            text_offset => plain(load_address - ram.base),
            arm => arm::context(board),
        },
        Boot::Pvh { .. } => context! { pc => pc::context(board) },
        Boot::SbiPayload { .. } => riscv(board, &["supervisor"]),
        Boot::MachineMode { .. } if board.boot.takes_firmware() => {
            riscv(board, &["supervisor", "machine"])
        }
        Boot::MachineMode { .. } => riscv(board, &["machine"]),
    };
    template.render(context! { ..everywhere, ..more })
}

/// Returns the additional context for RISC-V templates: the width of a register, and the modes in
/// which the kernel may be entered. The first mode is entered at the start of the image.
fn riscv(board: &Board, modes: &[&'static str]) -> Value {
    let bits = match board.architecture {
        Architecture::Riscv32 => 32,
        _ => 64,
    };
    context! { bits, modes => modes.to_vec() }
}
