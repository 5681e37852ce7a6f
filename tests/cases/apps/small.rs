//! Tests the smallest apps: `hello` and `udp-echo`.

use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::LIMIT;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use vmos_machine_tests::udp::Caller;

use super::super::Case;

pub(super) const CASES: [Case; 2] = [
    Case::spread("hello_says_what_it_runs_on_and_stops", says_hello),
    Case::spread("udp_echo_echoes", echoes),
];

fn says_hello(setting: &Setting) -> Outcome {
    let mut machine = setting.machine("hello")?.start()?;
    let board = &setting.board().name;
    let expected = format!("hello from {board}");
    machine.wait_for(&expected, |line| (line == expected).then_some(()))?;
    machine.wait_for("its network device", |line| {
        line.starts_with("network").then_some(())
    })?;
    let status = machine.wait_for_end()?;
    ensure!(status.code().is_some(), "it ended by {status}");
    Ok(())
}

fn echoes(setting: &Setting) -> Outcome {
    let draft = setting.machine("udp-echo")?;
    let caller = Caller::new(draft.echo_port()?)?;
    let machine = draft.start()?;
    machine.wait_for("that it is ready", |line| {
        line.starts_with("ready: UDP echo").then_some(())
    })?;
    for payload in [&b""[..], b"hello", &[0xa5; 1472]] {
        caller.call(payload, LIMIT)?;
    }
    Ok(())
}
