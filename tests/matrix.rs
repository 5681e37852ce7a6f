//! The list of machine tests, derived from the board files: a new board gets all tests.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use vmos_codegen::Board;
use vmos_codegen::board::Architecture;
use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use xtask::boards;
use xtask::command::soak::MINUTES_VARIABLE;
use xtask::command::test::{BOARDS_VARIABLE, EVERYTHING_VARIABLE};
use xtask::emulator;
use xtask::transport::{self, Attachment, Transport};
use xtask::workspace::Workspace;

use crate::cases::{self, Case, Need, Scope};
use crate::faults;

/// Returns every test of the boards in the environment variable, named board/attachment/case.
/// Without the variable there are none, because a plain `cargo test` does not build the images; but
/// those of the lists of faults and of brief cases, which need no image, are always there.
pub(crate) fn trials() -> Outcome<Vec<Trial>> {
    let workspace = Arc::new(Workspace::find()?);
    let root = workspace.root.clone();
    let mut trials = vec![
        Trial::test("faults_have_tests", move || {
            faults::check(&root).map_err(Failed::from)
        }),
        Trial::test("brief_cases_exist", || {
            cases::check_brief().map_err(Failed::from)
        }),
    ];
    let Ok(chosen) = std::env::var(BOARDS_VARIABLE) else {
        return Ok(trials);
    };
    let chosen: Vec<_> = chosen
        .split(',')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    let mut boards = boards::load_some(&workspace, &chosen).map_err(|error| error.to_string())?;
    // As when the images were built.
    let names: Vec<_> = boards.iter().map(|board| board.name.clone()).collect();
    emulator::keep_tested(&mut boards);
    let soaks = std::env::var_os(MINUTES_VARIABLE).is_some();
    let everything = std::env::var_os(EVERYTHING_VARIABLE).is_some();
    let count = boards.len();
    // The number of boards so far that are tested whole: every second one takes a spread case.
    let mut number = 0;
    for board in boards {
        let board = Arc::new(board);
        let attachments = Attachment::of(&board);
        let is_brief = !everything && workspace.seldom.includes(&board.name, count);
        let is_possible = |case: &&Case| {
            can_be_tried(case.need, &board, Attachment::Mmio).is_some_and(|can_be| can_be)
        };
        if transport::is_console_only(&board) {
            // There is nothing to attach.
            let is_for_ethernet = workspace.ethernet.boards.contains(&board.name);
            let cases = cases::of_a_console().filter(|_| everything || !is_for_ethernet);
            trials.extend(cases.filter(is_possible).map(|case| {
                let name = format!("{}/console/{}", board.name, case.name);
                trial(&workspace, &board, Attachment::Mmio, name, *case)
            }));
        }
        if board.ethernet.is_some() {
            let is_tried = everything
                || !attachments.is_empty()
                || workspace.ethernet.boards.contains(&board.name);
            let cases = cases::of_ethernet().filter(|_| is_tried);
            trials.extend(cases.filter(is_possible).map(|case| {
                let name = format!("{}/ethernet/{}", board.name, case.name);
                trial(&workspace, &board, Attachment::Mmio, name, *case)
            }));
        }
        for (position, &attachment) in attachments.iter().enumerate() {
            let applies = |case: &&Case| match case.scope {
                Scope::Attachment => true,
                Scope::Board => position == 0,
                Scope::Thorough => everything,
                Scope::Soak => soaks && position == 0,
                Scope::Spread => {
                    let tried: Vec<_> = attachments
                        .iter()
                        .filter(|&&attachment| {
                            can_be_tried(case.need, &board, attachment).is_some()
                        })
                        .collect();
                    let is_its_turn = count == 1
                        || is_brief
                        || case.app.is_some()
                        || (sum(case.name) + number).is_multiple_of(2);
                    // Depends on names only, so that a failing case is found again if its board is tested alone.
                    let share = sum(case.name) + sum(&board.name);
                    let picked = tried.get(share % tried.len().max(1));
                    everything || (is_its_turn && picked == Some(&&attachment))
                }
            };
            let is_built = |case: &&Case| {
                let mut app = case.app.iter();
                everything || app.all(|app| workspace.tries(&board.name, &names, app))
            };
            let is_tried = |case: &&Case| (!is_brief || case.is_brief()) && is_built(case);
            for case in cases::all().filter(applies).filter(is_tried) {
                if let Some(can_be_tried) = can_be_tried(case.need, &board, attachment) {
                    let name = format!("{}/{attachment}/{}", board.name, case.name);
                    let trial = trial(&workspace, &board, attachment, name, *case);
                    trials.push(trial.with_ignored_flag(!can_be_tried));
                }
            }
        }
        number += usize::from(!is_brief && !attachments.is_empty());
    }
    Ok(trials)
}

/// Returns a number that spreads names.
fn sum(name: &str) -> usize {
    name.bytes().map(usize::from).sum()
}

