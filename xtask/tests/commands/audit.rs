//! Tests `cargo xtask audit` with files that are not images of a board. The machine tests
//! (tests/cases/audit.rs) build real images and audit them.

use std::fs;
use std::process::Command;

use xtask::audit::Audit;
use xtask::boards;
use xtask::workspace::Workspace;

fn audit(words: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("audit")
        .args(words)
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn board() -> String {
    let names = boards::names(&Workspace::find().unwrap()).unwrap();
    names[0].clone()
}

#[test]
fn a_host_program_is_not_an_image_of_a_board() {
    let program = env!("CARGO_BIN_EXE_xtask");
    let bytes = fs::read(program).unwrap();
    for board in boards::load_all(&Workspace::find().unwrap()).unwrap() {
        let told: Vec<String> = Audit::of(&board, &bytes)
            .findings
            .into_iter()
            .map(|finding| finding.text)
            .collect();
        for wrong in ["__vmos_board_table", "__stack_guard", "the stack has"] {
            assert!(
                told.iter().any(|text| text.contains(wrong)),
                "{wrong}: {told:#?}"
            );
        }
    }
    let (status, told, _) = audit(&[&board(), "--elf", program]);
    assert_eq!(status, Some(1), "{told}");
    assert!(told.contains("--> boards/"), "{told}");
    assert!(told.contains("does not match the description"), "{told}");
}

#[test]
fn a_file_that_is_not_elf_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "not an image").unwrap();
    let (status, told, _) = audit(&[&board(), "--elf", file.path().to_str().unwrap()]);
    assert_eq!(status, Some(1), "{told}");
    assert!(told.contains("not an ELF file"), "{told}");
}

#[test]
fn a_missing_file_is_named() {
    let (status, _, said) = audit(&[&board(), "--elf", "/nowhere/image.elf"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("/nowhere/image.elf"), "{said}");
}

#[test]
fn invalid_arguments_are_rejected() {
    let (status, _, said) = audit(&["nosuch-board"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("no board is called `nosuch-board`"), "{said}");
    let (status, _, said) = audit(&[&board(), "--app", "nosuch"]);
    assert_eq!(status, Some(2), "{said}");
    let (status, _, said) = audit(&["--elf", "/nowhere/image.elf"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("exactly one board"), "{said}");
}
