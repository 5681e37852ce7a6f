//! Checks that docs/boards.md shows the real output of the commands.
//!
//! Every command on the page is in one of two lists: commands that this test runs, each with the
//! changes to make to a copy of the boards first, and commands that need a build or a running
//! machine, which the machine tests cover. `UPDATE_GOLDEN=1` writes the current output into the
//! page.
//!
//! Follows docs/new-board.md in a copy of the boards, too: the first piece of the board file gives the
//! error that the page shows, and all pieces together are a board.

use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::repository::Repository;
use xtask::install;
use xtask::workspace::Workspace;

const PAGE: &str = "docs/boards.md";

/// Changes the copy of the boards before a command runs.
type Preparation = fn(&Repository);

/// The commands that this test runs, in the order of the page, each with a function that changes
/// the copy of the boards first.
const RUN: &[(&str, Preparation)] = &[
    ("new my-board --from virt-arm64", |_| {}),
    ("new my-board --from virt-arm64", |it| {
        write(it, "boards/my-board.toml", "");
    }),
    (IMPORT, |_| {}),
    ("gen broken", plant_eight_mistakes),
    ("explain E0012", |_| {}),
    ("explain E0112", |_| {}),
    (
        "gen broken --message-format json | head -1",
        plant_eight_mistakes,
    ),
    (
        "gen broken --message-format github | head -1",
        plant_eight_mistakes,
    ),
    ("verify virt-arm64", |_| {}),
    ("verify virt-arm64", |it| {
        it.edit(BOARD, "{ spi = 1 }", "{ spi = 9 }");
        it.edit(BOARD, "count = 32", "count = 31");
        it.edit(BOARD, "\"0x0903_0000\"", "# \"0x0903_0000\"");
    }),
    (MUTATE, |_| {}),
    ("why 0x0900_0040 --board virt-arm64", |_| {}),
    ("why virt-arm64:timer.irq", |_| {}),
    ("why virt-arm64-gicv2:pci.ecam.msi", |_| {}),
    (PLACE, |_| {}),
    ("diff HEAD", |it| {
        it.edit(BOARD, "{ spi = 1 }", "{ spi = 9 }");
        generate(it);
    }),
    ("diff HEAD", |it| {
        it.edit(BOARD, "base = 0x0900_0000\n", "base = 0x9000000  # here\n");
    }),
    ("diff HEAD --markdown", |it| {
        it.edit(BOARD, "{ spi = 1 }", "{ spi = 9 }");
        generate(it);
    }),
    ("diff nosuch", |_| {}),
    (
        "gen --check      # with the console's base edited by hand in board.md",
        |it| {
            let path = "generated/virt-arm64/board.md";
            it.edit(path, "| 0x0900_0000         |", "| 0x0910_0000         |");
        },
    ),
    ("new-project ../my-project --from virt-arm64 --path", |_| {}),
    ("new-project .", |_| {}),
];

/// The commands that this test does not run.
const NOT_RUN: &[&str] = &[
    "import acme-board.dts",
    "run virt-arm64",
    "audit virt-arm32",
    "audit virt-arm32 --elf corrupted.elf",
    "debug virt-arm64 --execute 'vmos registers console' --execute 'vmos run 3' \\",
    "run my-board --without net",
];

/// The board that the preparations change.
const BOARD: &str = "boards/virt-arm64.toml";

const IMPORT: &str = "import --qemu-machine \"virt,gic-version=3\" --arch arm64 --name my-arm64";

/// A command whose line number depends on the generated file. The test replaces it by the number of
/// the line that contains `IN_PLACE`.
const PLACE: &str = "why generated/virt-arm64/linker.ld:";
const IN_PLACE: &str = "/* memory.stack */";

/// A command whose output depends on the QEMU version; it only runs with the version on the page.
const MUTATE: &str = "verify --mutate";

