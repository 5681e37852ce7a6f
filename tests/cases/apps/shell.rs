//! Tests the app `shell`: commands on the console and over TCP.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::{LIMIT, Machine};
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::{Draft, Setting};

use super::super::Case;

pub(super) const CASES: [Case; 3] = [
    Case::spread("shell_answers_on_the_console", answers_on_the_console).of("shell"),
    Case::spread("shell_answers_over_telnet", answers_over_telnet).of("shell"),
    Case::once_a_board("shell_takes_a_burst_of_typing", takes_a_burst).of("shell"),
];

/// The port of telnet.
const TELNET: u16 = 23;

fn ready(draft: Draft<'_>) -> Outcome<Machine> {
    let machine = draft.start()?;
    machine.wait_for("that it is ready", |line| {
        line.contains("ready: `help`").then_some(())
    })?;
    Ok(machine)
}

/// Returns the rest of the line that starts with `label`.
fn after(machine: &Machine, label: &str) -> Outcome<String> {
    machine.wait_for(&format!("`{label}`"), |line| {
        line.strip_prefix(label).map(|rest| rest.trim().to_owned())
    })
}

fn answers_on_the_console(setting: &Setting) -> Outcome {
    let mut machine = ready(setting.machine("shell")?)?;
    // A typing error is deleted, and an earlier line recalled.
    machine.type_text("memorx\x7fy\r")?;
    after(&machine, "heap")?;
    machine.type_text("devices\r")?;
    after(&machine, "network")?;
    machine.type_text("tasks\r")?;
    let main = after(&machine, "shell::main")?;
    let polls = main
        .split_whitespace()
        .nth(1)
        .and_then(|polls| polls.parse().ok());
    ensure!(polls > Some(0), "the counts of the app are {main}");
    machine.type_text("timers\r")?;
    after(&machine, "latest")?;
    machine.type_text("nonsense\r")?;
    after(&machine, "unknown command")?;
    machine.type_text("dump 0\r")?;
    after(&machine, "1 sectors")?;
    machine.type_text("ping 10.0.2.2\r")?;
    after(&machine, "10.0.2.2 answered")?;
    machine.type_text("off\r")?;
    let status = machine.wait_for_end()?;
    ensure!(status.code().is_some(), "it ended with {status}");
    Ok(())
}

fn answers_over_telnet(setting: &Setting) -> Outcome {
    let mut draft = setting.machine("shell")?;
    let port = draft.forward_tcp(TELNET)?;
    let _machine = ready(draft)?;
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(b"loop\r\0statistics timers\r\0exit\r\0")?;
    let mut said = Vec::new();
    stream.read_to_end(&mut said)?;
    let said = String::from_utf8_lossy(&said).into_owned();
    ensure!(
        said.contains("> loop\r\n") && said.contains("\r\nturns "),
        "it says {said:?}"
    );
    let (_, counts) = said.split_once("timers\r\n").unwrap_or_default();
    ensure!(
        counts.starts_with("timers.") && !counts.contains("loop."),
        "it says {said:?}"
    );
    Ok(())
}

/// Sends as many bytes as the input holds, as fast as possible, and checks that none is lost while
/// they are read.
fn takes_a_burst(setting: &Setting) -> Outcome {
    let mut machine = ready(setting.machine("shell")?)?;
    for _ in 0..20 {
        machine.type_text(&format!("{}\r", "x".repeat(150)))?;
    }
    machine.type_text("memory\r")?;
    after(&machine, "heap")?;
    let refusals = machine
        .serial
        .lines()
        .iter()
        .filter(|line| line.contains("unknown command"))
        .count();
    ensure!(refusals == 20, "only {refusals} of 20 lines were answered");
    Ok(())
}
