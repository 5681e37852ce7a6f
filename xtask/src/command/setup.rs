//! `cargo xtask setup`: installs everything that the other commands need.

use std::collections::BTreeSet;
use std::process::Stdio;

use clap::Args;

use crate::boards;
use crate::failure::Failure;
use crate::install;
use crate::target;
use crate::workspace::{Workspace, cargo};

/// Install everything the boards need: compiler targets, QEMU, gdb, dtc, crates
///
/// `run`, `build` and `test` install what they need by themselves. This command installs it for all
/// boards at once, for example before working offline.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  cargo xtask setup")]
pub struct Arguments {}

/// Runs the command.
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
        eprintln!("xtask: the target {triple} is installed");
    }
    for program in programs {
        install::qemu(&program)?;
        eprintln!("xtask: {program} is installed");
    }
    // Tools that only some commands need are optional.
    for (what, installed) in [
        ("gdb", install::gdb()),
        ("dtc", install::device_tree_compiler()),
    ] {
        match installed {
            Ok(()) => eprintln!("xtask: {what} is installed"),
            Err(error) => eprintln!("xtask: continuing without {what}: {error}"),
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
    eprintln!("xtask: the crates are downloaded");
    Ok(())
}
