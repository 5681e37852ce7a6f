//! Builds the image of an app for a board with cargo, and copies it to a folder for each board.

mod paths;

use core::error::Error;
use core::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{env, fs};

use vmos_codegen::board::{Board, ImageForm};

use crate::audit;
use crate::child;
use crate::failure::FileError;
use crate::flatten::{self, FlattenError};
use crate::log_level::LogLevel;
use crate::missing_logger;
use crate::missing_std;
use crate::target;
use crate::ticks;
use crate::workspace::{ETHERNET, Workspace, cargo, relative_to_here};

pub use paths::without_prefixes;

/// The variable with the highest level of defmt messages that are compiled in.
const DEFMT_LOG: &str = "DEFMT_LOG";
/// The linker script for the texts of defmt messages.
const DEFMT_SCRIPT: &str = include_str!("../../templates/defmt.ld");

/// The files of an app for a board, whether or not they have been built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The ELF file, with symbols.
    pub elf: PathBuf,
    /// The file to pass to QEMU: the ELF file, or a flat image.
    pub kernel: PathBuf,
    /// The file to pass to QEMU if firmware starts first; `None` if the board leaves no room for
    /// firmware.
    pub payload: Option<PathBuf>,
}

impl Image {
    /// Returns the paths of an app's image for a board.
    #[must_use]
    pub fn of(workspace: &Workspace, board: &Board, app: &str) -> Self {
        let folder = workspace.target.join("images").join(&board.name);
        let elf = folder.join(format!("{app}.elf"));
        let kernel = match board.boot.form {
            ImageForm::Flat => folder.join(format!("{app}.img")),
            ImageForm::Elf => elf.clone(),
        };
        // Firmware takes the place of the jump to the image.
        let payload = match board.boot.jump() {
            Some(_) => Some(folder.join(format!("{app}.payload.elf"))),
            None => board.boot.takes_firmware.then(|| kernel.clone()),
        };
        Self {
            elf,
            kernel,
            payload,
        }
    }
}

/// Returns the cargo arguments that select apps for a board.
#[must_use]
pub fn cargo_selection(board: &Board, apps: &[&str]) -> Vec<String> {
    let target = target::triple(board.architecture);
    // Cargo keeps what it built with other flags, so each board has compiled crates of its own.
    let board = format!("vmos_board=\\\"{}\\\"", board.name);
    let selected = format!("target.{target}.rustflags=[\"--cfg\",\"{board}\"]");
    let mut words = vec!["--release", "--target", target];
    for app in apps.iter().copied().chain(["vmos-board"]) {
        words.extend(["--package", app]);
    }
    words.extend(["--config", &selected]);
    words.into_iter().map(str::to_owned).collect()
}

/// Builds apps for a board, with log levels up to `max_log`; returns their images in the same
/// order.
pub fn build(
    workspace: &Workspace,
    board: &Board,
    apps: &[&str],
    max_log: Option<LogLevel>,
) -> Result<Vec<Image>, ImageError> {
    for apps in alike(workspace, board, apps) {
        link(workspace, board, &apps, max_log)?;
    }
    apps.iter()
        .map(|app| place(workspace, board, app))
        .collect()
}

/// Splits apps into groups that cargo builds separately. Cargo unifies the features of all packages
/// that it builds at once, and an app that enables no kernel feature gets the same image as if
/// built alone. The feature `ethernet` counts only on a board with an Ethernet controller: elsewhere it
/// changes nothing.
fn alike<'a>(workspace: &Workspace, board: &Board, apps: &[&'a str]) -> Vec<Vec<&'a str>> {
    let logs = |app: &&str| workspace.app(app).is_ok_and(|app| app.logs_by_defmt());
    let asks = |app: &&str| asks_for_more(workspace, app);
    let is_wired = |app: &&str| board.ethernet.is_some() && !features(workspace, app).is_empty();
    let (logging, others): (Vec<_>, Vec<_>) = apps.iter().copied().partition(logs);
    let (asking, others): (Vec<_>, Vec<_>) = others.into_iter().partition(asks);
    let (wired, others): (Vec<_>, Vec<_>) = others.into_iter().partition(is_wired);
    let mut groups = vec![others, wired, asking, logging];
    groups.retain(|group| !group.is_empty());
    groups
}

