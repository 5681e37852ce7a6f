//! Group D of the faults: disks that fail, delay requests, or change.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::LIMIT;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::{Draft, Setting};
use vmos_machine_tests::udp::AT_ONCE;
use xtask::qemu::Disk;
use xtask::qmp::Qmp;

use super::super::Case;
use super::{SOON, Tested, draft, shown};

pub(crate) const CASES: [Case; 11] = [
    Case::spread("d1_a_read_that_fails", |setting| {
        fails_once(setting, "read")
    }),
    Case::spread("d1_a_write_that_fails", |setting| {
        fails_once(setting, "write")
    }),
    Case::spread("d1_a_flush_that_fails", |setting| {
        fails_once(setting, "flush")
    }),
    Case::spread("d1_every_read_fails", every_read_fails),
    Case::spread("d2_stopped_by_an_error", stopped_by_an_error),
    Case::spread("d3_a_slow_disk_holds_up_nobody", slow_disk),
    Case::spread("d4_resized_while_busy", resized_while_busy),
    Case::spread("d5_read_only", read_only),
    Case::spread("d6_a_deadline_passes", deadline_passes),
    Case::spread("d6_a_request_is_cancelled", request_is_cancelled),
    Case::spread("d7_indices_wrap", indices_wrap),
];

/// Returns a machine whose disk is behind a filter that injects errors, with additional device
/// properties.
fn failing<'a>(
    setting: &'a Setting,
    fault: &serde_json::Value,
    properties: &str,
) -> Outcome<Draft<'a>> {
    let mut draft = draft(setting)?;
    draft.qemu.devices.disk = None;
    let file = json!({"driver": "file", "filename": setting.disk()?, "locking": "off"});
    let node = json!({
        "driver": "raw",
        "node-name": "disk0",
        "file": {"driver": "blkdebug", "node-name": "fault0", "inject-error": fault, "image": file},
    });
    let device = draft.qemu.devices.device(
        "blk",
        &format!(",drive=disk0,serial=vmos-disk0{properties}"),
    );
    draft.qemu.extra.extend([
        "-blockdev".to_owned(),
        node.to_string(),
        "-device".to_owned(),
        device,
    ]);
    Ok(draft)
}

/// Checks that a failing request returns an error, and the next one succeeds.
fn fails_once(setting: &Setting, kind: &str) -> Outcome {
    let mut fault = json!([{"event": "none", "iotype": kind, "errno": 5, "once": true}]);
    if kind == "read" {
        // QEMU itself reads the first sector when it starts.
        fault[0]["sector"] = json!(64);
    }
    let mut tested = Tested::start(failing(setting, &fault, "")?)?;
    let said = tested.service.try_to_ask("disk 64", SOON)?;
    ensure!(said.is_err(), "the failed {kind} returns {said:?}");
    tested.is_sound_and_names(&["disk0.errors"])
}

/// Checks that every failing request returns an error, and that the log is not flooded.
fn every_read_fails(setting: &Setting) -> Outcome {
    let fault = json!([{"event": "none", "iotype": "read", "errno": 5, "once": false}]);
    let tested = Tested::start(failing(setting, &fault, "")?)?;
    let before = tested.machine.serial.lines().len();
    for _ in 0..200 {
        let said = tested.service.try_to_ask("read 64", SOON)?;
        ensure!(said.is_err(), "a failed read returns {said:?}");
    }
    let counts = tested.service.counts()?;
    let errors = counts.get("disk0.errors").copied();
    ensure!(
        errors == Some(200),
        "200 reads failed, but the count is {errors:?}"
    );
    tested.machine.wait_for("that reads fail", |line| {
        line.contains("WARN").then_some(())
    })?;
    let lines = tested.machine.serial.lines().len() - before;
    ensure!(
        (1..=10).contains(&lines),
        "200 failed reads write {lines} lines to the log"
    );
    tested.service.echo(b"serves", AT_ONCE)?;
    Ok(())
}