/// The commands that start a paused machine, each with the QEMU that it needs.
const LOOK_AT_A_MACHINE: &[&str] = &[IMPORT, MUTATE, "verify virt-arm64"];
const QEMU: &str = "qemu-system-aarch64";

fn write(it: &Repository, path: &str, text: &str) {
    fs::write(it.root().join(path), text).unwrap();
}

fn generate(it: &Repository) {
    let output = xtask(it, "gen");
    assert!(output.contains("wrote"), "{output}");
}

/// Writes the board file that the page shows.
fn plant_eight_mistakes(it: &Repository) {
    write(
        it,
        "boards/broken.toml",
        &file_after("`boards/broken.toml` has"),
    );
}

/// Returns the first TOML block on the page after `words`.
fn file_after(words: &str) -> String {
    let page = fs::read_to_string(path()).unwrap();
    let (_, after) = page.split_once(words).unwrap();
    let (_, after) = after.split_once("```toml\n").unwrap();
    after.split_once("```\n").unwrap().0.to_owned()
}

fn path() -> PathBuf {
    Workspace::find().unwrap().root.join(PAGE)
}

/// Returns the command's output, whether or not it succeeds.
fn xtask(it: &Repository, line: &str) -> String {
    let output = Command::new("sh")
        .args(["-c", &format!("{{ \"$XTASK\" {line}\n}} 2>&1")])
        .env("XTASK", env!("CARGO_BIN_EXE_xtask"))
        // The page shows the output of the installed QEMU.
        .env_remove("VMOS_QEMU")
        .current_dir(it.root())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// A command on the page.
struct Shown {
    /// The command line, without `$ cargo xtask`.
    line: String,
    /// The range of the page that holds the command and its output.
    place: Range<usize>,
}

/// Returns the commands in the code blocks of the page.
fn shown(page: &str) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    let (mut at, mut in_block, mut in_output) = (0, false, false);
    for text in page.split_inclusive('\n') {
        let start = at;
        at += text.len();
        if text.starts_with("```") {
            in_block = text == "```console\n";
            in_output = false;
        } else if let Some(line) = text.strip_prefix("$ ").filter(|_| in_block) {
            let line = line.trim_end().strip_prefix("cargo xtask ");
            in_output = line.is_some();
            all.extend(line.map(|line| Shown {
                line: line.to_owned(),
                place: start..at,
            }));
        } else if let Some(last) = all.last_mut().filter(|_| in_block && in_output) {
            last.place.end = at;
        }
    }
    all
}

/// Returns the command with the current line number.
fn moved(it: &Repository, line: &str) -> String {
    if !line.starts_with(PLACE) {
        return line.to_owned();
    }
    let script = fs::read_to_string(it.root().join("generated/virt-arm64/linker.ld")).unwrap();
    let index = script.lines().position(|line| line.contains(IN_PLACE));
    format!("{PLACE}{}", index.unwrap() + 1)
}

/// Replaces text that differs between runs or hosts by the text on the page.
fn settled(text: &str) -> String {
    let mut settled = String::new();
    for word in text.split_inclusive([' ', '\n', ')']) {
        let bare = word.trim_end_matches([' ', '\n', ')', ':', ';', '.']);
        let is_hash =
            |text: &str| text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let hash = bare.strip_prefix('(').filter(|hash| is_hash(hash));
        let version = settled.ends_with("QEMU ") && bare.starts_with(|c: char| c.is_ascii_digit());
        settled += &match (hash, version) {
            (Some(hash), _) => word.replace(hash, "5feafde1c7"),
            (_, true) => word.replace(bare, "7.2.22"),
            _ => word.to_owned(),
        };
    }
    settled
}

/// Returns the version of QEMU, such as "7.2.22"; empty if QEMU is not installed.
fn version() -> String {
    let output = Command::new(QEMU).arg("--version").output();
    let said = output.map_or(String::new(), |output| {
        String::from_utf8_lossy(&output.stdout).into_owned()
    });
    let mut words = said.split_whitespace();
    let is_before = words.any(|word| word == "version");
    let version = words.next().filter(|_| is_before);
    version.unwrap_or_default().to_owned()
}