/// Returns the kernel features that an app enables.
fn features<'a>(workspace: &'a Workspace, app: &str) -> &'a [String] {
    match workspace.app(app) {
        Ok(app) => &app.features,
        Err(_) => &[],
    }
}

/// Returns whether an app enables a kernel feature other than `ethernet`.
fn asks_for_more(workspace: &Workspace, app: &str) -> bool {
    let mut features = features(workspace, app).iter();
    features.any(|feature| feature != ETHERNET)
}

/// Links apps for a board with cargo; returns their ELF files in the same order.
pub fn link(
    workspace: &Workspace,
    board: &Board,
    apps: &[&str],
    max_log: Option<LogLevel>,
) -> Result<Vec<PathBuf>, ImageError> {
    // If this command is stopped, the build ends, too: it would hold up the next one.
    let mut build = child::bound(cargo().get_program());
    build.arg("build").args(cargo_selection(board, apps));
    if let Some(flags) = without_prefixes(&workspace.target)? {
        build.args(["--config", &flags]);
    }
    for value in &workspace.configuration {
        build.args(["--config", value]);
    }
    if apps
        .iter()
        .any(|app| workspace.app(app).is_ok_and(|app| app.logs_by_defmt()))
    {
        // The texts of messages get a section that is not loaded.
        let script = workspace.target.join("defmt.ld");
        fs::create_dir_all(&workspace.target)
            .and_then(|()| fs::write(&script, DEFMT_SCRIPT))
            .map_err(FileError::at("write", &script))?;
        let flags = ["-C".to_owned(), format!("link-arg=-T{}", script.display())];
        let flags = format!("target.'cfg(target_os = \"none\")'.rustflags = {flags:?}");
        build.args(["--config", &flags]);
        // Without the variable, defmt compiles in errors only.
        if env::var_os(DEFMT_LOG).is_none() {
            build.env(DEFMT_LOG, max_log.unwrap_or(LogLevel::Trace).to_string());
        }
    }
    let is_plain = !apps.iter().any(|app| asks_for_more(workspace, app));
    if is_plain && board.ethernet.is_none() && workspace.kernel_has(ETHERNET) {
        // Cargo keeps a kernel for each set of features. This one changes nothing here, so that apps with and
        // without it are linked with the same kernel, whichever of them are built together.
        build.args(["--features", &format!("vmos/{ETHERNET}")]);
    }
    if let Some(level) = max_log {
        build.args(["--package", "vmos", "--features", &level.feature()]);
    }
    let status = build
        .current_dir(&workspace.root)
        .env("CARGO_TARGET_DIR", &workspace.target)
        // These would replace the flags of images in .cargo/config.toml: they are for the host.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .stdin(Stdio::null())
        .status()
        .map_err(|error| ImageError::NoCargo(error.to_string()))?;
    if !status.success() {
        if let Some(explanation) = ticks::other(&workspace.root) {
            return Err(ImageError::Tick(explanation));
        }
        return Err(ImageError::Build {
            board: board.name.clone(),
            apps: apps.join(", "),
            advice: advice(workspace, board, apps),
        });
    }
    Ok(apps
        .iter()
        .map(|app| linked(workspace, board, app))
        .collect())
}

/// Returns what to change so that apps can be built, if their dependencies are a known reason why not.
fn advice(workspace: &Workspace, board: &Board, apps: &[&str]) -> Vec<String> {
    let triple = target::triple(board.architecture);
    let mut silent = apps
        .iter()
        .filter(|app| workspace.app(app).is_ok_and(|app| !app.logs_by_defmt()));
    let logger = silent.find_map(|app| missing_logger::of(&workspace.root, app, triple));
    let mut apps = apps.iter();
    let std = apps.find_map(|app| missing_std::of(&workspace.root, app, triple));
    logger.into_iter().chain(std).collect()
}

/// Copies the files that cargo linked for an app, before the next board's files replace them.
fn linked(workspace: &Workspace, board: &Board, app: &str) -> PathBuf {
    let triple = target::triple(board.architecture);
    workspace.target.join(triple).join("release").join(app)
}