/// Returns whether the board and its QEMU have what a case needs; `None` if the case does not apply
/// to the board.
pub(crate) fn can_be_tried(need: Need, board: &Board, attachment: Attachment) -> Option<bool> {
    match need {
        Need::Nothing => Some(true),
        Need::Slots => (attachment == Attachment::Mmio).then_some(true),
        Need::Pci => (attachment.transport() == Transport::Pci).then_some(true),
        Need::Messages => (attachment == Attachment::Pci && has_messages(board)).then_some(true),
        Need::Pins => (attachment == Attachment::PciIntx).then_some(true),
        Need::Modern => (attachment != Attachment::MmioLegacy).then_some(true),
        Need::SecondIoApic => {
            (attachment == Attachment::Mmio && has_io_apics(board)).then_some(true)
        }
        // A Cortex-M0 has none.
        Need::Protection => (board.architecture != Architecture::ArmV6M).then_some(true),
        Need::Flash => (!board.memory.flash.is_empty()).then_some(true),
        Need::Table => Some(board.boot.leaves_a_table),
        Need::Amount => Some(board.boot.leaves_a_table && !has_nodes(board)),
        Need::Processors => (!has_nodes(board)).then_some(true),
        Need::Names => {
            let is_named = !board.disks.is_empty() && !board.nics.is_empty();
            can_be_tried(Need::Room, board, attachment)
                .map(|has_room| has_room && is_named)
                .filter(|can_be| *can_be)
        }
        Need::Room => {
            let slots = board.virtio_mmio.as_ref().map_or(0, |slots| slots.count);
            let has_room = attachment.transport() == Transport::Pci || slots >= SLOTS;
            Some(has_room && board.boot.leaves_a_table)
        }
        Need::Memory4Gib => {
            let ram = &board.memory.ram;
            let is_open = ram.iter().any(|ram| ram.limit.is_none());
            let limits = ram.iter().filter_map(|ram| ram.limit);
            let has_room = is_open || limits.sum::<u64>() >= 4 << 30;
            Some(has_room && board.boot.leaves_a_table && !has_nodes(board))
        }
        // Only a machine that starts at the image itself can be started with firmware in its place too.
        Need::Firmware => board
            .boot
            .jump()
            .map(|_| emulator::firmware(board).is_some()),
    }
}

/// Returns whether QEMU's arguments of the board divide its RAM into nodes. QEMU then takes no other
/// amount than theirs, and assigns the processors to nodes by their number.
fn has_nodes(board: &Board) -> bool {
    board.qemu.arguments.iter().any(|word| word == "-numa")
}

/// The number of virtio devices of a machine with two disks, two network devices and random bytes.
const SLOTS: u32 = 5;

/// Returns whether virtio-mmio slots are connected to a second I/O APIC, because there are more
/// slots than inputs of the first one.
fn has_io_apics(board: &Board) -> bool {
    board.interrupt_controller.part.key == "interrupt-controller.apic"
}

fn has_messages(board: &Board) -> bool {
    board.pci.as_ref().is_some_and(|pci| pci.msi.is_some())
}

fn trial(
    workspace: &Arc<Workspace>,
    board: &Arc<Board>,
    attachment: Attachment,
    name: String,
    case: Case,
) -> Trial {
    let (workspace, board) = (Arc::clone(workspace), Arc::clone(board));
    Trial::test(name.clone(), move || {
        let setting = Setting::new(workspace, board, attachment).map_err(Failed::from)?;
        // A case that panics leaves its files like one that returns an error.
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| (case.run)(&setting)));
        let outcome = outcome.unwrap_or_else(|said| Err(told(&*said).into()));
        let outcome = outcome.and_then(|()| nothing_to_complain_of(&setting, case));
        outcome.map_err(|error| report(&setting, &name, &error.to_string()))?;
        faults::passed(setting.board(), attachment, case.name);
        Ok(())
    })
}

/// Returns the message of a panic.
fn told(said: &(dyn Any + Send)) -> String {
    let text = said.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| said.downcast_ref::<String>().cloned());
    format!("the case panicked: {}", text.unwrap_or_default())
}

/// Checks that QEMU printed no message about the machine.
fn nothing_to_complain_of(setting: &Setting, case: Case) -> Outcome {
    let complaints = setting.complaints();
    ensure!(
        case.provokes || complaints.is_empty(),
        "QEMU printed:\n{complaints}"
    );
    Ok(())
}

/// Formats the error, the output of the machines, the place of other files, and the command that
/// runs the test `name` alone.
pub(crate) fn report(setting: &Setting, name: &str, error: &str) -> String {
    let board = &setting.board().name;
    let folder = setting.workspace().target.join("failures").join(name);
    let kept = match setting.keep(&folder) {
        Ok(()) => format!("kept in {}", folder.display()),
        Err(error) => format!("cannot be kept in {}: {error}", folder.display()),
    };
    let qemu = emulator::folder().map_or(String::new(), |folder| {
        format!("{}={} ", emulator::VARIABLE, folder.display())
    });
    let everything = match std::env::var_os(EVERYTHING_VARIABLE) {
        Some(_) => "--all ",
        None => "",
    };
    let again = match std::env::var(MINUTES_VARIABLE) {
        Ok(minutes) => format!("soak {board} --minutes {minutes}"),
        Err(_) => format!("test {everything}{board} --filter {name}"),
    };
    format!(
        "{error}\n{}\n  console, frames and monitor are {kept}\n  run it alone with: {qemu}cargo xtask {again}",
        setting.log()
    )
}
