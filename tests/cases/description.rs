//! Tests that compare the board file with the machine.

use core::slice;
use std::collections::BTreeMap;

use vmos_codegen::machine::device::Device;
use vmos_codegen::source::{Folder, InMemory};
use vmos_codegen::tree::Plan;
use vmos_codegen::verify::mutate::mutate;
use vmos_codegen::verify::verify;
use vmos_codegen::{Board, load_from};
use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use xtask::command::import;
use xtask::command::verify::Score;
use xtask::inspect;

use super::Case;

pub(super) const CASES: [Case; 3] = [
    Case::once_a_board("is_as_described", is_as_described),
    Case::once_a_board("shows_what_is_misdescribed", shows_what_is_misdescribed),
    Case::once_a_board("can_be_imported", can_be_imported),
];

fn is_as_described(setting: &Setting) -> Outcome {
    let facts = inspect::board(setting.board()).map_err(|e| e.to_string())?;
    verify(&Folder::new(setting.root()), &setting.board().name, &facts)?;
    Ok(())
}

fn shows_what_is_misdescribed(setting: &Setting) -> Outcome {
    let facts = inspect::board(setting.board()).map_err(|e| e.to_string())?;
    // A machine without a device tree and without ACPI tables does not tell its interrupts and
    // frequencies, and devices of the same kind cannot be told apart.
    if !facts.has_tables() {
        return Ok(());
    }
    let board = &setting.board().name;
    let mutants = mutate(&Folder::new(setting.root()), board, &facts)?;
    let score = Score {
        board,
        mutants: &mutants,
    };
    ensure!(score.suffices(), "{score}");
    Ok(())
}

/// Checks that an imported board file generates identical code, and therefore describes the same
/// machine.
fn can_be_imported(setting: &Setting) -> Outcome {
    let board = setting.board();
    let facts = inspect::board(board).map_err(|e| e.to_string())?;
    // A device tree without devices cannot be imported. A machine that accepts both an ELF file and
    // a flat image does not show which one it is given.
    let tells = facts.devices.iter().any(Device::is_of_tree);
    if !tells || board.boot.key == "boot.elf" {
        return Ok(());
    }
    let draft = import::again(board, &facts);
    ensure!(
        draft.todo.is_empty(),
        "{}\n{}",
        draft.todo.join("\n"),
        draft.text
    );
    let sources = InMemory::new().with(&board.name, draft.text.as_str());
    verify(&sources, &board.name, &facts)?;
    let mut imported = Board {
        title: board.title.clone(),
        sources: board.sources.clone(),
        // Names are the author's, not the machine's.
        disks: board.disks.clone(),
        nics: board.nics.clone(),
        ..load_from(&sources, &board.name)?
    };
    // So is the size of the stack.
    imported.memory.stack = board.memory.stack;
    let (wanted, found) = (code(board)?, code(&imported)?);
    for (path, text) in &wanted {
        let imported = found.get(path).map_or("", String::as_str);
        let mut lines = text.lines().zip(imported.lines());
        let differs = lines.find(|(board, imported)| board != imported);
        ensure!(imported == text, "{path} differs: {differs:#?}");
    }
    ensure!(found.len() == wanted.len(), "{:?}", found.keys());
    Ok(())
}

/// Returns the generated files that are compiled into a board's image.
fn code(board: &Board) -> Outcome<BTreeMap<String, String>> {
    let plan = Plan::some(slice::from_ref(board), &[&board.name])?;
    let is_code = |path: &String| {
        let of_board = path.starts_with(&board.name);
        of_board && [".rs", ".ld", ".S"].iter().any(|end| path.ends_with(end))
    };
    let files = plan.files().clone().into_iter();
    Ok(files.filter(|(path, _)| is_code(path)).collect())
}
