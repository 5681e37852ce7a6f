//! Decides from its inputs whether an image changes.

use std::collections::BTreeMap;

/// The inputs of every image, besides the generated files of its board.
pub(super) const SOURCES: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    ".cargo",
    "apps",
    "drivers",
    "kernel",
    "rust-toolchain.toml",
    "xtask/src/flatten.rs",
    "xtask/src/image.rs",
];

/// Whether the image of a board changes, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The image does not change: no input differs.
    Same,
    /// The image does not change: only comments differ in the inputs.
    SameButComments,
    /// The image changes: generated files that are compiled into it differ.
    Changes(Vec<String>),
    /// The image may change: sources that may be compiled into it differ.
    MayChange(Vec<String>),
    /// The image was built at both revisions.
    Built {
        /// Whether the loaded bytes are identical.
        same: bool,
        /// The size of the image before and after, in bytes.
        sizes: (u64, u64),
    },
}

/// Decides whether the image of `board` changes, from the generated files of all boards before and
/// after, by path, and the sources that differ.
pub(super) fn verdict(
    board: &str,
    before: &BTreeMap<String, Vec<u8>>,
    after: &BTreeMap<String, Vec<u8>>,
    sources: &[String],
) -> Verdict {
    let mut code = Vec::new();
    let mut has_comments = false;
    for path in before.keys().chain(after.keys()) {
        if !goes_into(path, board) || code.contains(path) {
            continue;
        }
        let (old, new) = (before.get(path), after.get(path));
        if old == new {
            continue;
        }
        let of_board = |bytes: Option<&Vec<u8>>| bytes.map(|bytes| essence(bytes, path, board));
        if of_board(old) == of_board(new) {
            has_comments |= path.contains('/');
        } else {
            code.push(path.clone());
        }
    }
    match (code.is_empty(), sources.is_empty(), has_comments) {
        (false, ..) => Verdict::Changes(
            code.iter()
                .map(|path| format!("generated/{path}"))
                .collect(),
        ),
        (true, false, _) => Verdict::MayChange(sources.to_vec()),
        (true, true, true) => Verdict::SameButComments,
        (true, true, false) => Verdict::Same,
    }
}

/// Returns whether a generated file is an input of a board's image: files of the board that the
/// compiler, the assembler or the linker read, and files shared by all boards.
fn goes_into(path: &str, board: &str) -> bool {
    let is_code = [".rs", ".S", ".ld", "Cargo.toml"]
        .iter()
        .any(|end| path.ends_with(end));
    is_code
        && path
            .split_once('/')
            .is_none_or(|(folder, _)| folder == board)
}

/// Returns the lines of a file that produce code for a board, without comments and lines for other
/// boards.
fn essence(bytes: &[u8], path: &str, board: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let is_shared = !path.contains('/');
    let lines = text.lines().map(str::trim).filter(|line| {
        let is_comment = line.starts_with("//")
            || (path.ends_with("Cargo.toml") && line.starts_with('#'))
            || (line.starts_with("/*") && line.find("*/") == Some(line.len().saturating_sub(2)));
        let is_others = is_shared && is_of_some_board(line) && !names(line, board);
        !line.is_empty() && !is_comment && !is_others
    });
    lines.map(str::to_owned).collect()
}

/// Returns whether a line of a shared file belongs to a single board.
fn is_of_some_board(line: &str) -> bool {
    let starts = [
        "#[cfg(all(target_os = \"none\", feature = ",
        "#[path = ",
        "mod ",
        "pub use ",
    ];
    starts.iter().any(|start| line.starts_with(start)) || line.ends_with(" = []")
}

/// Returns whether a line names a board, as a feature or as a module.
fn names(line: &str, board: &str) -> bool {
    let module = board.replace('-', "_");
    let mut words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
    words.any(|word| word == board || word == module)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
        let files = files.iter();
        files
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn documentation_is_no_input_of_an_image() {
        let before = files(&[("a/board.md", "x"), ("a/board.rs", "code")]);
        let after = files(&[("a/board.md", "y"), ("a/board.rs", "code")]);
        assert_eq!(verdict("a", &before, &after, &[]), Verdict::Same);
    }

    #[test]
    fn code_of_the_board_changes_its_image_and_no_other() {
        let before = files(&[("a/board.rs", "x"), ("b/board.rs", "code")]);
        let after = files(&[("a/board.rs", "y"), ("b/board.rs", "code")]);
        let changes = Verdict::Changes(vec![String::from("generated/a/board.rs")]);
        assert_eq!(verdict("a", &before, &after, &[]), changes);
        assert_eq!(verdict("b", &before, &after, &[]), Verdict::Same);
    }

    #[test]
    fn a_comment_is_no_code() {
        let before = files(&[
            ("a/linker.ld", "/* old */\n. = 1;"),
            ("a/board.rs", "//! x\ncode"),
        ]);
        let after = files(&[
            ("a/linker.ld", "/* new */\n. = 1;"),
            ("a/board.rs", "//! y\ncode"),
        ]);
        assert_eq!(verdict("a", &before, &after, &[]), Verdict::SameButComments);
        let after = files(&[
            ("a/linker.ld", "/* old */ . = 2;"),
            ("a/board.rs", "//! x\ncode"),
        ]);
        assert!(matches!(
            verdict("a", &before, &after, &[]),
            Verdict::Changes(_)
        ));
    }

    #[test]
    fn another_board_in_a_shared_file_changes_no_image() {
        let before = files(&[
            ("lib.rs", "#![no_std]\nmod a_b;\n"),
            ("Cargo.toml", "a-b = []\n"),
        ]);
        let after = files(&[
            ("lib.rs", "#![no_std]\nmod a;\nmod a_b;\n"),
            ("Cargo.toml", "a = []\na-b = []\n"),
        ]);
        assert_eq!(verdict("a-b", &before, &after, &[]), Verdict::Same);
        let after = files(&[("lib.rs", "mod a_b;\n"), ("Cargo.toml", "a-b = []\n")]);
        assert!(matches!(
            verdict("a-b", &before, &after, &[]),
            Verdict::Changes(_)
        ));
    }

    #[test]
    fn a_changed_source_may_change_any_image() {
        let same = files(&[("a/board.rs", "code")]);
        let sources = [String::from("kernel/src/lib.rs")];
        let verdict = verdict("a", &same, &same, &sources);
        assert_eq!(verdict, Verdict::MayChange(sources.to_vec()));
    }
}
