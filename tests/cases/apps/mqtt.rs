//! Tests the app `mqtt` with the broker mosquitto.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::LIMIT;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::ports;
use vmos_machine_tests::setting::Setting;

use super::super::{Case, Need};

pub(super) const CASES: [Case; 1] = [Case::spread("mqtt_talks_to_a_broker", talks_to_a_broker)
    .of("mqtt")
    .needing(Need::Table)];

/// A program that is killed when dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn talks_to_a_broker(setting: &Setting) -> Outcome {
    xtask::install::mosquitto()?;
    let port = ports::free_tcp().ok_or("no port is free")?;
    let configuration = setting.path("mosquitto.conf");
    let log = setting.path("mosquitto.log");
    fs::write(
        &configuration,
        format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nlog_dest stderr\nlog_type subscribe\n"
        ),
    )?;
    let mut broker = Command::new(xtask::install::MOSQUITTO);
    broker.arg("-c").arg(&configuration);
    broker
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log)?);
    let _broker = Ended(broker.spawn()?);
    let deadline = Instant::now() + LIMIT;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        ensure!(Instant::now() < deadline, "mosquitto does not listen");
        thread::sleep(Duration::from_millis(20));
    }
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
    while !fs::read_to_string(&log)?.contains("vmos/reply") {
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
