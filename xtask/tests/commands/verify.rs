//! `cargo xtask verify` on a copy of the boards.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;
use vmos_codegen::load_written;
use vmos_codegen::source::Folder;
use xtask::boards;
use xtask::workspace::Workspace;

/// The boards in a separate workspace, where they can be changed.
struct Copy {
    folder: TempDir,
}

impl Copy {
    fn new() -> Self {
        let root = Workspace::find().unwrap().root;
        let folder = TempDir::with_prefix("vmos-").unwrap();
        let manifest = "[workspace]\nresolver = \"3\"\nmembers = []\n";
        fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        fs::create_dir(folder.path().join("boards")).unwrap();
        for entry in fs::read_dir(root.join("boards")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap();
            fs::copy(&path, folder.path().join("boards").join(name)).unwrap();
        }
        Self { folder }
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Changes a value; returns its location as file, line and column.
    fn change(&self, board: &str, path: &str, value: &str) -> String {
        let (_, written) = load_written(&Folder::new(self.root()), board).unwrap();
        let at = written.place(path);
        let (file, line, column) = written.position(at);
        let file_path = self.root().join(file);
        let mut text = fs::read_to_string(&file_path).unwrap();
        text.replace_range(at.start..at.end, value);
        fs::write(file_path, text).unwrap();
        format!("{file}:{line}:{column}")
    }

    fn verify(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg("verify")
            .args(arguments)
            .current_dir(self.root())
            .output()
            .unwrap()
    }
}

/// Returns a board with virtio-mmio slots.
fn board() -> String {
    let boards = boards::load_all(&Workspace::find().unwrap()).unwrap();
    let fitting = boards.into_iter().find(|board| board.virtio_mmio.is_some());
    fitting.expect("a board with virtio-mmio slots").name
}

#[test]
fn a_board_that_matches_its_machine_is_reported_as_such() {
    let board = board();
    let output = Copy::new().verify(&[&board]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.starts_with(&format!("{board}: ")), "{said}");
    assert!(said.contains("matches QEMU "), "{said}");
}

#[test]
fn every_board_of_the_repository_matches_its_machine() {
    let output = Copy::new().verify(&[]);
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let said = String::from_utf8(both).unwrap();
    assert!(output.status.success(), "{said}");
    for board in boards::load_all(&Workspace::find().unwrap()).unwrap() {
        let wanted = format!("{}: matches QEMU ", board.name);
        assert!(said.contains(&wanted), "{said}");
    }
}

#[test]
fn a_difference_is_reported_at_its_line() {
    let copy = Copy::new();
    let board = board();
    let place = copy.change(&board, "virtio-mmio.count", "3");
    let output = copy.verify(&[&board]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("error[E0076]"), "{said}");
    assert!(said.contains(&place), "{said}");
}

#[test]
fn a_mutation_score_counts_the_reported_changes() {
    let board = board();
    let output = Copy::new().verify(&[&board, "--mutate"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains(" changed facts are reported at their line"),
        "{said}"
    );
}

#[test]
fn an_unknown_board_gets_the_list() {
    let output = Copy::new().verify(&["nosuch"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("no board is called `nosuch`"), "{said}");
}

#[test]
fn an_unknown_qemu_machine_shows_qemus_message() {
    let copy = Copy::new();
    let board = board();
    copy.change(&board, "qemu.machine", "\"nosuchmachine\"");
    let output = copy.verify(&[&board]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("QEMU does not start with this `qemu.machine`"),
        "{said}"
    );
    assert!(said.contains("unsupported machine type"), "{said}");
}
