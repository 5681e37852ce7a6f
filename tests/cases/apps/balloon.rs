//! Tests the app `balloon`: the host takes memory and gives it back, through QEMU's monitor.

use std::time::{Duration, Instant};

use serde_json::json;
use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::{LIMIT, Machine};
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;

use super::super::Case;

pub(super) const CASES: [Case; 2] = [
    Case::spread("balloon_gives_memory_and_takes_it_back", gives_and_takes).of("balloon"),
    Case::spread("balloon_gives_memory_to_a_failing_allocation", is_relieved).of("balloon"),
];

const MIB: u64 = 1 << 20;
/// The memory of the machine.
const MEMORY: u64 = 128 * MIB;
/// The time between two queries.
const INTERVAL: Duration = Duration::from_millis(50);
/// The time for which the host's share must stay the same to count as settled.
const SETTLED: Duration = Duration::from_millis(1500);

/// The host, which sets the amount of memory that the machine has.
struct Host {
    monitor: xtask::qmp::Qmp,
}

impl Host {
    fn of(machine: &Machine) -> Outcome<Self> {
        let monitor = machine.monitor()?;
        Ok(Self { monitor })
    }

    fn wants(&mut self, left: u64) -> Outcome {
        self.monitor.execute("balloon", json!({"value": left}))?;
        Ok(())
    }

    fn left(&mut self) -> Outcome<u64> {
        let answer = self.monitor.execute("query-balloon", json!({}))?;
        Ok(answer["actual"].as_u64().ok_or("no number of bytes")?)
    }

    fn becomes(&mut self, left: u64) -> Outcome {
        let end = Instant::now() + LIMIT;
        loop {
            let now = self.left()?;
            if now == left {
                return Ok(());
            }
            ensure!(
                Instant::now() < end,
                "{now} bytes are left instead of {left}"
            );
            std::thread::sleep(INTERVAL);
        }
    }

    /// Waits until the amount does not change any more, and returns it in bytes.
    fn settles(&mut self) -> Outcome<u64> {
        let (mut before, mut since) = (self.left()?, Instant::now());
        let end = Instant::now() + LIMIT;
        while since.elapsed() < SETTLED {
            ensure!(
                Instant::now() < end,
                "the amount of memory that the machine has does not settle"
            );
            std::thread::sleep(INTERVAL);
            let now = self.left()?;
            if now != before {
                (before, since) = (now, Instant::now());
            }
        }
        Ok(before)
    }
}

fn start(setting: &Setting, words: &str) -> Outcome<Machine> {
    let mut draft = setting.machine("balloon")?.append(words);
    draft.qemu.devices.more.balloon = true;
    let machine = draft.start()?;
    machine.wait_for("the app", |line| line.starts_with("ready: ").then_some(()))?;
    Ok(machine)
}

fn gives_and_takes(setting: &Setting) -> Outcome {
    let machine = start(setting, "")?;
    let mut host = Host::of(&machine)?;
    host.becomes(MEMORY)?;
    // Pages are exact, also if they are no whole lot; and a host may change its mind.
    for left in [
        100 * MIB,
        96 * MIB + 4096,
        80 * MIB,
        90 * MIB,
        MEMORY,
        64 * MIB,
    ] {
        host.wants(left)?;
        host.becomes(left)?;
    }
    host.wants(110 * MIB)?;
    host.wants(70 * MIB)?;
    host.wants(100 * MIB)?;
    host.becomes(100 * MIB)?;
    // More than there is: the kernel keeps what it needs, and an eighth of the heap.
    host.wants(MIB)?;
    let left = host.settles()?;
    ensure!(
        (16 * MIB..32 * MIB).contains(&left),
        "{left} bytes are left of {MEMORY}"
    );
    host.wants(MEMORY)?;
    host.becomes(MEMORY)
}

fn is_relieved(setting: &Setting) -> Outcome {
    let machine = start(setting, "fill=60")?;
    let mut host = Host::of(&machine)?;
    host.wants(32 * MIB)?;
    let taken = machine.wait_for("the allocations", |line| {
        let rest = line.strip_prefix("allocated 60 MiB; ")?;
        rest.strip_suffix(" KiB were taken back")?
            .parse::<u64>()
            .ok()
    })?;
    ensure!(taken >= 30 * 1024, "only {taken} KiB were taken back");
    let left = host.settles()?;
    ensure!(left > 60 * MIB, "the host has all but {left} bytes");
    // The rest is still the host's, and can be taken back.
    host.wants(MEMORY)?;
    host.becomes(MEMORY)
}
