//! `cargo xtask list`: lists the boards and the apps.

use clap::Args;
use vmos_codegen::Board;
use vmos_codegen::board::Architecture;

use crate::boards::{self, HOSTED};
use crate::failure::Failure;
use crate::output;
use crate::transport;
use crate::workspace::Workspace;
use crate::wrapping::Table;

/// List the boards and the apps
#[derive(Args, Debug)]
#[command(after_help = "Example:
  cargo xtask list")]
pub struct Arguments {}

/// Runs the command.
pub fn run(_arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let mut boards = Table::new();
    let head = [
        "BOARD",
        "ARCHITECTURE",
        "TRANSPORTS",
        "MEMORY",
        "DESCRIPTION",
    ];
    boards.add(head.map(str::to_owned));
    let sound = boards::Sound::of(&workspace)?;
    sound.say_broken();
    for board in sound.boards {
        let transports = transports(&board);
        let memory = format!("{} MiB", board.qemu.memory >> 20);
        let architecture = architecture(board.architecture).to_owned();
        boards.add([board.name, architecture, transports, memory, board.title]);
    }
    let mut apps = Table::new();
    apps.add(["APP", "DESCRIPTION"].map(str::to_owned));
    for app in workspace.apps {
        apps.add([app.name, app.description]);
    }
    let width = output::width();
    print!("{}\n{}", boards.text(width), apps.text(width));
    println!("\n`cargo xtask run {HOSTED}` runs an app as a process of this host.");
    Ok(())
}

/// Describes how a machine is connected to disks and networks.
fn transports(board: &Board) -> String {
    let transports = transport::transports(board);
    let transports: Vec<_> = transports.iter().map(ToString::to_string).collect();
    match (&*transports.join(", "), board.ethernet.is_some()) {
        ("", false) => "console only".to_owned(),
        ("", true) => "none; Ethernet".to_owned(),
        (all, false) => all.to_owned(),
        (all, true) => format!("{all}; Ethernet"),
    }
}

fn architecture(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Aarch64 => "aarch64",
        Architecture::Arm => "arm",
        Architecture::ArmV6M => "armv6-m",
        Architecture::ArmV7M => "armv7-m",
        Architecture::ArmV8M => "armv8-m",
        Architecture::X86_64 => "x86_64",
        Architecture::Riscv64 => "riscv64",
        Architecture::Riscv32 => "riscv32",
    }
}
