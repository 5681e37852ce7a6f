//! `cargo xtask lint`: runs clippy for the host and for every board, and builds the documentation of the
//! libraries.

use std::collections::BTreeSet;
use std::env::consts::ARCH;
use std::process::Stdio;

use clap::Args;
use vmos_codegen::Board;

use crate::boards;
use crate::failure::Failure;
use crate::image;
use crate::install;
use crate::target;
use crate::transport;
use crate::workspace::{Group, Workspace, cargo};

/// Run clippy for the host and for every board, and build the documentation; warnings are errors
///
/// The kernel's crates are checked for both the host and the boards, because each contains code
/// that the other does not compile. If the compiler has the target of a Linux host with another
/// processor, such as aarch64-unknown-linux-gnu, they are checked for that, too. If `seldom-tested` in the root
/// Cargo.toml lists apps, the first board of each compiler target is checked with the kernel and these apps, or with
/// all apps that run there if its machine has only a console. Of the other boards, only the generated code is
/// checked. All other apps are then checked only for the host. A board that is named alone is checked with all its
/// apps.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask lint
  cargo xtask lint <BOARD>")]
pub struct Arguments {
    /// Boards: files in boards/, without `.toml`; default: all
    #[arg(value_name = "BOARD")]
    boards: Vec<String>,
}

/// The hosts whose processes apps can be.
const HOSTS: [&str; 2] = ["aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"];

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let boards = boards::load_some(&workspace, &arguments.boards)?;
    eprintln!("xtask: linting the crates for the host");
    let host = ["--workspace", "--all-targets"].map(str::to_owned).to_vec();
    let mut clean = clippy(&workspace, host)?;
    clean &= lint_other_hosts(&workspace)?;
    eprintln!("xtask: building the documentation");
    clean &= document(&workspace)?;
    for (board, extent) in boards.iter().zip(extents(&workspace.seldom, &boards)) {
        install::target(target::triple(board.architecture))?;
        eprintln!("xtask: linting the image for {}", board.name);
        clean &= clippy(&workspace, image_of(&workspace, board, extent))?;
    }
    if clean {
        Ok(())
    } else {
        Err(Failure::Status(1))
    }
}

/// Checks the kernel's crates for hosts with another processor, as far as the compiler has them.
fn lint_other_hosts(workspace: &Workspace) -> Result<bool, Failure> {
    let libraries = libraries(workspace);
    let mut clean = true;
    for host in HOSTS {
        // Without a package, the selection would be the workspace.
        if host.starts_with(ARCH) || libraries.is_empty() || !install::has_target(host)? {
            continue;
        }
        eprintln!("xtask: linting the kernel for {host}");
        let mut words = vec!["--target".to_owned(), host.to_owned()];
        words.extend(libraries.iter().cloned());
        clean &= clippy(workspace, words)?;
    }
    Ok(clean)
}

/// Returns the selection of the kernel's crates that are part of the workspace.
fn libraries(workspace: &Workspace) -> Vec<String> {
    let libraries = ["vmos-drivers", "vmos"].into_iter();
    libraries
        .filter(|library| workspace.has_member(library))
        .flat_map(|library| ["--package".to_owned(), library.to_owned()])
        .collect()
}

/// How much is checked on a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// All apps that run there, and the kernel's crates.
    All,
    /// The apps that are tried on every board, and the kernel's crates.
    Kernel,
    /// What is generated for the board: nothing else differs from another board that is checked.
    Description,
}

/// Returns how much is checked on each of `boards`.
fn extents(seldom: &Group, boards: &[Board]) -> Vec<Extent> {
    if seldom.apps.is_empty() || boards.len() == 1 {
        return vec![Extent::All; boards.len()];
    }
    let mut checked = BTreeSet::new();
    let extent = |board: &Board| match target::triple(board.architecture) {
        triple if !checked.insert(triple) => Extent::Description,
        _ if transport::is_console_only(board) => Extent::All,
        _ => Extent::Kernel,
    };
    boards.iter().map(extent).collect()
}

/// Returns the selection of packages for a board.
fn image_of(workspace: &Workspace, board: &Board, extent: Extent) -> Vec<String> {
    let apps = workspace.apps.iter().map(|app| app.name.as_str());
    let lacks_devices = transport::is_console_only(board);
    let is_checked = |name: &&str| match extent {
        Extent::All => true,
        Extent::Kernel => workspace.seldom.apps.iter().any(|app| app == name),
        Extent::Description => false,
    };
    let apps: Vec<_> = apps
        .filter(is_checked)
        .filter(|name| !lacks_devices || workspace.runs_without_virtio(board, false, name))
        .collect();
    let mut words = image::cargo_selection(board, &apps);
    if extent != Extent::Description {
        words.extend(libraries(workspace));
    }
    words
}

/// Builds the documentation; returns whether rustdoc reported nothing.
fn document(workspace: &Workspace) -> Result<bool, Failure> {
    let status = cargo()
        .args(["doc", "--workspace", "--lib", "--no-deps"])
        .current_dir(&workspace.root)
        .env("CARGO_TARGET_DIR", &workspace.target)
        .env("RUSTDOCFLAGS", "--deny warnings")
        .stdin(Stdio::null())
        .status()?;
    Ok(status.success())
}

/// Runs clippy; returns whether it reported nothing.
fn clippy(workspace: &Workspace, selection: Vec<String>) -> Result<bool, Failure> {
    let status = cargo()
        .arg("clippy")
        .args(selection)
        .args(["--", "--deny", "warnings"])
        .current_dir(&workspace.root)
        .env("CARGO_TARGET_DIR", &workspace.target)
        .stdin(Stdio::null())
        .status()?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::load_all;

    #[test]
    fn the_kernel_is_checked_once_for_every_compiler_target() {
        let workspace = Workspace::find().unwrap();
        let boards = load_all(&workspace).unwrap();
        let extents = extents(&workspace.seldom, &boards);
        let with = |extent| {
            let pairs = boards.iter().zip(&extents);
            pairs
                .filter(move |(_, one)| **one == extent)
                .map(|(board, _)| board)
        };
        let triple = |board: &Board| target::triple(board.architecture);
        let all: BTreeSet<_> = boards.iter().map(triple).collect();
        let compiled = with(Extent::All).chain(with(Extent::Kernel));
        let mut compiled: Vec<_> = compiled.map(triple).collect();
        compiled.sort_unstable();
        assert!(compiled.iter().eq(&all), "{compiled:?}");
    }

    #[test]
    fn all_apps_are_checked_on_a_board_that_is_named_alone() {
        let workspace = Workspace::find().unwrap();
        for board in load_all(&workspace).unwrap() {
            assert_eq!(extents(&workspace.seldom, &[board]), [Extent::All]);
        }
    }
}
