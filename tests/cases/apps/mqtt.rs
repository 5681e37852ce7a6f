//! Tests the app `mqtt` with the broker mosquitto.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use vmos_machine_tests::broker::Broker;
use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::LIMIT;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;

use super::super::{Case, Need};

pub(super) const CASES: [Case; 1] = [Case::spread("mqtt_talks_to_a_broker", talks_to_a_broker)
    .of("mqtt")
    .needing(Need::Table)];

fn talks_to_a_broker(setting: &Setting) -> Outcome {
    let broker = Broker::start(&setting.path(""))?;
    let port = broker.port;
    let client = |program: &str| {
        let mut client = Command::new(program);
        client.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-V", "5"]);
        client
    };
    let mut listener = client("mosquitto_sub");
    let listener = listener
        .args([
            "-t",
            "vmos/state",
            "-t",
            "vmos/reply",
            "-C",
            "2",
            "-W",
            "60",
        ])
        .stdout(Stdio::piped())
        .spawn()?;
    // Otherwise it could miss the first message.
    let deadline = Instant::now() + LIMIT;
    while !fs::read_to_string(&broker.log)?.contains("vmos/reply") {
        ensure!(
            Instant::now() < deadline,
            "mosquitto_sub does not subscribe"
        );
        thread::sleep(Duration::from_millis(20));
    }
    let draft = setting.machine("mqtt")?;
    let machine = draft.append(&format!("mqtt=10.0.2.2:{port}")).start()?;
    machine.wait_for("that it has reached the broker", |line| {
        line.contains("announced to the broker").then_some(())
    })?;
    let said = client("mosquitto_pub")
        .args(["-t", "vmos/ask", "-m", "how are you"])
        .status()?;
    ensure!(said.success(), "mosquitto_pub ended with {said}");
    let heard = listener.wait_with_output()?;
    let heard = String::from_utf8_lossy(&heard.stdout).into_owned();
    ensure!(
        heard == "here\nhow are you\n",
        "the broker passed on {heard:?}"
    );
    Ok(())
}
