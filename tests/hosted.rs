//! Tests of apps that run as processes of this host.

#[path = "hosted/services.rs"]
mod services;
#[path = "hosted/terminal.rs"]
mod terminal;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use vmos_machine_tests::ethernet::Wire;
use xtask::install::{FAT_COPY, MAKE_FAT};

/// The longest time for anything here.
const PATIENCE: Duration = Duration::from_secs(60);

/// The apps that run here.
const APPS: [&str; 12] = [
    "demo", "fat", "fetch", "hello", "http", "kv", "mdns", "mqtt", "ntp", "shell", "tls",
    "udp-echo",
];

/// Returns the program of an app. The first call builds all of them for this host: at once, because cargo
/// builds a kernel for each set of features. The apps' features are united, so a missing one shows only in
/// `cargo xtask build BOARD --app APP`.
fn program(app: &str) -> PathBuf {
    static PROGRAMS: LazyLock<Vec<(String, PathBuf)>> = LazyLock::new(programs);
    let found = PROGRAMS.iter().find(|(name, _)| name == app);
    let (_, program) = found.unwrap_or_else(|| panic!("{app} is not one of APPS"));
    program.clone()
}

/// Builds all apps, and returns their names and programs.
fn programs() -> Vec<(String, PathBuf)> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--message-format", "json"])
        .args(APPS.iter().flat_map(|app| ["--package", app]))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "the apps cannot be built");
    let messages = String::from_utf8(output.stdout).expect("cargo writes text");
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| {
            let program = message["executable"].as_str()?.into();
            Some((message["target"]["name"].as_str()?.to_owned(), program))
        })
        .collect()
}

/// An app that runs. It ends with the test.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(app: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program(app))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the app starts");
        let output = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// Returns the next line with this text.
    fn line(&mut self, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let rest = end.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(rest);
            let line = line.unwrap_or_else(|error| panic!("no line with `{text}`: {error}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Waits until the app ends; returns its status and what it printed after the last line.
    fn end(mut self) -> (Option<i32>, String) {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the app can be waited for") {
                break status;
            }
            assert!(Instant::now() < end, "the app has not ended");
            thread::sleep(Duration::from_millis(10));
        };
        let lines: Vec<_> = self.lines.iter().collect();
        (status.code(), lines.join("\n"))
    }

    fn type_in(&mut self, text: &str) {
        let input = self.child.stdin.as_mut().expect("its input is a pipe");
        input.write_all(text.as_bytes()).expect("the app reads");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs an app to its end; returns its status and what it printed.
fn run(app: &str, arguments: &[&str]) -> (Option<i32>, String) {
    Running::start(app, arguments).end()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("there is room for a folder")
}

/// Creates a file of `size` zeroes, and returns its path.
fn disk(folder: &Path, size: u64) -> String {
    let path = folder.join("disk.img");
    let file = File::create(&path).expect("there is room for a disk");
    file.set_len(size).expect("there is room for a disk");
    path.display().to_string()
}

#[test]
fn an_app_runs_as_a_process_and_ends_with_its_status() {
    let (status, said) = run("hello", &[]);
    assert!(said.contains("hello from hosted"), "{said}");
    assert_eq!(status, Some(0));
}

#[test]
fn a_file_is_a_disk_that_keeps_what_was_written() {
    let folder = folder();
    let disk = disk(folder.path(), 1 << 20);
    // By a thread too, where the host has io_uring.
    for (start, aio) in [(1, ""), (2, ",aio=threads")] {
        let (_, said) = run("demo", &["--disk", &format!("{disk}{aio}")]);
        let expected = format!("boot count: {start}, written and read back");
        assert!(said.contains(&expected), "{said}");
    }
}

#[test]
fn a_read_only_file_is_not_written() {
    let folder = folder();
    let disk = disk(folder.path(), 1 << 20);
    let (_, said) = run("demo", &["--disk", &format!("{disk},read-only")]);
    assert!(said.contains("read-only"), "{said}");
    let mut bytes = Vec::new();
    let mut file = File::open(&disk).expect("the disk is there");
    file.read_to_end(&mut bytes).expect("the disk can be read");
    assert!(bytes.iter().all(|byte| *byte == 0));
}

#[test]
fn a_process_answers_on_the_socket_that_a_machine_would_use() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let link = Wire::new(&path("here"), &path("there")).expect("the link is made");
    let net = format!(
        "unix={},{}",
        path("there").display(),
        path("here").display()
    );
    let mut demo = Running::start("demo", &["--net", &net, "ip=10.0.2.15/24"]);
    demo.line("ready: ");
    assert!(link.resolve(PATIENCE).is_ok());
}

#[test]
fn two_processes_talk_over_a_wire() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let ends = [
        format!("unix={},{}", path("a"), path("b")),
        format!("unix={},{}", path("b"), path("a")),
    ];
    let mut server = Running::start("http", &["--net", &ends[0], "ip=10.0.2.1/24"]);
    server.line("ready: ");
    let server = Ipv4Addr::new(10, 0, 2, 1);
    let url = format!("url=http://{server}/");
    let mac = ["--mac", "52:54:00:00:00:02"];
    let (_, said) = run(
        "fetch",
        &["--net", &ends[1], mac[0], mac[1], "ip=10.0.2.2/24", &url],
    );
    assert!(said.contains(": 200"), "{said}");
}

