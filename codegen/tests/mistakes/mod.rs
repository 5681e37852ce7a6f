//! Mistakes in the boards of this repository. Each is reported once, at its line, and the diagnostic
//! says what to write. What it says is then written, and is right.

use std::fs;
use std::path::{Path, PathBuf};

use vmos_codegen::source::InMemory;
use vmos_codegen::{Diagnostics, load_from};

/// A mistake.
pub(crate) struct Planted {
    pub(crate) what: &'static str,
    pub(crate) board: &'static str,
    /// The replaced text.
    pub(crate) right: &'static str,
    /// The text with the mistake, on the line that must be reported.
    pub(crate) wrong: &'static str,
    pub(crate) code: &'static str,
    /// Words of the diagnostic.
    pub(crate) words: &'static str,
    /// The text in place of `wrong` for a reader who does what the diagnostic says.
    pub(crate) obeyed: &'static str,
}

/// Creates a mistake.
pub(crate) const fn planted(
    what: &'static str,
    board: &'static str,
    [right, wrong, obeyed]: [&'static str; 3],
    code: &'static str,
    words: &'static str,
) -> Planted {
    Planted {
        what,
        board,
        right,
        wrong,
        code,
        words,
        obeyed,
    }
}

fn boards() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../boards")
}

fn original(name: &str) -> String {
    fs::read_to_string(boards().join(format!("{name}.toml"))).expect("a board")
}

/// Returns the board with text in place of other text; of a header, it keeps the header.
pub(crate) fn replaced(mistake: &Planted, new: &str) -> String {
    let text = original(mistake.board);
    assert!(text.contains(mistake.right), "{}", mistake.what);
    let new = match mistake.right.ends_with('\n') {
        true => format!("{}{new}", mistake.right),
        false => new.to_owned(),
    };
    text.replacen(mistake.right, &new, 1)
}

/// Returns the diagnostics of the board with text in place of other text, among all boards.
pub(crate) fn told(mistake: &Planted, new: &str) -> Option<Diagnostics> {
    let mut sources = InMemory::new();
    for entry in fs::read_dir(boards()).expect("the folder of boards") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|name| name.to_str());
        let name = name.filter(|name| *name != mistake.board);
        if let Some(name) = name.filter(|_| path.extension().is_some_and(|ext| ext == "toml")) {
            sources = sources.with(name, original(name));
        }
    }
    let sources = sources.with(mistake.board, replaced(mistake, new));
    load_from(&sources, mistake.board).err()
}

/// Returns the line of the mistake: the last one of its text, except for the keys of a table.
fn line(mistake: &Planted) -> usize {
    let text = replaced(mistake, mistake.wrong);
    let wrong = match mistake.wrong.starts_with('[') {
        true => mistake.wrong.lines().next(),
        false => mistake.wrong.lines().next_back(),
    };
    let wrong = wrong.expect("a line");
    let is_it = |line: &str| line.contains(wrong);
    text.lines().position(is_it).expect("a line") + 1
}

/// Returns what is wrong with the diagnostics of the mistakes; empty if nothing is.
pub(crate) fn faults(mistakes: &[Planted]) -> String {
    let mut wrong = String::new();
    for mistake in mistakes {
        let Some(told) = told(mistake, mistake.wrong) else {
            wrong += &format!("{}: not reported\n", mistake.what);
            continue;
        };
        let places: Vec<_> = told
            .iter()
            .map(|one| (one.code.written(), told.position(one.primary.at).1))
            .collect();
        let text = told.to_string();
        if places != [(mistake.code, line(mistake))] || !text.contains(mistake.words) {
            let line = line(mistake);
            wrong += &format!("{}: expected line {line}\n{text}\n", mistake.what);
        }
    }
    for mistake in mistakes {
        if let Some(told) = told(mistake, mistake.obeyed) {
            wrong += &format!("{}, obeyed:\n{told}\n", mistake.what);
        }
    }
    wrong
}
