//! Tests that the bare loop provides the measured services.

use std::time::Duration;

use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::packet::{self, Ipv4};
use vmos_machine_tests::setting::Setting;

use super::{Case, Need};

// It supports neither PCI nor legacy devices.
pub(super) const CASES: [Case; 2] = [
    Case::new("floor_answers", answers)
        .of(FLOOR)
        .needing(Need::Slots),
    Case::spread("floor_measures_its_disk", measures_its_disk)
        .of(FLOOR)
        .needing(Need::Slots),
];

const FLOOR: &str = "floor";

/// An arbitrary port: the loop echoes on all of them.
const PORT: u16 = 7;

/// The time limit for an answer on a busy host.
const LIMIT: Duration = Duration::from_secs(10);

fn is_ready(line: &str) -> Option<()> {
    (line == "READY").then_some(())
}

fn answers(setting: &Setting) -> Outcome {
    let (mut draft, wire) = setting.machine(FLOOR)?.wired()?;
    draft.qemu.devices.disk = None;
    let machine = draft.start()?;
    machine.wait_for("that it is ready", is_ready)?;
    let mac = wire.resolve(LIMIT)?;
    for (sequence, size) in [(1, 0), (2, 56), (3, 1400)] {
        let payload = vec![0xa5; size];
        wire.send(&packet::ping(mac, sequence, &payload, Ipv4::default()))?;
        let pong = wire.receive(LIMIT, |frame| {
            packet::is_pong(frame, sequence, &payload).then_some(())
        });
        ensure!(pong.is_some(), "no answer to a ping of {size} bytes");
        wire.send(&packet::summed_datagram(mac, PORT, &payload))?;
        let echo = wire.receive(LIMIT, |frame| {
            packet::echoed(frame)
                .is_some_and(|echo| echo == payload)
                .then_some(())
        });
        ensure!(echo.is_some(), "no echo of a datagram of {size} bytes");
    }
    Ok(())
}

fn measures_its_disk(setting: &Setting) -> Outcome {
    let machine = setting.machine(FLOOR)?.start()?;
    machine.wait_for("that it is ready", is_ready)?;
    machine.wait_for("its last result", |line| {
        (line == "BENCH_DONE").then_some(())
    })?;
    let results = machine.serial.lines();
    for depth in [1, 32] {
        for operation in ["randread", "randwrite"] {
            let begins = format!(r#"{{"bench":"blk","op":"{operation}","bs":4096,"qd":{depth},"#);
            ensure!(
                results.iter().any(|line| line.starts_with(&begins)),
                "no result of {operation} with {depth} in flight"
            );
        }
    }
    Ok(())
}
