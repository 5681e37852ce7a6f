//! Tests that the machine of `cargo xtask run` is reached from this host as README.md shows.

use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::time::Duration;

use xtask::boards;
use xtask::guest::ports;
use xtask::install;
use xtask::target;
use xtask::workspace::Workspace;

use crate::dialogue;
use crate::shared_build::alone;

const BOARD: &str = "virt-arm64";

/// Returns the echo of a datagram that is sent until one comes back.
fn echo(port: u16) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    socket.connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    let mut room = [0; 16];
    for _ in 0..10 {
        socket.send(b"hello").ok()?;
        if let Ok(length) = socket.recv(&mut room) {
            return room.get(..length).map(<[u8]>::to_vec);
        }
    }
    None
}

#[test]
fn a_datagram_to_the_forwarded_port_is_echoed() {
    let workspace = Workspace::find().unwrap();
    let board = boards::load(&workspace, BOARD).unwrap();
    if !install::in_path(&target::qemu_program(&board)) {
        // `cargo xtask test` installs missing programs before this test runs.
        eprintln!("not run: the QEMU of {BOARD} is not installed");
        return;
    }
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let port = ports::free_udp().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .args(["run", BOARD, "--app", "demo", "--forward"])
        .arg(format!("udp:{port}:7"))
        .arg("--disk")
        .arg(folder.path().join("disk.img"));
    let mut echoed = None;
    let (succeeded, console) = dialogue::run(&mut command, |line| {
        if line.starts_with("ready: ") {
            echoed = echo(port);
            // Ctrl-A X stops the machine.
            return b"\x01x";
        }
        b""
    });
    assert!(succeeded, "{console}");
    assert_eq!(echoed.as_deref(), Some(&b"hello"[..]), "{console}");
}
