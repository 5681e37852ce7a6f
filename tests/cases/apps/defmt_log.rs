//! Tests the app `defmt-log`: its messages, decoded by the program that `cargo xtask run` uses.

use std::process::{Command, Stdio};

use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use xtask::decoder;
use xtask::qemu::Serial;

use super::super::Case;

pub(super) const CASES: [Case; 1] =
    [Case::spread("defmt_messages_are_decoded", decoded).of("defmt-log")];

/// The messages, without their times, and without the name of the board.
const MESSAGES: [&str; 5] = [
    " logs by defmt",
    "INFO read Reading { celsius: 18, is_valid: true }",
    "INFO read Reading { celsius: 19, is_valid: false }",
    "INFO read Reading { celsius: 20, is_valid: true }",
    "WARN 0 messages were dropped",
];

fn decoded(setting: &Setting) -> Outcome {
    let program = decoder::build(setting.workspace()).map_err(|error| error.to_string())?;
    let mut draft = setting.machine("defmt-log")?;
    let port = Serial {
        name: decoder::PORT.to_owned(),
        socket: setting.path("defmt.sock"),
    };
    draft.qemu.devices.more.serials = vec![port.clone()];
    let image = setting.image("defmt-log")?;
    let decoder = Command::new(program)
        .args([&image.elf, &port.socket])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut machine = draft.start()?;
    let status = machine.wait_for_end()?;
    // It ends when QEMU has closed the socket.
    let output = decoder.wait_with_output()?;
    ensure!(status.success(), "the machine ended with {status}");
    let (said, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let lines: Vec<_> = said.lines().collect();
    ensure!(
        lines.len() == MESSAGES.len() && errors.is_empty(),
        "decoded:\n{said}\n{errors}"
    );
    for (line, message) in lines.iter().zip(MESSAGES) {
        ensure!(line.ends_with(message), "`{line}` is not `{message}`");
    }
    let board = format!("INFO {} logs", setting.board().name);
    ensure!(lines[0].contains(&board), "`{}` has no name", lines[0]);
    Ok(())
}
