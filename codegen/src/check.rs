//! The checks of a description.
//!
//! Each check covers the whole description and reports every error that it finds. Keys with an
//! earlier error are absent or not claimed, so that no error is reported twice.

mod architecture;
mod interrupts;
pub(crate) mod memory;
mod named_devices;
mod overlap;
mod page_tables;
mod processor;
mod qemu;
mod undescribed;
mod waivers;

use waivers::Waivers;

use crate::binding::InterruptController;
use crate::board::{Architecture, PageTables};
use crate::description::Description;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::scalar::is_name;
use crate::part::claims::{Claimed, Claims};
use crate::part::surroundings::Surroundings;

/// Reports all errors in the description of the board `name`.
pub(crate) fn check(name: &str, description: &Description, problems: &mut Problems) -> Claimed {
    check_name(name, description, problems);
    let architecture = architecture::check(description, problems);

    let memory = description.memory.value();
    let page_tables = memory.and_then(|memory| memory.page_tables.value());
    let page_tables = page_tables.copied().unwrap_or(PageTables::Long);
    let mut claims = Claims::new(architecture, page_tables, problems);
    memory::claim(description, &mut claims);
    // A part of another architecture has been reported; its values do not count.
    let mut bindings = description.bindings();
    bindings.retain(|binding| is_of(architecture, binding.fits()));
    for binding in &bindings {
        binding.claim(&mut claims);
    }
    let Claims {
        mut ranges,
        ports,
        interrupts,
        mut dropped,
        ..
    } = claims;
    dropped.extend(description.unread().map(str::to_owned));
    let outside = memory::outside_ram(description, &ranges, problems);
    ranges.retain(|claim| !outside.contains(&claim.key));
    dropped.extend(outside);
    let claimed = Claimed {
        ranges,
        ports,
        interrupts,
        architecture,
    };

    let mut waivers = Waivers::of(description);
    overlap::check(&claimed.ranges, &mut waivers, problems);
    overlap::check(&claimed.ports, &mut waivers, problems);
    // The inputs of a controller of another architecture do not matter.
    let controller = description.controller().map(InterruptController::binding);
    let controller = controller.filter(|one| is_of(architecture, one.fits()));
    interrupts::check(controller, &claimed.interrupts, &mut waivers, problems);
    memory::check(description, problems);
    page_tables::check(description, architecture, problems);
    processor::check(description, architecture, problems);
    qemu::check(description, controller, problems);
    let around = Surroundings {
        controller,
        ..description.surroundings()
    };
    for binding in &bindings {
        binding.check(&around, &claimed, problems);
    }
    undescribed::check(description, &claimed.ranges, problems);
    named_devices::check(description, problems);

    let ranges = claimed.ranges.iter().map(|claim| claim.key.as_str());
    let interrupts = claimed.interrupts.iter().map(|claim| claim.key.as_str());
    let ports = claimed.ports.iter().map(|claim| claim.key.as_str());
    let keys: Vec<&str> = ranges.chain(ports).chain(interrupts).collect();
    waivers.finish(&keys, &dropped, problems);
    claimed
}

/// Returns whether a part of these architectures, or of all, can be on a board.
fn is_of(board: Option<Architecture>, part: Option<&'static [Architecture]>) -> bool {
    match (board, part) {
        (Some(board), Some(part)) => part.contains(&board),
        _ => true,
    }
}

/// Reports a board name that differs from the file name: commands find a board by its file, but the
/// kernel prints its name.
fn check_name(file_name: &str, description: &Description, problems: &mut Problems) {
    let Some(board) = description.board.get() else {
        return;
    };
    let Some(name) = board
        .value
        .name
        .get()
        .filter(|name| name.value.0 != file_name)
    else {
        return;
    };
    let diagnostic = if !is_name(file_name) {
        Diagnostic::new(
            Code::NameMismatch,
            name.at,
            format!("this file name is not a valid board name, `{file_name}`"),
        )
        .label("must equal the name of the file")
        .help("a name has lower-case letters, digits and single hyphens, a letter first: rename the file")
    } else if name.at.file == board.at.file {
        Diagnostic::new(
            Code::NameMismatch,
            name.at,
            format!("the board's name differs from its file's name, `{file_name}`"),
        )
        .label(format!("did you mean \"{file_name}\"?"))
    } else {
        let title = "a board needs a name of its own";
        Diagnostic::new(Code::NameMismatch, board.at, title)
            .label(format!("needs `name = \"{file_name}\"`"))
            .also(name.at, "this name is inherited")
    };
    problems.report(diagnostic);
}
