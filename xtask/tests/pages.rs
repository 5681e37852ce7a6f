//! The pages show what the commands really print: what they show is run again, and compared.
//!
//! A command that is shown is here in one of two lists: those that are run, each with what has to be
//! done to a copy of the boards beforehand, and those that take a build or a running machine, which
//! the machine tests see to. `UPDATE_GOLDEN=1` writes into the page what is printed now.

mod repository;

use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::process::Command;

use repository::Repository;
use xtask::install;
use xtask::workspace::Workspace;

const PAGE: &str = "docs/boards.md";

/// What has to be done before the command is run.
type Preparation = fn(&Repository);

/// The commands of the page that are run, in its order.
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
    ("new-project ../my-project --from virt-arm64", |_| {}),
    ("new-project .", |_| {}),
];

/// Those that are not.
const NOT_RUN: &[&str] = &[
    "import acme-board.dts",
    "run virt-arm64",
    "audit virt-arm32",
    "audit virt-arm32 --elf corrupted.elf",
    "debug virt-arm64 --execute 'vmos registers console' --execute 'vmos run 3' \\",
    "run my-board --without net",
];

/// The board that is changed.
const BOARD: &str = "boards/virt-arm64.toml";

const IMPORT: &str = "import --qemu-machine \"virt,gic-version=3\" --arch arm64 --name my-arm64";

/// A line that the page shows by what is in it, wherever it has moved to.
const PLACE: &str = "why generated/virt-arm64/linker.ld:";
const IN_PLACE: &str = "/* memory.stack */";

/// What depends on the version of QEMU: it is run where that is the version of the page.
const MUTATE: &str = "verify --mutate";

/// Those that start a machine, if only to look at it, and the QEMU they start.
const LOOK_AT_A_MACHINE: &[&str] = &[IMPORT, MUTATE, "verify virt-arm64"];
const QEMU: &str = "qemu-system-aarch64";

fn write(it: &Repository, path: &str, text: &str) {
    fs::write(it.root().join(path), text).unwrap();
}

fn generate(it: &Repository) {
    let output = xtask(it, "gen");
    assert!(output.contains("wrote"), "{output}");
}

/// The file that the page shows.
fn plant_eight_mistakes(it: &Repository) {
    write(
        it,
        "boards/broken.toml",
        &file_after("`boards/broken.toml` has"),
    );
}

/// The first file that the page shows after these words.
fn file_after(words: &str) -> String {
    let page = fs::read_to_string(path()).unwrap();
    let (_, after) = page.split_once(words).unwrap();
    let (_, after) = after.split_once("```toml\n").unwrap();
    after.split_once("```\n").unwrap().0.to_owned()
}

fn path() -> PathBuf {
    Workspace::find().unwrap().root.join(PAGE)
}

/// What the command prints, whether it likes it or not.
fn xtask(it: &Repository, line: &str) -> String {
    let output = Command::new("sh")
        .args(["-c", &format!("{{ \"$XTASK\" {line}\n}} 2>&1")])
        .env("XTASK", env!("CARGO_BIN_EXE_xtask"))
        // The page shows the QEMU that is installed.
        .env_remove("VMOS_QEMU")
        .current_dir(it.root())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// A command in a page.
struct Shown {
    /// The line, without `$ cargo xtask`.
    line: String,
    /// Where in the page the line and what it prints are.
    place: Range<usize>,
}

/// The commands in the blocks of the page.
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

/// The command, where a line that it names has moved.
fn moved(it: &Repository, line: &str) -> String {
    if !line.starts_with(PLACE) {
        return line.to_owned();
    }
    let script = fs::read_to_string(it.root().join("generated/virt-arm64/linker.ld")).unwrap();
    let index = script.lines().position(|line| line.contains(IN_PLACE));
    format!("{PLACE}{}", index.unwrap() + 1)
}

/// What is another each time, or on another computer, as the page has it.
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

/// The version of QEMU, as "7.2.22", or nothing where there is none.
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

/// Whether the page shows what this version of QEMU does.
fn is_shown(page: &str, version: &str) -> bool {
    !version.is_empty() && page.contains(&format!("are as QEMU {version} has them"))
}

#[test]
fn every_command_of_the_page_is_known_here() {
    let page = fs::read_to_string(path()).unwrap();
    for shown in shown(&page) {
        let line = shown.line.as_str();
        let known = RUN.iter().any(|(known, _)| line.starts_with(known)) || NOT_RUN.contains(&line);
        assert!(known, "cargo xtask {line}");
    }
}

#[test]
fn the_page_shows_what_is_really_printed() {
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
    // From the end, so that the places of what comes before stay right.
    for (shown, prepare) in all.iter().rev() {
        if LOOK_AT_A_MACHINE.contains(&shown.line.as_str()) && !install::in_path(QEMU) {
            // `cargo xtask test` installs what is missing before it comes here.
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
        "{PAGE} shows other than this; if it is meant, set UPDATE_GOLDEN=1 and review\n{}",
        wrong.join("\n")
    );
}

/// Asks that a file hold all that the page shows of it.
fn holds(it: &Repository, path: &str, shown: &str) {
    let file = fs::read_to_string(it.root().join(path)).unwrap();
    for line in shown.lines().filter(|line| *line != "...") {
        let found = file.lines().any(|written| written == line);
        assert!(found, "{path} has no line {line:?}:\n{file}");
    }
}

#[test]
fn what_new_writes_is_shown() {
    let it = Repository::new();
    xtask(&it, "new my-board --from virt-arm64");
    holds(
        &it,
        "boards/my-board.toml",
        &file_after("what that has from others in turn:"),
    );
}

#[test]
fn what_import_writes_is_shown() {
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

/// The pieces of the tutorial, one after another.
#[test]
fn what_is_written_step_by_step_is_a_board() {
    let it = Repository::new();
    let page =
        fs::read_to_string(Workspace::find().unwrap().root.join("docs/new-board.md")).unwrap();
    let pieces = page.split("```toml\n").skip(1);
    let pieces: String = pieces
        .filter_map(|rest| rest.split("```\n").next())
        .collect();
    write(&it, "boards/versal.toml", &pieces);
    let printed = xtask(&it, "gen versal");
    assert!(
        printed.contains("wrote generated/versal/board.md"),
        "{printed}"
    );
}
