//! Builds the commands of `cargo xtask` and says so, then runs them.
//!
//! `cargo xtask` is an alias of this program, with the package of the commands as first argument. It
//! has no dependencies, so it is compiled in a moment. Without it, cargo would either be silent for
//! the minutes in which it compiles the commands, or print two lines before the output of each.

#![forbid(unsafe_code)]

use std::env;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode, Stdio};

/// The exit status of cargo for a package that does not compile.
const NOT_COMPILED: u8 = 101;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let Some(package) = arguments.next() else {
        say("error: the first argument is the package of the commands");
        return ExitCode::from(2);
    };
    let cargo = || Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let mut build = cargo();
    build.arg("build").arg("--package").arg(&package);
    match build_and_tell(&mut build) {
        Ok(true) => {}
        Ok(false) => return ExitCode::from(NOT_COMPILED),
        Err(error) => {
            say(&format!("error: cannot run cargo: {error}"));
            return ExitCode::FAILURE;
        }
    }
    let mut run = cargo();
    run.args(["run", "--quiet", "--package"]).arg(&package);
    // The commands replace this process, so they get its signals, and its parent their exit status.
    let error = run.arg("--").args(arguments).exec();
    say(&format!("error: cannot run cargo: {error}"));
    ExitCode::FAILURE
}

/// Runs a build, and passes on what cargo says; nothing if there is nothing to build. Returns
/// whether it succeeded.
fn build_and_tell(build: &mut Command) -> io::Result<bool> {
    if io::stderr().is_terminal() && env::var_os("CARGO_TERM_COLOR").is_none() {
        let is_plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        build.env(
            "CARGO_TERM_COLOR",
            if is_plain { "never" } else { "always" },
        );
    }
    let mut child = build.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut has_told = false;
    for line in BufReader::new(child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        // The last line of every build, also of one that does nothing.
        if line.contains("Finished") && line.contains(" profile ") {
            continue;
        }
        if !has_told && line.contains("Compiling") {
            say(
                "xtask: building the commands first; from scratch, this takes one to three minutes",
            );
            has_told = true;
        }
        say(&line);
    }
    Ok(child.wait()?.success())
}

/// Prints a line to stderr. Nobody can be told if that fails.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
