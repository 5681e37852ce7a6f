//! `entry.S` and `vectors.S`: the first instructions, and what faults run.

use minijinja::context;

use super::notation::plain;
use super::template::{self, Template};
use super::{Artefact, Error, header, linker};
use crate::Board;

mod arm;
mod pc;

/// The first instructions, up to the kernel's `vmos_start`.
///
/// # Errors
///
/// Where there is no template for the processor, or the image would be loaded outside RAM.
pub fn entry(board: &Board) -> Result<Artefact, Error> {
    render(board, template::assembly(board)?.entry)
}

/// The vector table, up to the kernel's `vmos_exception`.
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
    template.render(context! {
        header => header::of_board_by(board, template.path()),
        title => &*board.title,
        load_key,
        text_offset => plain(load_address - ram.base),
        arm => arm::context(board),
        pc => pc::context(board),
    })
}
