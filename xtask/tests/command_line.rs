//! The command as one types it: what it says to a line that makes no sense, and what it would run.

mod repository;

use std::process::{Command, Output};

use repository::Repository;
use xtask::boards;
use xtask::transport::{Transport, transports};
use xtask::workspace::Workspace;

fn xtask(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        // Another QEMU than the installed one is started by other words.
        .env_remove("VMOS_QEMU")
        .args(arguments)
        .output()
        .unwrap()
}

/// Some board, whichever there is.
fn board() -> String {
    boards::names(&Workspace::find().unwrap())
        .unwrap()
        .remove(0)
}

fn board_with(transport: Transport) -> String {
    let boards = boards::load_all(&Workspace::find().unwrap()).unwrap();
    let fitting = boards
        .into_iter()
        .find(|board| transports(board).contains(&transport));
    fitting.expect("a board with this transport").name
}

/// What is said of wrong usage, which ends with exit status 2 and prints nothing else.
fn refusal(arguments: &[&str]) -> String {
    let output = xtask(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(output.stdout.is_empty());
    said
}

/// The words of the command that would be run.
fn dry_run(arguments: &[&str]) -> Vec<String> {
    let output = xtask(&[&["run"], arguments, &["--dry-run"]].concat());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let line = String::from_utf8(output.stdout).unwrap();
    assert_eq!(line.lines().count(), 1, "{line}");
    let script = format!("printf '%s\\n' {line}");
    let words = Command::new("sh")
        .args(["-c", &script])
        .output()
        .unwrap()
        .stdout;
    String::from_utf8(words)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// What follows an option in a command.
fn value<'a>(words: &'a [String], option: &str) -> &'a str {
    let position = words.iter().position(|word| word == option);
    &words[position.unwrap_or_else(|| panic!("no {option} in {words:?}")) + 1]
}

#[test]
fn an_unknown_board_gets_the_list_of_boards() {
    let said = refusal(&["run", "nosuch"]);
    assert!(
        said.contains("no board is called `nosuch`") && said.contains(&board()),
        "{said}"
    );
}

#[test]
fn a_misspelt_board_gets_the_right_spelling() {
    let right = board();
    let said = refusal(&["build", &right.replacen('r', "", 1)]);
    assert!(said.contains(&format!("did you mean `{right}`?")), "{said}");
}

#[test]
fn an_unknown_app_gets_the_list_of_apps() {
    let said = refusal(&["run", &board(), "--app", "dmeo"]);
    assert!(
        said.contains("no app is called `dmeo`; did you mean `demo`?"),
        "{said}"
    );
}

#[test]
fn an_unknown_command_gets_the_right_spelling() {
    assert!(refusal(&["lst"]).contains("'list'"));
}

#[test]
fn an_amount_of_memory_needs_a_unit() {
    let said = refusal(&["run", &board(), "--memory", "64"]);
    assert!(said.contains("as `64M` or `4G`"), "{said}");
}

#[test]
fn a_forward_needs_both_ports() {
    let said = refusal(&["run", &board(), "--forward", "udp:8007"]);
    assert!(said.contains("as `udp:8007:7`"), "{said}");
}

#[test]
fn a_forward_needs_a_network() {
    let said = refusal(&[
        "run",
        &board(),
        "--without",
        "net",
        "--forward",
        "udp:8007:7",
    ]);
    assert!(
        said.contains("--forward makes no sense with --without net"),
        "{said}"
    );
}

#[test]
fn message_interrupts_cannot_be_left_out_where_there_are_none() {
    let board = board_with(Transport::Mmio);
    let said = refusal(&["run", &board, "--transport", "mmio", "--intx"]);
    assert!(
        said.contains("--intx is for `--transport pci` only"),
        "{said}"
    );
}

#[test]
fn a_dry_run_prints_the_command_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk.img");
    let words = dry_run(&[&board(), "--disk", disk.to_str().unwrap()]);
    assert!(words[0].starts_with("qemu-system-"), "{words:?}");
    assert!(!disk.exists());
}

#[test]
fn memory_takes_the_place_of_the_boards() {
    let words = dry_run(&[&board(), "--memory", "4G"]);
    assert_eq!(value(&words, "-m"), "4096M");
}

