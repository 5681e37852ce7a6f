//! Which QEMU is used: the one on the search path, or the one in the folder that a variable names.
//!
//! A QEMU that is not installed must be told where its firmware and its modules are, or it takes those
//! of the installed one, of another version.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use vmos_codegen::Board;
use vmos_codegen::board::Architecture;

use crate::target;

/// The variable that names the folder of another QEMU than the installed one: one that packages were
/// unpacked into, or that was built and installed there, or the one in it that holds the programs.
pub const VARIABLE: &str = "VMOS_QEMU";

/// Where QEMU looks for its modules.
const MODULES_VARIABLE: &str = "QEMU_MODULE_DIR";

/// Where firmware may lie, below `share`.
const FIRMWARE: [&str; 2] = ["qemu", "seabios"];

/// The folder that the variable names, if it is set.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    env::var_os(VARIABLE)
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
}

/// The first words of a command that starts `program`, `qemu-system-` and its architecture: the
/// program, with what has to be said where it is not the installed one.
#[must_use]
pub fn words(program: &str) -> Vec<String> {
    folder()
        .and_then(|folder| words_in(&folder, program))
        .unwrap_or_else(|| vec![program.to_owned()])
}

/// The version of a QEMU program, as `7.2.22`.
///
/// # Errors
/// It cannot be started, or does not say.
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
        .ok_or_else(|| io::Error::other(format!("{program} says no version")))
}

/// `7.2.22` of `QEMU emulator version 7.2.22 (Debian ...)`.
fn version_in(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once("version ")?;
    rest.split_whitespace().next()
}

/// Whether the folder has the program.
#[must_use]
pub fn is_in(folder: &Path, program: &str) -> bool {
    programs(folder, program).is_some()
}

/// The firmware that QEMU comes with for a RISC-V machine, if it does: packages of it differ.
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
    // QEMU prints where it looks, a folder a line.
    let mut asked = Command::new(program);
    let printed = asked.args(arguments).args(["-L", "help"]).output().ok()?;
    let printed = String::from_utf8(printed.stdout).ok()?;
    let mut files = printed.lines().map(|folder| Path::new(folder).join(name));
    files.find(|file| file.is_file())
}

/// The folder that holds the program, or `bin` or `usr/bin` with it.
fn programs(folder: &Path, program: &str) -> Option<PathBuf> {
    let mut folders = [
        folder.to_owned(),
        folder.join("bin"),
        folder.join("usr/bin"),
    ]
    .into_iter();
    folders.find(|folder| folder.join(program).is_file())
}

fn words_in(folder: &Path, program: &str) -> Option<Vec<String>> {
    let programs = programs(folder, program)?;
    // Beside `bin` are `lib` and `share`; a build that is not installed has them nowhere.
    let prefix = programs.join("..");
    let prefix = prefix.canonicalize().unwrap_or(prefix);
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut words = Vec::new();
    if let Some(modules) = modules(&prefix) {
        // As a word of the command it is seen where the command is printed, and printed it works.
        words.extend([
            "env".to_owned(),
            format!("{MODULES_VARIABLE}={}", text(&modules)),
        ]);
    }
    words.push(text(&programs.join(program)));
    for firmware in FIRMWARE {
        let firmware = prefix.join("share").join(firmware);
        if firmware.is_dir() {
            words.extend(["-L".to_owned(), text(&firmware)]);
        }
    }
    Some(words)
}

/// The folder of modules: `lib/qemu`, or one deeper where `lib` is kept apart by architecture. Other
/// things may be in a folder of that name.
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
    fn unpacked_packages_are_told_their_firmware_and_modules() {
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
    fn a_prefix_of_an_installation_is_taken_too() {
        let root = tree(&["bin/qemu-system-example", "lib/qemu/a.so"]);
        let expected = ["env", "QEMU_MODULE_DIR=lib/qemu", "bin/qemu-system-example"];
        assert_eq!(relative(root.path()), expected);
    }

    #[test]
    fn what_is_not_there_is_not_told() {
        let root = tree(&["bin/qemu-system-example"]);
        assert_eq!(relative(root.path()), ["bin/qemu-system-example"]);
    }

    #[test]
    fn the_folder_of_the_programs_is_taken_too() {
        let root = tree(&[
            "usr/bin/qemu-system-example",
            "usr/lib/qemu/a.so",
            "usr/share/qemu/firmware.bin",
        ]);
        let programs = root.path().join("usr/bin");
        assert!(is_in(&programs, PROGRAM));
        let words = words_in(&programs, PROGRAM).expect("the program is there");
        let root_text = format!(
            "{}/",
            root.path().canonicalize().expect("it is there").display()
        );
        let given = format!("{}/", root.path().display());
        let words: Vec<_> = words
            .iter()
            .map(|word| word.replace(&root_text, "").replace(&given, ""))
            .collect();
        let expected = [
            "env",
            "QEMU_MODULE_DIR=usr/lib/qemu",
            "usr/bin/qemu-system-example",
            "-L",
            "usr/share/qemu",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn a_version_is_read_without_what_a_packager_adds() {
        let said = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)\nCopyright";
        assert_eq!(version_in(said), Some("7.2.22"));
        assert_eq!(version_in("something else"), None);
    }

    #[test]
    fn a_folder_without_the_program_is_known() {
        let root = tree(&["bin/qemu-system-other"]);
        assert!(!is_in(root.path(), PROGRAM));
    }
}
