//! `cargo xtask lint`: runs clippy for the host and for every board, and builds the documentation.

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
use crate::workspace::{Workspace, cargo};

/// Run clippy for the host and for every board, and build the documentation; warnings are errors
///
/// The kernel's crates are checked for both the host and the boards, because each contains code
/// that the other does not compile. If the compiler has the target of a Linux host with another
/// processor, such as aarch64-unknown-linux-gnu, they are checked for that, too. If the root Cargo.toml names
/// apps for boards that are tested seldom (`seldom-tested`), all apps are checked on one other board with
/// 32-bit and one with 64-bit addresses, and elsewhere only those named. On boards without virtio devices,
/// all that run there are checked.
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
    let whole = checked_whole(&workspace, &boards);
    for board in &boards {
        install::target(target::triple(board.architecture))?;
        eprintln!("xtask: linting the image for {}", board.name);
        clean &= clippy(&workspace, image_of(&workspace, board, &whole))?;
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

/// Returns the names of the boards on which all apps are checked.
fn checked_whole<'a>(workspace: &Workspace, boards: &'a [Board]) -> BTreeSet<&'a str> {
    let seldom = &workspace.seldom;
    let mut sizes = BTreeSet::new();
    let mut whole = BTreeSet::new();
    for board in boards {
        if seldom.includes(&board.name, boards.len()) {
            continue;
        }
        let runs_few = transport::is_console_only(board);
        let bits = target::address_bits(board.architecture);
        if runs_few || seldom.apps.is_empty() || sizes.insert(bits) {
            whole.insert(board.name.as_str());
        }
    }
    whole
}

/// Returns the selection of a board: its apps and the kernel's crates.
fn image_of(workspace: &Workspace, board: &Board, whole: &BTreeSet<&str>) -> Vec<String> {
    let seldom = &workspace.seldom;
    let is_brief = !whole.contains(board.name.as_str());
    let apps = workspace.apps.iter().map(|app| app.name.as_str());
    let lacks_devices = transport::is_console_only(board);
    let apps: Vec<_> = apps
        .filter(|name| !is_brief || seldom.apps.iter().any(|app| app == name))
        .filter(|name| !lacks_devices || workspace.runs_without_virtio(board, false, name))
        .collect();
    let mut words = image::cargo_selection(board, &apps);
    words.extend(libraries(workspace));
    words
}

/// Builds the documentation; returns whether rustdoc reported nothing.
fn document(workspace: &Workspace) -> Result<bool, Failure> {
    let status = cargo()
        .args(["doc", "--workspace", "--no-deps"])
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
