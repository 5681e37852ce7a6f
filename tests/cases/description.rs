//! The description is that of the machine.

use vmos_codegen::machine::{mutate, verify};
use vmos_codegen::source::Folder;
use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use xtask::command::verify::Score;
use xtask::inspect;

use super::Case;

pub(super) const CASES: [Case; 2] = [
    Case::once_a_board("is_as_described", is_as_described),
    Case::once_a_board("shows_what_is_misdescribed", shows_what_is_misdescribed),
];

fn is_as_described(setting: &Setting) -> Outcome {
    let facts = inspect::board(setting.workspace(), setting.board()).map_err(|e| e.to_string())?;
    verify(&Folder::new(setting.root()), &setting.board().name, &facts)?;
    Ok(())
}

fn shows_what_is_misdescribed(setting: &Setting) -> Outcome {
    let facts = inspect::board(setting.workspace(), setting.board()).map_err(|e| e.to_string())?;
    let board = &setting.board().name;
    let mutants = mutate::mutate(&Folder::new(setting.root()), board, &facts)?;
    let score = Score {
        board,
        mutants: &mutants,
    };
    ensure!(score.suffices(), "{score}");
    Ok(())
}
