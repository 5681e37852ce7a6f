//! `cargo xtask lint`: runs clippy for the host and for every board, and builds the documentation.

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
/// that the other does not compile. On boards that are tested seldom (`seldom-tested` in the root
/// Cargo.toml), only the apps named there are checked, and on boards without virtio devices only those
/// that run there.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask lint
  cargo xtask lint <BOARD>")]
pub struct Arguments {
    /// Boards: files in boards/, without `.toml`; default: all
    #[arg(value_name = "BOARD")]
    boards: Vec<String>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let boards = boards::load_some(&workspace, &arguments.boards)?;
    eprintln!("xtask: linting the crates for the host");
    let host = ["--workspace", "--all-targets"].map(str::to_owned).to_vec();
    let mut clean = clippy(&workspace, host)?;
    eprintln!("xtask: building the documentation");
    clean &= document(&workspace)?;
    for board in &boards {
        install::target(target::triple(board.architecture))?;
        eprintln!("xtask: linting the image for {}", board.name);
        clean &= clippy(&workspace, image_of(&workspace, board, boards.len()))?;
    }
    if clean {
        Ok(())
    } else {
        Err(Failure::Status(1))
    }
}

/// Returns the selection of a board, one of `count`: its apps and the kernel's crates.
fn image_of(workspace: &Workspace, board: &Board, count: usize) -> Vec<String> {
    let seldom = &workspace.seldom;
    let is_brief = seldom.includes(&board.name, count);
    let apps = workspace.apps.iter().map(|app| app.name.as_str());
    let lacks_devices = transport::is_console_only(board);
    let apps: Vec<_> = apps
        .filter(|name| !is_brief || seldom.apps.iter().any(|app| app == name))
        .filter(|name| !lacks_devices || workspace.runs_without_virtio(board, false, name))
        .collect();
    let mut words = image::cargo_selection(board, &apps);
    let libraries = ["vmos-drivers", "vmos"].into_iter();
    for library in libraries.filter(|library| workspace.has_member(library)) {
        words.extend(["--package".to_owned(), library.to_owned()]);
    }
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
