//! Child processes that do not outlive this process, even if it is killed by SIGKILL.
//!
//! Linux sends a process a signal of its choice when its parent ends, if the process asks for it
//! (`PR_SET_PDEATHSIG`). QEMU and apps do not ask. Therefore this program starts itself, asks, and
//! becomes the program that is wanted: the request survives `execve`.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};

/// The first argument of this program if it is to become another one. The next two are the parent's
/// process ID and the other program.
const WORD: &str = "--end-with-parent";
/// The running program, even if its file was replaced.
const THIS_PROGRAM: &str = "/proc/self/exe";
/// The exit status of a shell whose command cannot be started.
const NOT_STARTED: u8 = 127;

/// Whether this process runs [`become_program`]: not if it is a test.
static CAN_BECOME: AtomicBool = AtomicBool::new(false);

/// Returns a command for `program`, whose process the system kills when the thread that starts it ends.
/// In a process that is not `cargo xtask`, or on another system than Linux, returns an ordinary command.
#[must_use]
pub fn bound(program: impl AsRef<OsStr>) -> Command {
    if !CAN_BECOME.load(Ordering::Relaxed) {
        return Command::new(program);
    }
    let named = env::current_exe().ok();
    let mut command = Command::new(startable(named, Path::new(THIS_PROGRAM)));
    let parent = std::process::id().to_string();
    command.args([WORD, &parent]).arg(program);
    command
}

/// Returns the path by which this program starts itself: `link`, unless it leads to another file than the
/// path that the program knows by itself. Of a program for another processor, the emulator (`qemu-aarch64`)
/// tells the path, but the system starts the emulator if it is given the link.
fn startable(named: Option<PathBuf>, link: &Path) -> PathBuf {
    let file = |path: &Path| fs::metadata(path).map(|data| (data.dev(), data.ino()));
    let is_other = |path: &PathBuf| match (file(path), file(link)) {
        (Ok(named), Ok(linked)) => named != linked,
        _ => false,
    };
    named.filter(is_other).unwrap_or_else(|| link.to_owned())
}

/// Becomes another program if the arguments of this process ask for it. Returns only if they do not
/// (`None`), or if the program cannot be started: with the exit status.
#[must_use]
pub fn become_program() -> Option<ExitCode> {
    CAN_BECOME.store(cfg!(target_os = "linux"), Ordering::Relaxed);
    let mut words = env::args_os().skip(1);
    if words.next().is_none_or(|word| word != WORD) {
        return None;
    }
    let parent = words
        .next()
        .and_then(|parent| parent.to_str()?.parse().ok());
    let command: Vec<OsString> = words.collect();
    let ([program, arguments @ ..], Some(parent)) = (&*command, parent) else {
        eprintln!("error: {WORD} is followed by a process ID and a command");
        return Some(ExitCode::from(2));
    };
    let error = replace_this_process(parent, program, arguments);
    eprintln!("error: cannot start {}: {error}", program.display());
    Some(ExitCode::from(NOT_STARTED))
}

/// Replaces this process by a program that ends with `parent`.
#[cfg(target_os = "linux")]
fn replace_this_process(parent: i32, program: &OsStr, arguments: &[OsString]) -> std::io::Error {
    use nix::sys::prctl::set_pdeathsig;
    use nix::sys::signal::Signal;
    use nix::unistd::getppid;
    use std::os::unix::process::CommandExt as _;

    if let Err(error) = set_pdeathsig(Signal::SIGKILL) {
        return error.into();
    }
    // It may have ended before the request.
    if getppid().as_raw() != parent {
        std::process::exit(NOT_STARTED.into());
    }
    Command::new(program).args(arguments).exec()
}

/// Other systems have no such request.
#[cfg(not(target_os = "linux"))]
fn replace_this_process(_: i32, _: &OsStr, _: &[OsString]) -> std::io::Error {
    std::io::ErrorKind::Unsupported.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emulated_program_is_started_by_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = folder.path().join(name);
            fs::write(&path, name).unwrap();
            path
        };
        let (program, emulator, link) =
            (file("program"), file("emulator"), folder.path().join("exe"));
        std::os::unix::fs::symlink(&program, &link).unwrap();
        assert_eq!(startable(Some(program.clone()), &link), link);
        // Its file was replaced: Linux says so at the end of the path.
        let replaced = folder.path().join("program (deleted)");
        assert_eq!(startable(Some(replaced), &link), link);
        assert_eq!(startable(None, &link), link);

        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&emulator, &link).unwrap();
        assert_eq!(startable(Some(program.clone()), &link), program);
    }

    #[test]
    fn a_process_that_is_no_command_starts_programs_directly() {
        assert_eq!(bound("qemu").get_program(), "qemu");
    }
}