/// Returns whether the page shows the output of this QEMU version.
fn is_shown(page: &str, version: &str) -> bool {
    !version.is_empty() && page.contains(&format!("matches QEMU {version}: "))
}

#[test]
fn every_command_on_the_page_is_listed() {
    let page = fs::read_to_string(path()).unwrap();
    for shown in shown(&page) {
        let line = shown.line.as_str();
        let known = RUN.iter().any(|(known, _)| line.starts_with(known)) || NOT_RUN.contains(&line);
        assert!(known, "cargo xtask {line}");
    }
}

#[test]
fn the_page_shows_the_real_output() {
    let page = fs::read_to_string(path()).unwrap();
    let mut now = page.clone();
    let mut wrong = Vec::new();
    let mut expected = RUN.iter();
    let mut all = Vec::new();
    for shown in shown(&page) {
        if NOT_RUN.contains(&shown.line.as_str()) {
            continue;
        }
        let (line, prepare) = expected.next().expect("more is shown than is run");
        assert!(shown.line.starts_with(line), "{line}: {}", shown.line);
        all.push((shown, prepare));
    }
    assert!(expected.next().is_none(), "less is shown than is run");
    // Replace from the end, so that earlier ranges stay valid.
    for (shown, prepare) in all.iter().rev() {
        if LOOK_AT_A_MACHINE.contains(&shown.line.as_str()) && !install::in_path(QEMU) {
            // `cargo xtask test` installs missing programs before this test runs.
            eprintln!("not run: {QEMU} is not installed");
            continue;
        }
        if shown.line == MUTATE && !is_shown(&page, &version()) {
            eprintln!("not run: this is another version of QEMU than the page's");
            continue;
        }
        let it = Repository::new();
        prepare(&it);
        let line = moved(&it, &shown.line);
        let printed = settled(&xtask(&it, &line));
        let printed = format!("$ cargo xtask {line}\n{}\n", printed.trim_end());
        if printed == page[shown.place.clone()] {
            continue;
        }
        now.replace_range(shown.place.clone(), &printed);
        wrong.push(printed);
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path(), now).unwrap();
        return;
    }
    assert!(
        wrong.is_empty(),
        "{PAGE} is out of date; update it with UPDATE_GOLDEN=1 and review the change\n{}",
        wrong.join("\n")
    );
}

/// Checks that a file contains every line of the excerpt on the page.
fn holds(it: &Repository, path: &str, shown: &str) {
    let file = fs::read_to_string(it.root().join(path)).unwrap();
    for line in shown.lines().filter(|line| *line != "...") {
        let found = file.lines().any(|written| written == line);
        assert!(found, "{path} has no line {line:?}:\n{file}");
    }
}

#[test]
fn the_page_shows_the_file_that_new_writes() {
    let it = Repository::new();
    xtask(&it, "new my-board --from virt-arm64");
    holds(
        &it,
        "boards/my-board.toml",
        &file_after("follows as comments:"),
    );
}

#[test]
fn the_page_shows_the_file_that_import_writes() {
    if !install::in_path(QEMU) {
        eprintln!("not run: {QEMU} is not installed");
        return;
    }
    let it = Repository::new();
    xtask(&it, IMPORT);
    holds(
        &it,
        "boards/my-arm64.toml",
        &file_after("it with the machine. An excerpt:"),
    );
}

/// The code blocks of the tutorial, joined.
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
    // The sections behind the steps show pieces of other boards.
    let (steps, _) = page.split_once("\n## If the machine").unwrap();
    let (pieces, commands) = (blocks(steps, "toml"), blocks(steps, "console"));
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
    // For a loader that passes no device tree.
    let (without, with) = ("{ base = 0 }", "{ base = 0, size = \"512 MiB\" }");
    it.edit("boards/versal.toml", without, with);
    assert!(generate().status.success());
}
