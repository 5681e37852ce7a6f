//! `cargo xtask why`, tested on every board.

use std::process::Command;

use vmos_codegen::Board;
use vmos_codegen::language::hexadecimal;
use vmos_codegen::source::Folder;
use xtask::boards;
use xtask::workspace::Workspace;

fn all() -> (Workspace, Vec<Board>) {
    let workspace = Workspace::find().unwrap();
    let boards = boards::load_all(&workspace).unwrap();
    (workspace, boards)
}

fn why(words: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("why")
        .args(words)
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn answer(words: &[&str]) -> String {
    let (status, answer, error) = why(words);
    assert_eq!(status, 0, "{words:?}: {error}");
    answer
}

fn refusal(words: &[&str], status: i32) -> String {
    let (found, answer, error) = why(words);
    assert_eq!((found, answer.as_str()), (status, ""), "{words:?}");
    error
}

/// Returns where a key of a board is set, such as `boards/x.toml:12:5`.
fn place(workspace: &Workspace, board: &Board, key: &str) -> String {
    let folder = Folder::new(&workspace.root);
    let (_, written) = vmos_codegen::load_written(&folder, &board.name).unwrap();
    let (path, line, column) = written.position(written.place(key));
    format!("{path}:{line}:{column}")
}

#[test]
fn a_claimed_address_leads_to_its_key_on_every_board() {
    let (workspace, boards) = all();
    for board in boards {
        let claim = board.ranges.first().unwrap();
        let last = claim.what.base + (claim.what.size - 1);
        let answer = answer(&[&hexadecimal(last), "--board", &board.name]);
        assert!(
            answer.contains(&format!("claimed by `{}`", claim.key)),
            "{answer}"
        );
        let base = place(&workspace, &board, &format!("{}.base", claim.key));
        assert!(answer.contains(&base), "{answer}");
    }
}

#[test]
fn a_claimed_interrupt_leads_to_its_key_on_every_board() {
    let (workspace, boards) = all();
    for board in boards {
        let claim = board.interrupts.last().unwrap();
        let last = claim.what.number + (claim.what.count - 1);
        let answer = answer(&["interrupt", &last.to_string(), "--board", &board.name]);
        assert!(
            answer.contains(&format!("claimed by `{}`", claim.key)),
            "{answer}"
        );
        assert!(
            answer.contains(&place(&workspace, &board, &claim.key)),
            "{answer}"
        );
    }
}

#[test]
fn a_key_is_shown_with_its_line_and_the_generated_lines() {
    let (workspace, boards) = all();
    for board in boards {
        let answer = answer(&[&format!("{}:memory.stack", board.name)]);
        assert!(answer.contains("memory.stack = "), "{answer}");
        assert!(
            answer.contains(&place(&workspace, &board, "memory.stack")),
            "{answer}"
        );
        assert!(
            answer.contains(&format!("generated/{}/linker.ld:", board.name)),
            "{answer}"
        );
    }
}

#[test]
fn a_value_shows_what_it_overrides() {
    let (workspace, boards) = all();
    let heir = boards.iter().find(|board| board.sources.len() > 1).unwrap();
    let (own, inherited) = (&heir.sources[0], &heir.sources[1]);
    let answer = answer(&[&format!("{}:board.name", heir.name)]);
    let (before, after) = answer.split_once("which overrides").unwrap();
    assert!(
        before.contains(own) && after.contains(inherited),
        "{answer}"
    );
    assert!(
        before.contains(&place(&workspace, heir, "board.name")),
        "{answer}"
    );
}

#[test]
fn the_stack_top_depends_on_the_size_of_the_stack() {
    let (_, boards) = all();
    for board in boards {
        let answer = answer(&["__stack_top", "--board", &board.name]);
        assert!(answer.contains("memory.stack = "), "{answer}");
        assert!(answer.contains("__stack_top = ."), "{answer}");
    }
}

#[test]
fn a_key_may_leave_out_the_driver() {
    let (_, boards) = all();
    let name = &boards[0].name;
    let timer = boards[0]
        .interrupts
        .iter()
        .find(|claim| claim.key.starts_with("timer."));
    let Some(claim) = timer else { return };
    let answer = answer(&[&format!("{name}:timer.irq")]);
    assert!(answer.contains(&format!("{} = ", claim.key)), "{answer}");
}

#[test]
fn a_line_of_a_generated_file_leads_to_a_key_and_to_the_template() {
    let (workspace, boards) = all();
    for board in boards {
        let path = workspace.generated(&board.name).join("linker.ld");
        let text = std::fs::read_to_string(path).unwrap();
        let at = text
            .lines()
            .position(|line| line.contains("memory.stack */"))
            .unwrap();
        let answer = answer(&[&format!("generated/{}/linker.ld:{}", board.name, at + 1)]);
        assert!(answer.contains("memory.stack = "), "{answer}");
        // An image in flash has a linker script of its own.
        assert!(answer.contains(".ld.jinja:"), "{answer}");
    }
}

#[test]
fn a_line_of_a_file_for_all_boards_works_too() {
    let (workspace, boards) = all();
    let index = std::fs::read_to_string(workspace.root.join("generated/README.md")).unwrap();
    for board in boards {
        let row = format!("| [{}](", board.name);
        let at = index.lines().position(|line| line.starts_with(&row));
        let at = at.expect("each board has a row");
        let answer = answer(&[&format!("generated/README.md:{}", at + 1)]);
        assert!(
            answer.contains(&format!("board.name = {}", board.name)),
            "{answer}"
        );
    }
}

#[test]
fn a_line_of_a_description_leads_to_generated_lines() {
    let (workspace, boards) = all();
    let board = &boards[0];
    let place = place(&workspace, board, "memory.stack");
    let answer = answer(&[&place]);
    assert!(answer.contains("memory.stack = "), "{answer}");
    assert!(answer.contains("generated/"), "{answer}");
}

#[test]
fn an_unknown_argument_is_an_error_with_advice() {
    let (_, boards) = all();
    let name = &boards[0].name;
    let said = refusal(&[&format!("{name}:memory.stak")], 1);
    assert!(said.contains("did you mean `memory.stack`?"), "{said}");
    let said = refusal(&["nosuch-board:memory.stack"], 2);
    assert!(said.contains("no board is called `nosuch-board`"), "{said}");
    let said = refusal(&["no_such_symbol"], 1);
    assert!(said.contains("no_such_symbol"), "{said}");
    let said = refusal(&["0xFFFF_FFFF_FFFF_FFF0", "--board", name], 1);
    assert!(said.contains("below it ends at"), "{said}");
    let said = refusal(&["interrupt", "4000000000", "--board", name], 1);
    assert!(said.contains("these are claimed"), "{said}");
    let said = refusal(&[&format!("generated/{name}/linker.ld:99999")], 2);
    assert!(said.contains("no line 99999"), "{said}");
    let said = refusal(&[&format!("generated/{name}/linker.ld")], 2);
    assert!(said.contains("add the number of a line"), "{said}");
}

#[test]
fn an_element_of_a_list_leads_to_the_list() {
    let (_, boards) = all();
    let key = format!("{}:qemu.arguments[0]", boards[0].name);
    assert!(answer(&[&key]).contains("qemu.arguments = "), "{key}");
}

#[test]
fn a_line_after_the_end_of_a_description_is_an_error() {
    let (_, boards) = all();
    let path = format!("boards/{}.toml", boards[0].name);
    let told = refusal(&[&format!("{path}:9999")], 2);
    assert!(told.contains(&format!("{path} has ")), "{told}");
    let told = refusal(&["boards/nosuch.toml:1"], 2);
    assert!(told.contains("boards/nosuch.toml does not exist"), "{told}");
}

#[test]
fn a_page_of_all_boards_works_with_any_board() {
    let (_, boards) = all();
    for file in ["README.md", "Cargo.toml", "board-reference.md"] {
        let place = format!("generated/{file}:3");
        let told = answer(&[&place, "--board", &boards[0].name]);
        assert!(told.contains("written by codegen/src/emit/"), "{told}");
    }
}

#[test]
fn a_port_leads_to_its_key() {
    let (workspace, boards) = all();
    let board = boards.iter().find(|board| !board.ports.is_empty());
    let board = board.expect("a board with ports");
    let claim = &board.ports[0];
    let asked = format!("{:#x}", claim.what.base);
    let answer = answer(&["port", &asked, "--board", &board.name]);
    assert!(answer.contains(&format!("`{}`", claim.key)), "{answer}");
    let key = format!("{}.port", claim.key);
    if board_has(&workspace, board, &key) {
        assert!(answer.contains(&place(&workspace, board, &key)), "{answer}");
    }
    let refused = refusal(&["port", "0xfffe"], 1);
    assert!(refused.contains("no board claims port 0xFFFE"), "{refused}");
}

fn board_has(workspace: &Workspace, board: &Board, key: &str) -> bool {
    let folder = Folder::new(&workspace.root);
    let (_, written) = vmos_codegen::load_written(&folder, &board.name).unwrap();
    written.find(key).is_some()
}

#[test]
fn a_line_of_a_driver_leads_to_the_key_that_selects_it() {
    let (_, boards) = all();
    let picks = |board: &&Board| board.console.part.key == "console.pl011";
    let board = boards.iter().find(picks).expect("a board with a PL011");
    let asked = "drivers/src/console/pl011.rs:1";
    let answer = answer(&[asked, "--board", &board.name]);
    assert!(
        answer.contains("[console.pl011]") || answer.contains("console.pl011 ="),
        "{answer}"
    );
}
