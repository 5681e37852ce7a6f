//! Tests the command line: the errors for invalid arguments, and the commands that would run.

use std::process::{Command, Output};

use crate::repository::Repository;
use xtask::boards;
use xtask::transport::{Transport, transports};
use xtask::workspace::Workspace;

fn xtask(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        // With another QEMU than the installed one, the command line differs.
        .env_remove("VMOS_QEMU")
        .args(arguments)
        .output()
        .unwrap()
}

/// Returns the name of any board whose machine has devices and a command line.
fn board() -> String {
    board_with(Transport::Mmio)
}

fn board_with(transport: Transport) -> String {
    let boards = boards::load_all(&Workspace::find().unwrap()).unwrap();
    let fitting = boards
        .into_iter()
        .find(|board| transports(board).contains(&transport));
    fitting.expect("a board with this transport").name
}

/// Returns the error for invalid arguments; checks that the exit status is 2 and stdout is empty.
fn refusal(arguments: &[&str]) -> String {
    let output = xtask(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(output.stdout.is_empty());
    said
}

/// Returns the words of the command that a run would start.
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

/// Returns the value of an option in a command.
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
    assert!(said.contains("such as `64M` or `4G`"), "{said}");
}

#[test]
fn a_forward_needs_both_ports() {
    let said = refusal(&["run", &board(), "--forward", "udp:8007"]);
    assert!(said.contains("such as `udp:8007:7`"), "{said}");
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
        said.contains("--forward conflicts with --without net"),
        "{said}"
    );
}

#[test]
fn intx_needs_the_pci_transport() {
    let board = board_with(Transport::Mmio);
    let said = refusal(&["run", &board, "--transport", "mmio", "--intx"]);
    assert!(
        said.contains("--intx works only with `--transport pci`"),
        "{said}"
    );
}

#[test]
fn a_dry_run_prints_the_command_and_creates_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk.img");
    let words = dry_run(&[&board(), "--disk", disk.to_str().unwrap()]);
    assert!(words[0].starts_with("qemu-system-"), "{words:?}");
    assert!(!disk.exists());
}

#[test]
fn memory_replaces_the_boards_default() {
    let words = dry_run(&[&board(), "--memory", "4G"]);
    assert_eq!(value(&words, "-m"), "4096M");
}

#[test]
fn the_machine_gets_a_fixed_address_by_default() {
    let board = board();
    assert_eq!(
        value(&dry_run(&[&board]), "-append"),
        "ip=10.0.2.15/24,10.0.2.2,10.0.2.3"
    );
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
fn additional_arguments_come_last() {
    let words = dry_run(&[&board(), "--qemu-arg", "-d", "--qemu-arg", "int"]);
    assert_eq!(words[words.len() - 2..], ["-d", "int"]);
}

#[test]
fn a_used_port_is_reported_with_a_free_one() {
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
        said.contains(&format!("udp port {port} of 127.0.0.1 is used")),
        "{said}"
    );
}

#[test]
fn a_port_that_an_option_claims_is_neither_claimed_again_nor_chosen() {
    let listen = ["--nic", "socket=listen:18009"];
    let said = refusal(&[&["run", &board(), "--gdb", "18009"], &listen[..]].concat());
    assert!(said.contains("tcp port 18009 is claimed"), "{said}");
    let said = refusal(&["run", &board(), "--net", "tap=x", "--nic", "tap=x"]);
    assert!(said.contains("the TAP interface x is claimed"), "{said}");
    let words = dry_run(&[&board(), "--app", "http", "--gdb", "8080"]);
    let network = value(&words, "-netdev");
    assert!(!network.contains("127.0.0.1:8080-"), "{network}");
}

#[test]
fn the_list_has_every_board_and_the_demo() {
    let list = String::from_utf8(xtask(&["list"]).stdout).unwrap();
    let names: Vec<_> = list
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    for board in boards::load_all(&Workspace::find().unwrap()).unwrap() {
        let place = names.iter().position(|name| *name == board.name);
        let line = list.lines().nth(place.expect("every board is listed"));
        let line = line.unwrap_or_default();
        assert_eq!(
            line.contains("Ethernet"),
            board.ethernet.is_some(),
            "{line}"
        );
        let has_nothing = board.ethernet.is_none() && transports(&board).is_empty();
        assert_eq!(line.contains("console only"), has_nothing, "{line}");
    }
    assert!(names.contains(&"demo"), "{list}");
}