#[test]
fn the_machine_gets_a_fixed_address_unless_told_otherwise() {
    let board = board();
    assert_eq!(value(&dry_run(&[&board]), "-append"), "ip=10.0.2.15/24");
    let words = dry_run(&[&board, "--append", "ip=dhcp", "--log", "debug"]);
    assert_eq!(value(&words, "-append"), "log=debug ip=dhcp");
}

#[test]
fn a_port_is_forwarded_to_the_address_of_the_machine() {
    let words = dry_run(&[
        &board(),
        "--append",
        "ip=10.0.2.77/24",
        "--forward",
        "udp:18007:7",
    ]);
    let network = value(&words, "-netdev");
    assert!(
        network.contains("hostfwd=udp:127.0.0.1:18007-10.0.2.77:7"),
        "{network}"
    );
}

#[test]
fn what_is_added_to_the_command_stands_at_its_end() {
    let words = dry_run(&[&board(), "--qemu-arg", "-d", "--qemu-arg", "int"]);
    assert_eq!(words[words.len() - 2..], ["-d", "int"]);
}

#[test]
fn a_port_that_is_taken_is_named_with_one_that_is_free() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let output = xtask(&[
        "run",
        &board(),
        "--forward",
        &format!("udp:{port}:7"),
        "--dry-run",
    ]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains(&format!("udp port {port} of 127.0.0.1 is taken")),
        "{said}"
    );
}

#[test]
fn the_list_has_every_board_and_the_demo() {
    let list = String::from_utf8(xtask(&["list"]).stdout).unwrap();
    let names: Vec<_> = list
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    let boards = boards::names(&Workspace::find().unwrap()).unwrap();
    assert!(
        boards.iter().all(|board| names.contains(&board.as_str())),
        "{list}"
    );
    assert!(names.contains(&"demo"), "{list}");
}

#[test]
fn help_shows_an_example_that_can_be_typed() {
    let help = String::from_utf8(xtask(&["run", "--help"]).stdout).unwrap();
    assert!(
        help.contains(&format!("cargo xtask run {}", board())),
        "{help}"
    );
}

#[test]
fn firmware_of_ones_own_comes_before_the_payload() {
    let boards = boards::load_all(&Workspace::find().unwrap()).unwrap();
    let with_room = boards.iter().find(|board| board.boot.takes_firmware());
    let board = &with_room.expect("a board with room for firmware").name;
    let words = dry_run(&[board, "--bios", "/firmware.bin"]);
    assert_eq!(value(&words, "-bios"), "/firmware.bin");
    assert_eq!(words.iter().filter(|word| *word == "-bios").count(), 1);
}

#[test]
fn what_a_kernel_without_a_device_tree_cannot_learn_of_is_refused() {
    let repository = Repository::new();
    let elf = "[boot.elf]\nload-address = 0x4000_0000 #";
    repository.edit("boards/virt-arm64.toml", "[boot.linux-image]", elf);
    repository.edit("boards/virt-arm64.toml", "\nload-address = 0x4008_0000", "");
    for option in ["--memory=64M", "--append=a-word", "--log=debug"] {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["run", "virt-arm64", "--dry-run", option])
            .current_dir(repository.root())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let (name, _) = option.split_once('=').unwrap();
        let title = format!("error: {name}: the kernel of `virt-arm64` would not learn of it");
        assert!(said.starts_with(&title), "{said}");
    }
}

#[test]
fn a_board_without_room_for_firmware_says_so() {
    let boards = boards::load_all(&Workspace::find().unwrap()).unwrap();
    let full = boards.iter().find(|board| !board.boot.takes_firmware());
    let board = &full.expect("a board without room for firmware").name;
    let said = refusal(&["run", board, "--bios", "/firmware.bin", "--dry-run"]);
    assert!(said.contains("takes no firmware"), "{said}");
}

#[test]
fn counts_are_either_held_to_or_written() {
    let said = refusal(&["bench", "--check", "--record"]);
    assert!(said.contains("cannot be used with"), "{said}");
}

#[test]
fn a_revision_to_measure_against_has_to_be_there() {
    let said = refusal(&["bench", &board(), "--against", "no-such-revision"]);
    assert!(said.contains("no-such-revision"), "{said}");
}

#[test]
fn an_operation_to_profile_is_one_of_those_there_are() {
    let said = refusal(&["profile", &board(), "--what", "nothing"]);
    assert!(said.contains("possible values: udp"), "{said}");
}
