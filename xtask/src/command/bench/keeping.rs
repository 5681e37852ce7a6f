//! Records the counts in the repository, and checks the boards against them.

use vmos_codegen::Board;

use super::APP;
use crate::bench::check::Subject;
use crate::bench::kept::{Counts, FILE, release};
use crate::emulator;
use crate::failure::Failure;
use crate::guest::outcome::Outcome;
use crate::image;
use crate::install;
use crate::plugin::Plugin;
use crate::target;
use crate::transport::Attachment;
use crate::workspace::Workspace;

/// The advice if a change of the counts is intended.
const RECORD: &str = "`cargo xtask bench --record` records the new counts";

/// Repeats the counts of the boards; fails if one exceeds the recorded count by too much.
pub(super) fn check(workspace: &Workspace, boards: &[Board]) -> Result<(), Failure> {
    let Some(counts) = Counts::read(&workspace.root)? else {
        return Err(format!("{FILE} does not exist: {RECORD}").into());
    };
    let mut exceeded = 0;
    for board in boards {
        let version = version(board)?;
        if release(&version) != counts.emulator {
            eprintln!(
                "xtask: {}: not checked, because the counts were recorded with QEMU {} and this is {version}",
                board.name, counts.emulator
            );
            continue;
        }
        let Some(recorded) = counts.boards.get(&board.name) else {
            return Err(format!("{FILE} has no counts of {}: {RECORD}", board.name).into());
        };
        let verdict = with_subject(workspace, board, |subject| subject.check(recorded))?;
        for said in &verdict.exceeded {
            eprintln!("error: {}, {said}", board.name);
        }
        if !verdict.outdone.is_empty() {
            eprintln!(
                "xtask: {}: more than 3 % below the recorded counts: {}; {RECORD}",
                board.name,
                verdict.outdone.join(", ")
            );
        }
        if verdict.exceeded.is_empty() {
            println!(
                "{}: no count is more than 3 % above the recorded one",
                board.name
            );
        }
        exceeded += verdict.exceeded.len();
    }
    match exceeded {
        0 => Ok(()),
        count => {
            let are = if count == 1 { "count is" } else { "counts are" };
            Err(
                format!("{count} {are} more than 3 % above the recorded value; if that is intended, {RECORD}")
                    .into(),
            )
        }
    }
}

/// Records the counts of the boards; the counts of other boards are kept.
pub(super) fn record(workspace: &Workspace, boards: &[Board]) -> Result<(), Failure> {
    let mut counts = Counts::read(&workspace.root)?.unwrap_or_default();
    for board in boards {
        let version = version(board)?;
        let emulator = release(&version);
        if counts.emulator != emulator {
            let all = crate::boards::names(workspace)?;
            let is_left_out = |name: &&String| !boards.iter().any(|board| board.name == **name);
            if let Some(name) = all
                .iter()
                .find(is_left_out)
                .filter(|_| !counts.boards.is_empty())
            {
                return Err(Failure::usage(format!(
                    "{FILE} was recorded with QEMU {}, but this is {emulator}: record every board \
                     again, including {name}",
                    counts.emulator
                )));
            }
            counts = Counts {
                emulator: emulator.to_owned(),
                ..Counts::default()
            };
        }
        let figures = with_subject(workspace, board, |subject| subject.figures())?;
        println!("{}: {} counts", board.name, figures.len());
        counts.boards.insert(board.name.clone(), figures);
        counts.write(&workspace.root)?;
    }
    Ok(())
}

fn version(board: &Board) -> Result<String, Failure> {
    let program = target::qemu_program(board);
    install::qemu(&program)?;
    Ok(emulator::version(&program)?)
}

/// Builds what is counted, and passes it to `with`.
fn with_subject<T>(
    workspace: &Workspace,
    board: &Board,
    count: impl FnOnce(&Subject<'_>) -> Outcome<T>,
) -> Result<T, Failure> {
    install::target(target::triple(board.architecture))?;
    let program = target::qemu_program(board);
    let plugin = Plugin::build(&workspace.target.join("plugin"), &program)?;
    let attachment = Attachment::of(board);
    let attachment = attachment.first().copied();
    let attachment = attachment.ok_or_else(|| {
        format!(
            "{} has no virtio transport, so there is nothing to count",
            board.name
        )
    })?;
    workspace.app(APP).map_err(Failure::usage)?;
    let images = image::build(workspace, board, &[APP], None)?;
    let image = images.first().ok_or("cargo produced no image")?;
    let subject = Subject {
        workspace,
        board,
        attachment,
        image,
        plugin: &plugin,
    };
    count(&subject).map_err(|error| format!("{}: {error}", board.name).into())
}