#[test]
fn help_shows_an_example_with_an_existing_board() {
    let help = String::from_utf8(xtask(&["run", "--help"]).stdout).unwrap();
    let boards = boards::names(&Workspace::find().unwrap()).unwrap();
    let mut examples = boards
        .iter()
        .map(|board| format!("cargo xtask run {board}"));
    assert!(examples.any(|example| help.contains(&example)), "{help}");
}

#[test]
fn a_custom_firmware_starts_the_payload() {
    let boards = boards::load_all(&Workspace::find().unwrap()).unwrap();
    let with_room = boards.iter().find(|board| board.boot.takes_firmware);
    let board = &with_room.expect("a board with room for firmware").name;
    let words = dry_run(&[board, "--bios", "/firmware.bin"]);
    assert_eq!(value(&words, "-bios"), "/firmware.bin");
    assert_eq!(words.iter().filter(|word| *word == "-bios").count(), 1);
}

#[test]
fn options_that_need_a_device_tree_are_rejected_without_one() {
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
        let title = format!("error: {name}: has no effect on the kernel of `virt-arm64`");
        assert!(said.starts_with(&title), "{said}");
    }
}

#[test]
fn a_board_without_room_for_firmware_reports_that() {
    let boards = boards::load_all(&Workspace::find().unwrap()).unwrap();
    let full = boards.iter().find(|board| !board.boot.takes_firmware);
    let board = &full.expect("a board without room for firmware").name;
    let said = refusal(&["run", board, "--bios", "/firmware.bin", "--dry-run"]);
    assert!(said.contains("does not support --bios"), "{said}");
}

#[test]
fn check_and_record_exclude_each_other() {
    let said = refusal(&["bench", "--check", "--record"]);
    assert!(said.contains("cannot be used with"), "{said}");
}

#[test]
fn an_unknown_revision_to_measure_against_is_an_error() {
    let said = refusal(&["bench", &board(), "--against", "no-such-revision"]);
    assert!(said.contains("no-such-revision"), "{said}");
}

#[test]
fn an_unknown_operation_to_profile_is_an_error() {
    let said = refusal(&["profile", &board(), "--what", "nothing"]);
    assert!(said.contains("possible values: udp"), "{said}");
}

/// Checks that the examples in the help of `run` are valid commands.
#[test]
fn every_example_of_run_describes_a_machine() {
    let help = xtask(&["run", "--help"]);
    let help = String::from_utf8(help.stdout).unwrap();
    let examples = help
        .lines()
        .filter(|line| !line.starts_with("Usage:"))
        .filter_map(|line| line.split_once("cargo xtask run ").map(|(_, rest)| rest));
    let mut count = 0;
    for example in examples {
        let example = example.replace("--watch", "").replace("--dry-run", "");
        let script = format!("printf '%s\\n' {example}");
        let words = Command::new("sh").args(["-c", &script]).output().unwrap();
        let words = String::from_utf8(words.stdout).unwrap();
        let words: Vec<&str> = words.lines().collect();
        let command = dry_run(&words);
        let is_machine = command[0].contains("qemu-system-");
        // In place of a board, an app can be a process of this host.
        assert_eq!(is_machine, words[0] != "hosted", "{example}: {command:?}");
        count += 1;
    }
    assert!(count >= 6, "{help}");
}

