//! The runner: the command by which cargo starts the programs of a compiler target, such as an emulator of
//! another processor. Cargo starts a test with it, and the test starts its machines in the same way. A
//! relative path starts for cargo in the folder where cargo was started, and for the test in that of its
//! package: so the runner's program must be in `PATH` or have an absolute path.

use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// Returns the variable in which cargo looks for the runner of this program's target. Cargo does not say where
/// else it found one, such as in its configuration files.
fn variable() -> String {
    variable_of(env::consts::ARCH, cfg!(target_env = "musl"))
}

/// The same for a processor, and for one of two C libraries.
fn variable_of(processor: &str, has_musl: bool) -> String {
    let library = if has_musl { "MUSL" } else { "GNU" };
    let processor = processor.to_uppercase();
    format!("CARGO_TARGET_{processor}_UNKNOWN_LINUX_{library}_RUNNER")
}

/// Returns the program to start in order to run `program`, and the words before its own arguments.
pub(super) fn command(program: PathBuf) -> (PathBuf, Vec<OsString>) {
    let runner = env::var(variable()).unwrap_or_default();
    with(&runner, program)
}

/// Returns the command for `program` with `runner`, whose words are separated by spaces.
fn with(runner: &str, program: PathBuf) -> (PathBuf, Vec<OsString>) {
    let mut words = runner.split_whitespace();
    let Some(first) = words.next() else {
        return (program, vec![]);
    };
    let words = words.map(OsString::from);
    (first.into(), words.chain([program.into()]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_has_the_name_of_the_compiler_target() {
        let names = [("x86_64", false), ("aarch64", true)]
            .map(|(processor, has_musl)| variable_of(processor, has_musl));
        assert_eq!(
            names,
            [
                "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER",
                "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUNNER"
            ]
        );
    }

    #[test]
    fn a_runner_gets_its_own_words_and_the_program() {
        let (program, words) = with(" qemu-aarch64  -L /usr/aarch64 ", "/t/test".into());
        assert_eq!(program, PathBuf::from("qemu-aarch64"));
        assert_eq!(words, ["-L", "/usr/aarch64", "/t/test"]);
    }

    #[test]
    fn without_a_runner_the_program_is_started_itself() {
        assert_eq!(with("", "/t/test".into()), ("/t/test".into(), vec![]));
    }
}