#[test]
fn what_is_typed_reaches_the_app() {
    let mut shell = Running::start("shell", &[]);
    shell.line("help");
    shell.type_in("memory\r");
    shell.line("heap");
}

#[test]
fn a_burst_of_typing_reaches_the_app_whole() {
    let mut shell = Running::start("shell", &[]);
    shell.line("help");
    let lines: String = (0..200).map(|n| format!("log line{n:04}\r")).collect();
    shell.type_in(&lines);
    shell.line("line0199");
}

#[test]
fn a_crate_that_cannot_await_reads_a_disk() {
    xtask::install::fat_tools().expect("the tools for FAT volumes");
    let folder = folder();
    let disk = disk(folder.path(), 32 << 20);
    let page = folder.path().join("page.txt");
    fs::write(&page, "the first line\n").expect("there is room for a page");
    let page = page.display().to_string();
    let folders = [
        "::A folder",
        "::A folder/B",
        "::A folder/B/C",
        "::A folder/B/C/D",
        "::A folder/B/C/D/E",
    ];
    let deep = "::A folder/B/C/D/E/A long name.txt";
    for (program, arguments) in [
        (MAKE_FAT, &["-F", "16", &disk][..]),
        (FAT_COPY, &["-i", &disk, &page, "::PAGE.TXT"]),
        ("mmd", &[&["-i", &disk][..], &folders].concat()),
        (FAT_COPY, &["-i", &disk, &page, deep]),
    ] {
        let status = Command::new(program).args(arguments).status();
        assert!(status.is_ok_and(|status| status.success()), "{program}");
    }
    for file in ["page.txt", "/afolde~1/b/C/d/e/ALONGN~1.TXT"] {
        let (status, said) = run("fat", &["--disk", &disk, &format!("file={file}")]);
        assert!(
            said.contains(" /A folder/B/C/D/E/A long name.txt\n"),
            "{said}"
        );
        assert!(said.contains("\nthe first line\n"), "{said}");
        assert_eq!(status, Some(0));
    }
    let (status, said) = run("fat", &["--disk", &disk, "file=none.txt"]);
    assert!(said.contains("there is no file none.txt"), "{said}");
    assert_eq!(status, Some(1));
}

#[test]
fn a_folder_that_contains_itself_is_listed_once() {
    xtask::install::fat_tools().expect("the tools for FAT volumes");
    let folder = folder();
    let disk = disk(folder.path(), 32 << 20);
    for (program, arguments) in [
        (MAKE_FAT, &["-F", "16", &disk][..]),
        ("mmd", &["-i", &disk, "::OUTER", "::OUTER/INNER"]),
    ] {
        let status = Command::new(program).args(arguments).status();
        assert!(status.is_ok_and(|status| status.success()), "{program}");
    }
    // In an entry of a folder, the name of 11 bytes is followed by the kind, and the low half of the first
    // cluster's number is at byte 26.
    let mut image = fs::read(&disk).expect("the disk can be read");
    let cluster = |image: &[u8], name: &[u8]| {
        let mut places = image.windows(name.len());
        places.position(|bytes| bytes == name).expect("the folder") + 26
    };
    let outer = cluster(&image, b"OUTER      \x10");
    let inner = cluster(&image, b"INNER      \x10");
    image.copy_within(outer..outer + 2, inner);
    fs::write(&disk, image).expect("there is room for the disk");
    let (status, said) = run("fat", &["--disk", &disk]);
    assert_eq!(said.matches("folder /OUTER").count(), 1, "{said}");
    assert!(!said.contains("INNER"), "{said}");
    assert_eq!(status, Some(0), "{said}");
}

#[test]
fn a_wrong_argument_is_named_before_anything_runs() {
    for (arguments, status, message) in [
        (&["--fast"][..], 2, "unknown option --fast"),
        (&["--disk", "/nonexistent"], 1, "--disk /nonexistent: "),
        (&["--net", "slow"], 1, "--net slow: "),
    ] {
        let output = Command::new(program("hello")).args(arguments).output();
        let output = output.expect("the app starts");
        assert_eq!(output.status.code(), Some(status), "{arguments:?}");
        let said = text(&output.stderr);
        assert!(
            said.starts_with("error: ") && said.contains(message),
            "{said}"
        );
        assert!(output.stdout.is_empty());
    }
}
