//! Tests the app `mdns` with multicast queries on a wire.

use vmos_machine_tests::multicast_dns;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;

use super::super::Case;

pub(super) const CASES: [Case; 1] = [Case::spread("mdns_answers_to_its_name", answers).of("mdns")];

fn answers(setting: &Setting) -> Outcome {
    let (draft, wire) = setting.machine("mdns")?.wired()?;
    let machine = draft.start()?;
    multicast_dns::wait_for_a_member(&wire)?;
    machine.wait_for("that it is ready", |line| {
        line.starts_with("ready: vmos.local").then_some(())
    })?;
    multicast_dns::ask(&wire)
}
