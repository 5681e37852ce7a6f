//! Tests the app `ntp` with a time server of the test.

use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use vmos_machine_tests::time_server::TimeServer;

use super::super::{Case, Need};

pub(super) const CASES: [Case; 1] = [Case::spread("ntp_sets_the_clock", sets_the_clock)
    .of("ntp")
    .needing(Need::Table)];

fn sets_the_clock(setting: &Setting) -> Outcome {
    let server = TimeServer::start()?;
    let draft = setting.machine("ntp")?;
    let machine = draft
        .append(&format!("ntp=10.0.2.2:{}", server.port))
        .start()?;
    let said = machine.wait_for("the time", |line| {
        line.contains("the clock was off").then(|| line.to_owned())
    })?;
    ensure!(
        said.contains(&format!("it is {}", TimeServer::PRINTED)),
        "the printed time differs from the server's: {said}"
    );
    Ok(())
}
