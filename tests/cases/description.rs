//! The description is that of the machine.

use vmos_codegen::load_from;
use vmos_codegen::machine::{mutate, verify};
use vmos_codegen::source::{Folder, InMemory};
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

/// What is imported comes to the same code, and so to the same running machine.
fn can_be_imported(setting: &Setting) -> Outcome {
    let board = setting.board();
    let facts = inspect::board(setting.workspace(), board).map_err(|e| e.to_string())?;
    // Without a device tree there is nothing to import.
    if facts.compatible.is_empty() {
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
    let imported = load_from(&sources, &board.name)?;
    ensure!(imported.boot == board.boot, "{:?}", imported.boot);
    ensure!(imported.memory == board.memory, "{:?}", imported.memory);
    ensure!(
        imported.interrupt_controller == board.interrupt_controller,
        "{:?}",
        imported.interrupt_controller
    );
    ensure!(imported.timer == board.timer, "{:?}", imported.timer);
    ensure!(imported.console == board.console, "{:?}", imported.console);
    ensure!(imported.power == board.power, "{:?}", imported.power);
    ensure!(
        imported.virtio_mmio == board.virtio_mmio,
        "{:?}",
        imported.virtio_mmio
    );
    ensure!(imported.pci == board.pci, "{:?}", imported.pci);
    Ok(())
}
