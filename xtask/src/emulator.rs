//! Selects the QEMU to use: the one on the search path, or one in the folder that an environment
//! variable names.
//!
//! A QEMU that is not installed needs options with the paths of its firmware and modules. Without
//! them, it would use those of the installed QEMU, which may have another version.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use vmos_codegen::Board;
use vmos_codegen::board::Architecture;

use crate::target;

/// The environment variable with the folder of another QEMU: unpacked packages, an installation
/// prefix, or the folder that contains its programs.
pub const VARIABLE: &str = "VMOS_QEMU";

/// The environment variable with the folder in which QEMU looks for modules.
const MODULES_VARIABLE: &str = "QEMU_MODULE_DIR";

/// The possible firmware folders, below `share`.
const FIRMWARE: [&str; 2] = ["qemu", "seabios"];

/// Returns the folder that the variable names, if it is set.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    env::var_os(VARIABLE)
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
}

/// Returns the first words of a command that starts `program` (`qemu-system-` and its
/// architecture), with the path options that a QEMU in another folder needs.
#[must_use]
pub fn words(program: &str) -> Vec<String> {
    folder()
        .and_then(|folder| words_in(&folder, program))
        .unwrap_or_else(|| vec![program.to_owned()])
}

/// Removes the boards that are not tested with the QEMU that runs, because it lacks what they need.
/// With a QEMU that no board was tested with, all remain.
pub fn keep_tested(boards: &mut Vec<Board>) {
    let is_tested = |board: &Board| {
        // If the program is missing, starting it later reports that.
        let Ok(version) = version(&target::qemu_program(board)) else {
            return true;
        };
        let is_of = |release: &String| {
            let rest = version.strip_prefix(release.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        board.qemu.tested.iter().any(is_of)
    };
    if boards.iter().any(is_tested) {
        boards.retain(is_tested);
    }
}

/// Returns the version of a QEMU program, as `7.2.22`.
///
/// # Errors
/// The program cannot be started, or prints no version.
pub fn version(program: &str) -> io::Result<String> {
    let words = words(program);
    let [program, arguments @ ..] = &*words else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let mut asked = Command::new(program);
    let output = asked.args(arguments).arg("--version").output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    version_in(&said)
        .map(str::to_owned)
        .ok_or_else(|| io::Error::other(format!("{program} printed no version")))
}

/// Extracts `7.2.22` from `QEMU emulator version 7.2.22 (Debian ...)`.
fn version_in(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once("version ")?;
    rest.split_whitespace().next()
}

/// Returns whether the folder contains the program.
#[must_use]
pub fn is_in(folder: &Path, program: &str) -> bool {
    Installation::find(folder, program).is_some()
}

/// Returns the firmware that this QEMU includes for a RISC-V machine. Not all packages include it.
#[must_use]
pub fn firmware(board: &Board) -> Option<PathBuf> {
    let name = match board.architecture {
        Architecture::Riscv64 => "opensbi-riscv64-generic-fw_dynamic.bin",
        Architecture::Riscv32 => "opensbi-riscv32-generic-fw_dynamic.bin",
        _ => return None,
    };
    let [program, arguments @ ..] = &*words(&target::qemu_program(board)) else {
        return None;
    };
    // QEMU prints the folders it searches, one per line.
    let mut asked = Command::new(program);
    let printed = asked.args(arguments).args(["-L", "help"]).output().ok()?;
    let printed = String::from_utf8(printed.stdout).ok()?;
    let mut files = printed.lines().map(|folder| Path::new(folder).join(name));
    files.find(|file| file.is_file())
}

/// A QEMU that is not on the search path.
struct Installation {
    program: PathBuf,
    /// The folder that contains `lib` and `share`, if this QEMU has its own.
    prefix: PathBuf,
}

impl Installation {
    /// Looks for the program in `bin`, in `usr/bin` and in the folder itself, in this order.
    fn find(folder: &Path, program: &str) -> Option<Self> {
        let programs = [
            folder.join("bin"),
            folder.join("usr").join("bin"),
            // Resolve links and dots, so that the path has a parent.
            folder.canonicalize().ok()?,
        ];
        let mut found = programs.into_iter().map(|programs| Self {
            program: programs.join(program),
            prefix: programs.parent().unwrap_or(&programs).to_owned(),
        });
        found.find(|installation| installation.program.is_file())
    }
}

fn words_in(folder: &Path, program: &str) -> Option<Vec<String>> {
    let Installation { program, prefix } = Installation::find(folder, program)?;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut words = Vec::new();
    if let Some(modules) = modules(&prefix) {
        // An `env` prefix keeps the printed command line complete.
        words.extend([
            "env".to_owned(),
            format!("{MODULES_VARIABLE}={}", text(&modules)),
        ]);
    }
    words.push(text(&program));
    for firmware in FIRMWARE {
        let firmware = prefix.join("share").join(firmware);
        if firmware.is_dir() {
            words.extend(["-L".to_owned(), text(&firmware)]);
        }
    }
    Some(words)
}

/// Returns the folder of modules: `lib/qemu`, or one level deeper if `lib` is split by
/// architecture. A folder of this name may also hold other files.
fn modules(prefix: &Path) -> Option<PathBuf> {
    let libraries = prefix.join("lib");
    let deeper = fs::read_dir(&libraries).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = deeper.map(|entry| entry.path().join("qemu")).collect();
    found.sort();
    found.insert(0, libraries.join("qemu"));
    found.into_iter().find(|folder| has_modules(folder))
}

fn has_modules(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut entries = entries.map(|entry| entry.path());
    entries.any(|path| path.extension().is_some_and(|extension| extension == "so"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &str = "qemu-system-example";

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder for the test");
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder");
            fs::write(path, "").expect("a file");
        }
        root
    }

    fn relative(root: &Path) -> Vec<String> {
        let root_text = format!("{}/", root.display());
        let words = words_in(root, PROGRAM).expect("the program is there");
        words
            .iter()
            .map(|word| word.replace(&root_text, ""))
            .collect()
    }

    #[test]
    fn unpacked_packages_get_options_for_firmware_and_modules() {
        let root = tree(&[
            "usr/bin/qemu-system-example",
            "usr/lib/qemu/some-tool",
            "usr/lib/some-linux-gnu/qemu/a.so",
            "usr/share/qemu/firmware.bin",
            "usr/share/seabios/bios.bin",
        ]);
        let expected = [
            "env",
            "QEMU_MODULE_DIR=usr/lib/some-linux-gnu/qemu",
            "usr/bin/qemu-system-example",
            "-L",
            "usr/share/qemu",
            "-L",
            "usr/share/seabios",
        ];
        assert_eq!(relative(root.path()), expected);
    }

    #[test]
    fn an_installation_prefix_works_too() {
        let root = tree(&["bin/qemu-system-example", "lib/qemu/a.so"]);
        let expected = ["env", "QEMU_MODULE_DIR=lib/qemu", "bin/qemu-system-example"];
        assert_eq!(relative(root.path()), expected);
    }

    #[test]
    fn the_folder_that_contains_the_programs_works_too() {
        let root = tree(&[
            "usr/bin/qemu-system-example",
            "usr/lib/qemu/a.so",
            "usr/share/qemu/firmware.bin",
        ]);
        let words = words_in(&root.path().join("usr/bin"), PROGRAM).expect("the program is there");
        assert_eq!(words, words_in(root.path(), PROGRAM).expect("the same"));
        let alone = tree(&["qemu-system-example"]);
        assert_eq!(relative(alone.path()), ["qemu-system-example"]);
    }

    #[test]
    fn missing_folders_get_no_options() {
        let root = tree(&["bin/qemu-system-example"]);
        assert_eq!(relative(root.path()), ["bin/qemu-system-example"]);
    }

    #[test]
    fn a_version_is_read_without_what_a_packager_adds() {
        let said = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)\nCopyright";
        assert_eq!(version_in(said), Some("7.2.22"));
        assert_eq!(version_in("something else"), None);
    }

    #[test]
    fn a_folder_without_the_program_is_detected() {
        let root = tree(&["bin/qemu-system-other"]);
        assert!(!is_in(root.path(), PROGRAM));
    }
}
