//! Tests the app `kv`: acknowledged values are kept even if the machine stops at any moment.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::{LIMIT, Machine};
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;

use super::super::Case;

pub(super) const CASES: [Case; 2] = [
    Case::spread("kv_keeps_values_over_restarts", keeps_values).of("kv"),
    Case::spread("kv_survives_the_plug_at_any_moment", survives_the_plug).of("kv"),
];

/// The port of the service.
const PORT: u16 = 7;

struct Store {
    machine: Machine,
    stream: BufReader<TcpStream>,
    starts: u32,
}

impl Store {
    fn open(setting: &Setting) -> Outcome<Self> {
        let mut draft = setting.machine("kv")?;
        let port = draft.forward_tcp(PORT)?;
        let machine = draft.start()?;
        let starts = machine.wait_for("that it is ready", |line| {
            let (_, rest) = line.split_once("ready: start ")?;
            rest.split(';').next()?.parse().ok()
        })?;
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(LIMIT))?;
        Ok(Self {
            machine,
            stream: BufReader::new(stream),
            starts,
        })
    }

    fn say(&mut self, line: &str) -> Outcome<String> {
        self.stream
            .get_mut()
            .write_all(format!("{line}\n").as_bytes())?;
        let mut answer = String::new();
        self.stream.read_line(&mut answer)?;
        Ok(answer.trim_end().to_owned())
    }
}

fn keeps_values(setting: &Setting) -> Outcome {
    let mut store = Store::open(setting)?;
    ensure!(
        store.starts == 1,
        "a new store was opened {} times",
        store.starts
    );
    for (line, expected) in [
        ("get colour", "none"),
        ("set colour blue", "ok"),
        ("set shape a round one", "ok"),
        ("set colour green", "ok"),
        ("delete shape", "ok"),
        ("get shape", "none"),
        ("get colour", "green"),
    ] {
        let answer = store.say(line)?;
        ensure!(answer == expected, "{line} is answered by {answer}");
    }
    let answer = store.say("set a-name-that-is-too-long x")?;
    ensure!(answer.starts_with("error"), "it is answered by {answer}");
    store.machine.pull_the_plug()?;
    let mut store = Store::open(setting)?;
    ensure!(
        store.starts == 2,
        "a second start is number {}",
        store.starts
    );
    let answer = store.say("get colour")?;
    ensure!(answer == "green", "the colour is {answer} after a restart");
    Ok(())
}

/// Writes an increasing number to the store until the machine is killed, several times at different
/// moments.
fn survives_the_plug(setting: &Setting) -> Outcome {
    let mut count = 0_u32;
    for round in 0..3_u64 {
        let mut store = Store::open(setting)?;
        let kept = store.say("get count")?;
        let kept: u32 = if kept == "none" { 0 } else { kept.parse()? };
        // The last, unacknowledged change may be stored or not.
        ensure!(
            kept == count || kept == count + 1,
            "the stored count is {kept}, but {count} was acknowledged"
        );
        count = kept;
        let end = Instant::now() + Duration::from_millis(300 + 170 * round);
        while Instant::now() < end {
            let next = count + 1;
            let answer = store.say(&format!("set count {next}"))?;
            ensure!(
                answer == "ok",
                "setting it to {next} is answered by {answer}"
            );
            count = next;
        }
        let next = count + 1;
        let line = format!("set count {next}\n");
        store.stream.get_mut().write_all(line.as_bytes())?;
        std::thread::sleep(Duration::from_millis(round));
        store.machine.pull_the_plug()?;
    }
    ensure!(count > 0, "nothing was stored");
    Ok(())
}