/// Checks that a request during which QEMU stops the machine is completed after the machine
/// continues, once and without an error.
fn stopped_by_an_error(setting: &Setting) -> Outcome {
    let fault = json!([{"event": "none", "iotype": "write", "errno": 28, "once": true}]);
    let mut tested = Tested::start(failing(setting, &fault, ",rerror=stop,werror=stop")?)?;
    let mut monitor = tested.machine.monitor()?;
    let service = tested.service.another()?;
    let waiting = thread::spawn(move || {
        let said = service.ask("disk 64", LIMIT);
        said.map_err(|error| error.to_string())
    });
    let begin = Instant::now();
    while monitor.execute("query-status", json!({}))?["status"] != "io-error" {
        ensure!(begin.elapsed() < SOON, "the machine was not stopped");
        thread::sleep(Duration::from_millis(100));
    }
    thread::sleep(Duration::from_secs(1));
    monitor.execute("cont", json!({}))?;
    // The monitor accepts only one connection.
    drop(monitor);
    let said = waiting.join().map_err(|_panic| "the request panicked")?;
    ensure!(said.is_ok(), "the request of the stopped machine: {said:?}");
    tested.is_sound()?;
    has_not_failed(&tested)
}

/// Makes the disk take this long for each request of 4 KiB but the first; [`Duration::ZERO`] for no limit.
pub(super) fn slow_down(monitor: &mut Qmp, each: Duration) -> Outcome {
    // QEMU counts a request as one for each `iops_size` bytes, and allows one in a second.
    let (iops, size) = match u32::try_from(each.as_secs())? {
        0 => (0, 0),
        seconds => (1, 4096 / seconds),
    };
    let limits = json!({"device": "disk0", "bps": 0, "bps_rd": 0, "bps_wr": 0, "iops": iops,
        "iops_rd": 0, "iops_wr": 0, "iops_size": size});
    monitor.execute("block_set_io_throttle", limits)?;
    Ok(())
}

/// Checks that network and timers are not slower while the disk takes seconds for a request and has
/// more of them than it can serve, and that no request fails.
fn slow_disk(setting: &Setting) -> Outcome {
    const WATCHED: Duration = Duration::from_secs(3);
    const BETWEEN_REQUESTS: Duration = Duration::from_millis(500);
    /// How long a request to the disk takes.
    const REQUEST: Duration = Duration::from_secs(4);
    /// How long an echo and a timer of 10 ms take together, on a busy computer. A kernel that waits
    /// for the disk takes as long as a request.
    const ROUND: Duration = Duration::from_secs(1);
    let mut tested = Tested::start(draft(setting)?)?;
    let mut monitor = tested.machine.monitor()?;
    slow_down(&mut monitor, REQUEST)?;
    let begin = Instant::now();
    let (mut requests, mut rounds) = (0, Vec::new());
    while begin.elapsed() < WATCHED {
        if begin.elapsed() >= requests * BETWEEN_REQUESTS {
            requests += 1;
            let service = &tested.service;
            let _ = service.try_to_ask("read 64", Duration::from_millis(1));
        }
        let round = Instant::now();
        tested.service.echo(b"meanwhile", SOON)?;
        let waited: u64 = tested.service.ask("timer 10", SOON)?.parse()?;
        ensure!(waited >= 10_000_000, "a timer of 10 ms took {waited} ns");
        rounds.push(round.elapsed());
    }
    // Half of the rounds: the computer may have done something else during one.
    rounds.sort_unstable();
    let median = rounds[rounds.len() / 2];
    ensure!(
        median < ROUND,
        "half of {} echoes and timers of 10 ms took {median:?} or more",
        rounds.len()
    );
    slow_down(&mut monitor, Duration::ZERO)?;
    drop(monitor);
    tested.is_sound()?;
    has_not_failed(&tested)
}

/// Checks that no request to the disk failed, and that it was not reset.
fn has_not_failed(tested: &Tested) -> Outcome {
    let counts = tested.service.counts()?;
    let is_zero = |name: &&str| counts.get(*name) == Some(&0);
    ensure!(
        ["disk0.errors", "disk0.silences", "disk0.restarts"]
            .iter()
            .all(is_zero),
        "the disk did not fail, but: {}",
        shown(&counts)
    );
    Ok(())
}

