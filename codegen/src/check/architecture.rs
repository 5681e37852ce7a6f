//! Checks that the parts exist on the architecture.

use crate::board::{Architecture, ExceptionLevel, PageTables};
use crate::description::Description;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::reader::list;
use crate::language::schema::{Kind, offered};
use crate::part::surroundings::System;
use crate::source::Location;

/// A part that only some architectures have.
struct Part {
    /// The part's name, as in "`timer.arm-generic` does not exist on ...".
    name: String,
    at: Location,
    architectures: Vec<Architecture>,
    /// What to write instead on the board's architecture.
    instead: Option<String>,
}

/// Reports parts that do not exist on the architecture. Returns the architecture, or `None` if it
/// is probably wrong itself.
///
/// If several parts do not fit the architecture and all of them fit another one, only the
/// architecture is reported.
pub(super) fn check(description: &Description, problems: &mut Problems) -> Option<Architecture> {
    let identity = description.board.value()?;
    let architecture = identity.architecture.get()?;
    let parts = parts(description);
    let fits = |part: &Part, candidate: Architecture| part.architectures.contains(&candidate);
    let misfits: Vec<&Part> = parts
        .iter()
        .filter(|part| !fits(part, architecture.value))
        .collect();
    let better = Architecture::ALL
        .iter()
        .find(|other| parts.iter().all(|part| fits(part, **other)));
    if let (Some(better), true) = (better, misfits.len() > 1) {
        let title = format!(
            "the board's parts do not fit the architecture {}",
            architecture.value
        );
        let diagnostic = Diagnostic::new(Code::WrongArchitecture, architecture.at, title)
            .label(format!("did you mean \"{better}\"?"));
        let diagnostic = misfits.iter().fold(diagnostic, |diagnostic, part| {
            diagnostic.also(
                part.at,
                format!("{} is not for {}", part.name, architecture.value),
            )
        });
        problems.report(diagnostic);
        return None;
    }
    for part in misfits {
        let title = format!(
            "{} does not fit the architecture {}",
            part.name, architecture.value
        );
        let known: Vec<String> = part
            .architectures
            .iter()
            .map(|one| format!("\"{one}\""))
            .collect();
        problems.report(
            Diagnostic::new(Code::WrongArchitecture, part.at, title)
                .label(format!("only for {}", known.join(", ")))
                .also(architecture.at, "the board's architecture")
                .helps(part.instead.clone()),
        );
    }
    Some(architecture.value)
}

/// All exception levels and modes.
const LEVELS: [ExceptionLevel; 6] = [
    ExceptionLevel::El1,
    ExceptionLevel::El2,
    ExceptionLevel::El3,
    ExceptionLevel::Svc,
    ExceptionLevel::Hyp,
    ExceptionLevel::SecureSvc,
];

/// Returns a help text with the drivers of the same class that exist on an architecture.
fn instead_of(path: &str, architecture: Architecture) -> Option<String> {
    let (class, _) = path.split_once('.')?;
    let key = Description::TABLE
        .keys
        .iter()
        .find(|key| key.name == class)?;
    let (Kind::OneDriver(drivers) | Kind::Drivers(drivers)) = key.kind else {
        return None;
    };
    let names = offered(drivers, Some(architecture));
    Some(format!("drivers for {architecture}: {}", list(&names)))
}

fn parts(description: &Description) -> Vec<Part> {
    let identity = description.board.value();
    let architecture = identity.and_then(|identity| identity.architecture.value().copied());
    let bindings = description.bindings().into_iter().filter_map(|binding| {
        let architectures = binding.fits()?;
        let place = binding.place();
        Some(Part {
            name: format!("`{}`", place.path),
            at: place.at,
            architectures: architectures.to_vec(),
            instead: instead_of(&place.path, architecture?),
        })
    });
    let system = description.qemu.value().and_then(|qemu| qemu.system.get());
    let system = system.map(|system| Part {
        name: format!("`qemu-system-{}`", system.value.word()),
        at: system.at,
        architectures: system.value.architectures().to_vec(),
        instead: architecture.map(|known| format!("write \"{}\"", System::of(known).word())),
    });
    let level = description.surroundings().exception_level();
    let level = level.map(|level| Part {
        name: format!("`{}`", level.path),
        at: level.at,
        architectures: vec![level.value.architecture()],
        instead: architecture.map(|known| {
            let words = LEVELS.iter().filter(|level| level.architecture() == known);
            let words: Vec<String> = words.map(|one| format!("\"{}\"", one.word())).collect();
            format!("on {known} it is one of {}", words.join(", "))
        }),
    });
    let tables = description.memory.value();
    let tables = tables.and_then(|memory| memory.page_tables.get());
    let tables = tables.filter(|tables| tables.value == PageTables::Short);
    let tables = tables.map(|tables| Part {
        name: format!("`{} = \"short\"`", tables.path),
        at: tables.at,
        architectures: vec![Architecture::Arm],
        instead: None,
    });
    bindings.chain(system).chain(level).chain(tables).collect()
}