#[test]
fn arguments_that_qemu_would_reject_are_reported() {
    let board = board();
    let folder = env!("CARGO_MANIFEST_DIR");
    for (arguments, expected) in [
        (["--memory", "1M"], "--memory 1M"),
        (["--append", "ip=10.0.2.15"], "ip=10.0.2.15"),
        (["--net", "usr"], "expected `user`"),
        (["--smp", "0"], "0 is not in 1.."),
        (["--disk", folder], "this is a folder"),
        (["--append", "ip6=2001:db8::15"], "ip6=2001:db8::15: "),
        (["--gdb", "0"], "0 is not in 1.."),
        (["--net", "tap=no-such-tap"], "there is no such interface"),
        (["--pcap", folder], "this is a folder"),
    ] {
        let said = refusal(&[&["run", &board][..], &arguments].concat());
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

/// Checks that two machines, one of which connects to the other, have different addresses.
#[test]
fn the_other_end_of_a_connection_is_another_machine() {
    let listens = dry_run(&[&board(), "--net", "socket=listen:9000"]);
    let connects = dry_run(&[&board(), "--net", "socket=connect:9000"]);
    assert_eq!(value(&listens, "-append"), "ip=10.0.2.15/24");
    assert_eq!(value(&connects, "-append"), "ip=10.0.2.16/24");
    let has_own_address = |words: &[String]| words.iter().any(|word| word.contains(",mac="));
    assert!(!has_own_address(&listens) && has_own_address(&connects));
}

#[test]
fn frames_of_an_unconnected_interface_are_not_recorded() {
    let said = refusal(&["run", &board(), "--net", "none", "--pcap", "x.pcap"]);
    assert!(
        said.contains("--pcap conflicts with `--net none`"),
        "{said}"
    );
}

#[test]
fn the_version_and_a_similar_command_are_printed() {
    let said = xtask(&["--version"]);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains(env!("CARGO_PKG_VERSION")), "{said}");
    let said = refusal(&["buld"]);
    assert!(said.contains("'build'"), "{said}");
}

#[test]
fn a_shared_folder_is_a_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let words = dry_run(&[&board(), "--share", path]);
    let is_share = |word: &String| word.ends_with(&format!("readonly=on,file=fat:{path}"));
    assert!(words.iter().any(is_share), "{words:?}");
    let said = refusal(&["run", &board(), "--share", "/no/such/folder"]);
    assert!(said.contains("there is no such folder"), "{said}");
}

#[test]
fn an_app_that_runs_as_a_process_gets_its_devices_as_arguments() {
    let arguments = ["hosted", "--app", "hello", "--append", "log=debug ip=dhcp"];
    let devices = ["--disk", "first.img", "--read-only", "--net", "tap=tap0"];
    let words = dry_run(&[&arguments[..], &devices[..], &["--without", "rng"]].concat());
    assert!(words[0].ends_with("/debug/hello"), "{words:?}");
    let expected = [
        "--no-entropy",
        "--disk",
        "first.img,read-only",
        "--net",
        "tap=tap0",
        "log=debug",
        "ip=dhcp",
    ];
    assert_eq!(words[1..], expected);
}

#[test]
fn an_option_for_qemu_is_refused_for_a_process() {
    for option in ["--gdb", "--ethernet", "--balloon"] {
        let said = refusal(&["run", "hosted", option]);
        let expected = format!("{option}: this option is for boards in QEMU");
        assert!(said.contains(&expected), "{said}");
    }
    let said = refusal(&["run", "hosted", "--net", "socket=listen:9000"]);
    assert!(said.contains("a process has `user`"), "{said}");
}

#[test]
fn an_app_that_serves_as_a_process_has_a_gateway_to_this_host() {
    for arguments in [
        &["hosted", "--app", "http"][..],
        &["hosted", "--app", "hello", "--net", "user"],
        &["hosted", "--app", "hello", "--forward", "tcp:9123:7"],
    ] {
        let words = dry_run(arguments).join(" ");
        assert!(words.contains("--net unix="), "{words}");
        assert!(
            words.contains("ip=10.0.2.15/24,10.0.2.2,10.0.2.3"),
            "{words}"
        );
    }
    for arguments in [
        &["hosted", "--app", "hello"][..],
        &["hosted", "--app", "http", "--net", "none"],
        &["hosted", "--app", "http", "--without", "net"],
    ] {
        let words = dry_run(arguments).join(" ");
        assert!(!words.contains("--net"), "{words}");
    }
}