/// Checks that a request whose deadline passes returns that error, and that its buffer stays with
/// the device until the device answers: the following requests read the right data.
fn deadline_passes(setting: &Setting) -> Outcome {
    let mut tested = Tested::start(draft(setting)?)?;
    tested.service.ask("disk 64", SOON)?;
    let mut monitor = tested.machine.monitor()?;
    slow_down(&mut monitor, Duration::from_secs(4))?;
    let mut timed_out = 0;
    for _ in 0..8 {
        let said = tested.service.ask("within 100", SOON)?;
        timed_out += u32::from(said == "timed out");
    }
    // The first is within the burst of the limit.
    ensure!(
        timed_out >= 6,
        "of 8 reads with a limit of 100 ms, on a disk that takes 4 s for each, {timed_out} timed out"
    );
    slow_down(&mut monitor, Duration::ZERO)?;
    drop(monitor);
    for _ in 0..20 {
        tested.service.ask("disk 64", SOON)?;
    }
    let said = tested.service.ask("within 10000", SOON)?;
    ensure!(said == "done", "a read with a limit of 10 s {said}");
    tested.is_sound()
}

/// Checks that a request that is cancelled ends at once with that error, and the others as usual.
fn request_is_cancelled(setting: &Setting) -> Outcome {
    let mut tested = Tested::start(draft(setting)?)?;
    let mut monitor = tested.machine.monitor()?;
    slow_down(&mut monitor, Duration::from_secs(1))?;
    let said = tested.service.ask("cancel", SOON)?;
    slow_down(&mut monitor, Duration::ZERO)?;
    drop(monitor);
    ensure!(
        said == "cancelled: 1; 0 read; 3 cancelled; 1 read; 2 read;",
        "of four reads, the last of which is cancelled: {said}"
    );
    tested.is_sound()?;
    has_not_failed(&tested)
}

/// Checks that a resized disk has its new size, and that requests beyond its end are rejected.
fn resized_while_busy(setting: &Setting) -> Outcome {
    let mut tested = Tested::start(draft(setting)?)?;
    let mut monitor = tested.machine.monitor()?;
    let past = "read 65536";
    for size in [64_u64 << 20, 16 << 20, 64 << 20] {
        tested.service.ask("disk 64", SOON)?;
        monitor.execute("block_resize", json!({"device": "disk0", "size": size}))?;
        let is_there = size > 32 << 20;
        // The interrupt that reports it may be on its way.
        let mut said = tested.service.try_to_ask(past, SOON)?;
        let begin = Instant::now();
        while said.is_ok() != is_there && begin.elapsed() < SOON {
            thread::sleep(Duration::from_millis(100));
            said = tested.service.try_to_ask(past, SOON)?;
        }
        ensure!(
            said.is_ok() == is_there,
            "on a disk of {size} bytes, a request for sector 65536 returns {said:?}"
        );
    }
    drop(monitor);
    tested.is_sound()
}

fn read_only(setting: &Setting) -> Outcome {
    let mut draft = draft(setting)?;
    draft.qemu.devices.disk = Some(Disk {
        image: setting.disk()?,
        read_only: true,
    });
    let tested = Tested::start(draft)?;
    let said = tested.service.try_to_ask("disk 64", SOON)?;
    let is_named = said.as_ref().is_err_and(|said| said.contains("read-only"));
    ensure!(is_named, "a write to a read-only disk returns {said:?}");
    let counts = tested.service.counts()?;
    ensure!(
        counts.get("disk0.errors") == Some(&0),
        "the write reached the disk: {}",
        shown(&counts)
    );
    tested.service.ask("read 64", SOON)?;
    tested.service.echo(b"serves", AT_ONCE)?;
    Ok(())
}

/// Sends more requests than the indices of the ring can count, in batches of every size.
fn indices_wrap(setting: &Setting) -> Outcome {
    let mut tested = Tested::start(draft(setting)?)?;
    tested.service.ask("wrap 70000", 4 * LIMIT)?;
    tested.is_sound()?;
    has_not_failed(&tested)?;
    let counts = tested.service.counts()?;
    let count = |name| counts.get(name).copied().unwrap_or_default();
    let (submitted, completed) = (
        count("disk0.queue0.submitted"),
        count("disk0.queue0.completed"),
    );
    ensure!(
        submitted > 70_000 && completed == submitted,
        "of {submitted} requests, {completed} are completed"
    );
    Ok(())
}