fn place(workspace: &Workspace, board: &Board, app: &str) -> Result<Image, ImageError> {
    let image = Image::of(workspace, board, app);
    let built = linked(workspace, board, app);
    let elf = fs::read(&built).map_err(FileError::at("read what cargo built,", &built))?;
    for text in audit::too_large_frames(board, &elf) {
        eprintln!("xtask: warning: {text}");
    }
    write(&image.elf, &elf)?;
    let at = |error| ImageError::Flatten {
        path: built.clone(),
        error,
    };
    if let (Some(_), Some(payload)) = (board.boot.jump(), &image.payload) {
        let elf = flatten::without_segments_below(&elf, board.boot.load_address).map_err(at)?;
        write(payload, &elf)?;
    }
    match board.boot.form {
        ImageForm::Elf => {}
        ImageForm::Flat => {
            // The jump to the image is part of it.
            let load_address = board.boot.start();
            let flat = flatten::flatten(&elf).map_err(at)?;
            if flat.base != load_address {
                return Err(ImageError::Misplaced {
                    path: built,
                    board: board.name.clone(),
                    expected: load_address,
                    found: flat.base,
                });
            }
            write(&image.kernel, &flat.bytes)?;
        }
    }
    Ok(image)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(FileError::at("create the folder", folder))?;
    }
    fs::write(path, bytes).map_err(FileError::at("write the image", path))
}

/// Why an image could not be built.
#[derive(Debug)]
pub enum ImageError {
    /// Cargo could not be started.
    NoCargo(String),
    /// Cargo could not build the apps.
    Build {
        /// The name of the board.
        board: String,
        /// The names of the apps.
        apps: String,
        /// What to change if the linker lacks a logger for defmt, or the compiler the standard library.
        advice: Vec<String>,
    },
    /// Crates disagree about the tick of embassy-time.
    Tick(String),
    /// A file could not be read or written.
    File(FileError),
    /// The program cannot be converted to a flat image.
    Flatten {
        /// The path of the ELF file.
        path: PathBuf,
        /// The reason why the conversion failed.
        error: FlattenError,
    },
    /// The program was linked for an address other than the load address.
    Misplaced {
        /// The path of the ELF file.
        path: PathBuf,
        /// The name of the board.
        board: String,
        /// The address at which the board loads the program.
        expected: u64,
        /// The address that the program was linked for.
        found: u64,
    },
}

impl From<FileError> for ImageError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl fmt::Display for ImageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCargo(error) => write!(formatter, "cannot start cargo: {error}"),
            Self::Build {
                board,
                apps,
                advice,
            } => {
                write!(
                    formatter,
                    "cannot build {apps} for the board `{board}`; see cargo's errors above"
                )?;
                advice
                    .iter()
                    .try_for_each(|advice| write!(formatter, "\n  {advice}"))
            }
            Self::Tick(explanation) => formatter.write_str(explanation),
            Self::File(error) => error.fmt(formatter),
            Self::Flatten { path, error } => {
                write!(
                    formatter,
                    "cannot convert {} to a flat image: {error}",
                    relative_to_here(path).display()
                )
            }
            Self::Misplaced {
                path,
                board,
                expected,
                found,
            } => write!(
                formatter,
                "{} starts at {found:#x}, but the board `{board}` loads it at {expected:#x}\n  \
                 generated/{board}/linker.ld is out of date: cargo xtask gen {board}",
                relative_to_here(path).display()
            ),
        }
    }
}

impl Error for ImageError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards;

    #[test]
    fn an_app_without_features_is_built_with_others_whose_features_change_nothing() {
        let workspace = Workspace::find().unwrap();
        let apps = ["bench", "demo", "http", "hello"];
        let groups = |name: &str| {
            let board = boards::load(&workspace, name).unwrap();
            alike(&workspace, &board, &apps)
        };
        let virtio = groups("virt-arm64");
        assert_eq!(virtio, [vec!["bench", "demo", "hello"], vec!["http"]]);
        let both = groups("vexpress-a9");
        assert_eq!(both, [vec!["bench", "hello"], vec!["demo"], vec!["http"]]);
    }
}
