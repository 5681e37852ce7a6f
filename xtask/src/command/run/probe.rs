//! Asks QEMU whether it can make a machine of this size: the limits depend on the machine, its
//! interrupt controller and QEMU's version.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::qemu::Machine;

/// Rejects a number of processors or an amount of memory that QEMU refuses. `options` are the
/// options that changed them, as the user wrote them; without one, nothing is checked.
///
/// Starts the machine without devices, with its processors stopped, and ends it at once.
pub(super) fn check(machine: &Machine, options: &[String]) -> Result<(), Failure> {
    if options.is_empty() {
        return Ok(());
    }
    let command = machine.stopped_command();
    let [program, arguments @ ..] = command.as_slice() else {
        return Ok(());
    };
    let mut qemu = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut monitor) = qemu.stdin.take() {
        // It may have ended already, which its status tells.
        let _ = monitor.write_all(b"quit\n");
    }
    let output = qemu.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::usage(format!(
        "{}: QEMU refuses: {}",
        options.join(" "),
        reason(&said)
    )))
}

/// Extracts the reason from QEMU's error, whose first part is the name of the program.
fn reason(said: &str) -> &str {
    let line = said.lines().find(|line| !line.contains("warning:"));
    let line = line.unwrap_or("it ended without an error message");
    match line.split_once(": ") {
        Some((program, reason)) if program.contains("qemu-system") => reason,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_first_line_that_is_no_warning() {
        let said = "qemu-system-x: warning: old\nqemu-system-x: at most 8 processors\nmore\n";
        assert_eq!(reason(said), "at most 8 processors");
        assert_eq!(reason("cannot load: x"), "cannot load: x");
        assert!(reason("").contains("without an error message"));
    }
}
