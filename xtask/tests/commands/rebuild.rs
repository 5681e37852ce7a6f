//! Checks which crates cargo rebuilds after an edit of a board file, from cargo's own messages.
//!
//! The test edits a copy of the workspace. The copy is kept between runs and shares external crates
//! with the workspace, so that only the first run compiles much.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use vmos_codegen::Board;
use xtask::boards;
use xtask::image::{cargo_selection, without_prefixes};
use xtask::workspace::{Workspace, cargo};
use xtask::{install, target};

const APP: &str = "selftest";

struct Copy {
    root: PathBuf,
    target: PathBuf,
}

impl Copy {
    /// Copies the workspace. Unchanged files keep their modification times, by which cargo detects
    /// changes.
    fn new(workspace: &Workspace) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rebuild");
        fs::create_dir_all(&root).unwrap();
        bring(&workspace.root, &root);
        Self {
            root,
            target: workspace.target.clone(),
        }
    }

    fn generate(&self) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg("gen")
            .current_dir(&self.root)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn append(&self, board: &Board, text: &str) {
        let path = self.root.join(&board.sources[0]);
        let before = fs::read_to_string(&path).unwrap();
        fs::write(path, before + text).unwrap();
    }

    /// Returns the crates that cargo compiles for a board.
    fn compiled(&self, board: &Board) -> Vec<String> {
        let output = cargo()
            .args(["check", "--message-format", "json"])
            .args(cargo_selection(board, &[APP]))
            .args([
                "--config",
                &without_prefixes(&self.target).unwrap().unwrap(),
            ])
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let messages = String::from_utf8(output.stdout).unwrap();
        let mut names: Vec<String> = messages.lines().filter_map(not_fresh).collect();
        names.sort();
        names
    }
}

/// Returns the crate of a message, if cargo compiled it.
fn not_fresh(message: &str) -> Option<String> {
    let message: serde_json::Value = serde_json::from_str(message).unwrap();
    let compiled = message["reason"] == "compiler-artifact" && message["fresh"] == false;
    compiled.then(|| message["target"]["name"].as_str().unwrap().to_owned())
}

/// Makes the files below `to` equal to those below `from`, except for build output and hidden
/// files.
fn bring(from: &Path, to: &Path) {
    let names = |folder: &Path| -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter(|name| name == ".cargo" || !name.starts_with('.') && name != "target")
            .collect()
    };
    let wanted = names(from);
    for name in names(to).into_iter().filter(|name| !wanted.contains(name)) {
        let path = to.join(name);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }
    for name in wanted {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            fs::create_dir_all(&to).unwrap();
            bring(&from, &to);
        } else if from.is_file() {
            let text = fs::read(&from).unwrap();
            if fs::read(&to).ok().as_ref() != Some(&text) {
                fs::write(&to, text).unwrap();
            }
        }
    }
}

/// Returns a board that extends another and that no board extends, and another one of the same
/// architecture.
fn two_boards(workspace: &Workspace) -> (Board, Board) {
    let boards = boards::load_all(workspace).unwrap();
    let is_extended = |board: &Board| {
        let own = &board.sources[0];
        boards.iter().any(|other| other.sources[1..].contains(own))
    };
    // A second `[memory]` table in its file would be an error.
    let has_memory = |board: &Board| {
        let text = fs::read_to_string(workspace.root.join(&board.sources[0])).unwrap();
        text.contains("[memory]")
    };
    let heir = boards
        .iter()
        .find(|board| board.sources.len() > 1 && !is_extended(board) && !has_memory(board))
        .expect("a board that extends another");
    let other = boards
        .iter()
        .find(|board| board.architecture == heir.architecture && board.name != heir.name);
    (
        heir.clone(),
        other.expect("a board of the same architecture").clone(),
    )
}

/// Checks four edits in one test, because each one follows the previous one.
#[test]
fn an_edit_or_a_new_board_rebuilds_nothing_of_another_and_a_comment_nothing_at_all() {
    let workspace = Workspace::find().unwrap();
    let (board, other) = two_boards(&workspace);
    install::target(target::triple(board.architecture)).unwrap();
    let copy = Copy::new(&workspace);
    copy.generate();
    copy.compiled(&board);
    copy.compiled(&other);
    let nothing: [&str; 0] = [];
    assert_eq!(copy.compiled(&board), nothing, "nothing was edited");

    copy.append(&board, "\n# A comment.\n");
    let said = copy.generate();
    assert!(said.starts_with("0 written, "), "{said}");
    assert_eq!(copy.compiled(&board), nothing, "after a comment");
    assert_eq!(
        copy.compiled(&other),
        nothing,
        "after a comment in another board"
    );

    let new =
        "schema = 1\nextends = \"virt-arm64\"\n\n[board]\nname = \"new-one\"\ntitle = \"New\"\n";
    fs::write(copy.root.join("boards/new-one.toml"), new).unwrap();
    let said = copy.generate();
    assert!(said.contains("wrote generated/new-one/board.rs"), "{said}");
    assert_eq!(copy.compiled(&board), nothing, "after a new board");
    assert_eq!(copy.compiled(&other), nothing, "after a new board");

    copy.append(&board, "\n[memory]\nstack = \"512 KiB\"\n");
    let said = copy.generate();
    let written = said
        .lines()
        .filter_map(|line| line.trim().strip_prefix("wrote generated/"));
    for path in written {
        assert!(path.starts_with(&format!("{}/", board.name)), "{said}");
    }
    assert_eq!(
        copy.compiled(&other),
        nothing,
        "after an edit of another board"
    );
    let compiled = copy.compiled(&board);
    assert!(
        compiled.contains(&"vmos_board".to_owned()) && compiled.contains(&APP.to_owned()),
        "after its own edit: {compiled:?}"
    );
    assert!(
        !compiled.contains(&"vmos_drivers".to_owned()),
        "{compiled:?}"
    );
}

#[test]
fn all_boards_are_generated_in_less_than_a_second() {
    let root = Workspace::find().unwrap().root;
    let run = || {
        let begin = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["gen", "--check"])
            .current_dir(&root)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        begin.elapsed()
    };
    // The host may be busy, above all with the other tests of this program: one of many runs must be as fast.
    let mut took = Vec::new();
    let is_fast = (0..20).any(|_| {
        took.push(run());
        took.last().is_some_and(|it| *it < Duration::from_secs(1))
    });
    assert!(is_fast, "{took:?}");
}
