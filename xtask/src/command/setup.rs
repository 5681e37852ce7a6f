//! `cargo xtask setup`: everything that the other commands would install, ahead of time.

use std::collections::BTreeSet;
use std::process::Stdio;

use clap::Args;

use crate::boards;
use crate::failure::Failure;
use crate::install;
use crate::target;
use crate::workspace::{Workspace, cargo};

/// Install all that the boards need: the compiler's targets, QEMU, gdb, dtc, the crates.
///
/// `run`, `build` and `test` install what they need by themselves; this does it for every board
/// ahead of time, as before a journey without a network.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  cargo xtask setup")]
pub struct Arguments {}

/// Does it.
pub fn run(_arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let sound = boards::Sound::of(&workspace)?;
    sound.say_broken();
    let boards = sound.boards;
    let targets: BTreeSet<_> = boards
        .iter()
        .map(|b| target::triple(b.architecture))
        .collect();
    let programs: BTreeSet<_> = boards.iter().map(target::qemu_program).collect();
    for triple in targets {
        install::target(triple)?;
        eprintln!("xtask: target {triple} is there");
    }
    for program in programs {
        install::qemu(&program)?;
        eprintln!("xtask: {program} is there");
    }
    // What only some commands need is not missed by the others.
    for (what, installed) in [
        ("gdb", install::gdb()),
        ("dtc", install::device_tree_compiler()),
    ] {
        match installed {
            Ok(()) => eprintln!("xtask: {what} is there"),
            Err(error) => eprintln!("xtask: going on without {what}: {error}"),
        }
    }
    let status = cargo()
        .args(["fetch", "--locked"])
        .current_dir(&workspace.root)
        .stdin(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(Failure::Status(1));
    }
    eprintln!("xtask: the crates are there");
    Ok(())
}
