//! Follows docs/new-board.md in a copy of the boards: the first piece of the board file gives the error
//! that the page shows, and all pieces together are a board.

mod repository;

use std::fs;
use std::process::{Command, Output};

use repository::Repository;
use xtask::workspace::Workspace;

/// Returns the code blocks of a page with this language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let pieces = page.split("```").skip(1).step_by(2);
    let blocks = pieces.filter_map(|piece| piece.strip_prefix(language)?.strip_prefix('\n'));
    blocks.collect()
}

#[test]
fn the_pieces_of_the_page_are_a_board() {
    let root = Workspace::find().unwrap().root;
    let page = fs::read_to_string(root.join("docs/new-board.md")).unwrap();
    let (pieces, commands) = (blocks(&page, "toml"), blocks(&page, "console"));
    let it = Repository::new();
    let file = it.root().join("boards/versal.toml");
    let generate = || -> Output {
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["gen", "versal"])
            .current_dir(it.root())
            .output()
            .unwrap()
    };
    fs::write(&file, pieces[0]).unwrap();
    let refused = generate();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let shown: Vec<_> = commands[0].lines().collect();
    assert_eq!(shown[0], "$ cargo xtask gen versal");
    assert!(said.starts_with(shown[1]), "{said}");
    fs::write(&file, pieces.concat()).unwrap();
    let accepted = generate();
    let said = String::from_utf8_lossy(&accepted.stderr);
    assert!(accepted.status.success(), "{said}");
    let wrote = String::from_utf8(accepted.stdout).unwrap();
    let shown: Vec<_> = commands[1].lines().skip(1).collect();
    assert!(shown.len() > 2, "{shown:?}");
    for line in shown.into_iter().filter(|line| line.trim() != "...") {
        assert!(wrote.contains(line), "{line}: {wrote}");
    }
}
