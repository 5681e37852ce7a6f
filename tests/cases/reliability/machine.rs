//! Group M of the faults: machines that are reset, stopped, slowed down, or short of resources.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use vmos_codegen::board::Architecture;
use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::packet;
use vmos_machine_tests::service::{ECHO, REQUESTS};
use vmos_machine_tests::setting::Setting;
use vmos_machine_tests::udp::SILENCE;
use xtask::fit;
use xtask::memory_size::MemorySize;
use xtask::qemu::GUEST_ADDRESS;

use super::super::{Case, Need};
use super::{SELFTEST, SOON, Tested, draft, draft_with};
use crate::console;

pub(crate) const CASES: [Case; 11] = [
    Case::spread("m1_reset_at_any_moment", reset_at_any_moment),
    Case::spread("m2_stopped_for_seconds", stopped_for_seconds).needing(Need::Table),
    Case::spread("m3_counts_instructions", |setting| {
        sound_with(setting, &["-icount", "shift=auto"])
    }),
    Case::spread("m3_one_thread_for_all_processors", |setting| {
        sound_with(setting, &["-accel", "tcg,thread=single", "-smp", "2"])
    }),
    Case::spread("m4_migrated_to_a_file", migrated_to_a_file),
    Case::spread(
        "m5_interrupts_nobody_asked_for",
        interrupts_nobody_asked_for,
    ),
    Case::spread("m6_a_device_is_to_be_removed", device_is_to_be_removed).needing(Need::Pci),
    Case::spread("m8_too_little_memory_is_named", too_little_memory)
        .needing(Need::Amount)
        .provoking(),
    Case::spread("m8_all_memory_is_used", all_memory_is_used).needing(Need::Table),
    Case::spread("m10_random_bytes_are_rare", random_bytes_are_rare),
    Case::spread("m10_random_bytes_never_come", random_bytes_never_come),
];

/// The time of a timer, and the shortest time on the computer's clock: what a clock with another rate than
/// the described one would miss by far.
const TIMER: Duration = Duration::from_secs(1);
const SHORTEST: Duration = Duration::from_millis(980);

/// Checks that a machine with further QEMU arguments works, and that its timers are not early on the
/// computer's clock.
fn sound_with(setting: &Setting, arguments: &[&str]) -> Outcome {
    let mut tested = Tested::start(draft_with(setting, arguments)?)?;
    tested.is_sound()?;
    let begin = Instant::now();
    let said = tested.service.ask("timer 1000", SOON)?;
    let took = begin.elapsed();
    ensure!(
        took >= SHORTEST,
        "a timer of {TIMER:?} took {took:?}, and {said} ns on the machine's clock"
    );
    Ok(())
}

/// How often the machine starts at least.
const ROUNDS: usize = 10;

/// Checks that the machine starts again after a reset at any moment, and that the disk contains all
/// flushed data.
fn reset_at_any_moment(setting: &Setting) -> Outcome {
    let draft = draft_with(setting, &["-action", "reboot=reset"])?;
    let mut tested = Tested::start(draft)?;
    let mut moment = 1_u64;
    for round in 2..=ROUNDS {
        tested.service.ask("disk 64", SOON)?;
        let written = tested.service.ask("read 64", SOON)?;
        let _ = tested
            .service
            .try_to_ask("disk 128", Duration::from_millis(moment % 7));
        tested
            .machine
            .monitor()?
            .execute("system_reset", json!({}))?;
        // A pseudo-random moment during the next start.
        moment = moment.wrapping_mul(48_271) % 0x7fff_ffff;
        if round % 2 == 0 {
            thread::sleep(Duration::from_millis(moment % 40));
            tested
                .machine
                .monitor()?
                .execute("system_reset", json!({}))?;
        }
        wait_until_it_serves(&tested)?;
        let now = tested.service.ask("read 64", SOON)?;
        ensure!(
            now == written,
            "flushed data is missing after the reset: expected {written}, found {now}"
        );
        has_started(&tested, round)?;
    }
    tested.is_sound()
}

/// Waits until the machine has reported this many times that it serves: the line may arrive after an answer
/// to a request.
fn has_started(tested: &Tested, times: usize) -> Outcome {
    let begin = Instant::now();
    loop {
        let lines = tested.machine.serial.lines();
        let starts = lines
            .iter()
            .filter(|line| console::is_ready(line, GUEST_ADDRESS));
        let starts = starts.count();
        if starts >= times {
            return Ok(());
        }
        ensure!(
            begin.elapsed() < SOON,
            "after {} resets, the machine has started {starts} times",
            times - 1
        );
        thread::sleep(Duration::from_millis(10));
    }
}

/// Waits for an answer of the machine that was started last.
fn wait_until_it_serves(tested: &Tested) -> Outcome {
    let mut last = Err("it was not asked".into());
    for _ in 0..100 {
        last = tested.service.ask("timer 1", Duration::from_millis(500));
        if last.is_ok() {
            return Ok(());
        }
        // A port without a listener refuses at once.
        thread::sleep(Duration::from_millis(50));
    }
    last.map(drop)
}

/// The number of datagrams that wait for a stopped machine: as many as its socket takes.
const WAITING: u32 = 8;
/// The longest time of a timer of a second, on a busy computer. If the clock went on during the stop, it would
/// be longer.
const LONGEST: u64 = 4_000_000_000;

/// Stops the machine for 5 s while a timer runs and the disk has a request. Meanwhile datagrams come.
/// Checks that each is answered once afterwards, as are the timer and the request, and that the loop does
/// not run without need.
fn stopped_for_seconds(setting: &Setting) -> Outcome {
    let mut tested = Tested::wired(draft(setting)?)?;
    tested.service.serves(SOON)?;
    let turns = |tested: &Tested| -> Outcome<u64> {
        let counts = tested.service.counts()?;
        Ok(counts.get("loop.turns").copied().unwrap_or(0))
    };
    let before = turns(&tested)?;
    let (wire, mac) = tested.service.wire()?;
    let _ = wire.drain();
    for request in ["9001 timer 1000", "9002 disk 64"] {
        wire.send(&packet::summed_datagram(mac, REQUESTS, request.as_bytes()))?;
    }
    thread::sleep(Duration::from_millis(200));
    let mut monitor = tested.machine.monitor()?;
    monitor.execute("stop", json!({}))?;
    let stopped = Instant::now();
    let datagrams = (0..WAITING).map(|number| format!("datagram {number}"));
    for datagram in datagrams.clone() {
        wire.send(&packet::summed_datagram(mac, ECHO, datagram.as_bytes()))?;
    }
    thread::sleep(Duration::from_secs(5).saturating_sub(stopped.elapsed()));
    monitor.execute("cont", json!({}))?;
    drop(monitor);
    // Nothing else is sent meanwhile: the device raises no other interrupt for these frames.
    let mut answers = Vec::new();
    let mut patience = SOON;
    while let Some(answer) = wire.receive(patience, |frame| {
        Some(String::from_utf8_lossy(packet::echoed(frame)?).into_owned())
    }) {
        answers.push(answer);
        if answers.len() == 2 + datagrams.len() {
            // None is answered twice.
            patience = SILENCE;
        }
    }
    answers.sort_unstable();
    let (requests, echoes) = answers.split_at(2.min(answers.len()));
    let waited = requests.first().and_then(|it| it.strip_prefix("9001 ok "));
    let waited = waited.and_then(|it| it.parse::<u64>().ok());
    ensure!(
        echoes == datagrams.collect::<Vec<_>>()
            && waited.is_some_and(|waited| (1_000_000_000..LONGEST).contains(&waited))
            && requests.last().is_some_and(|it| it.starts_with("9002 ok ")),
        "after the stop, these answers came: {answers:?}"
    );
    tested.is_sound()?;
    let after = turns(&tested)?;
    ensure!(
        after - before < 2000,
        "after a stop of 5 s, the loop ran {} turns",
        after - before
    );
    Ok(())
}

/// Checks that the machine continues from its saved state, or that QEMU refuses to save it. Two machines
/// that continue from the same state get different random bytes.
fn migrated_to_a_file(setting: &Setting) -> Outcome {
    let mut tested = Tested::start(draft(setting)?)?;
    tested.service.serves(SOON)?;
    let mut monitor = tested.machine.monitor()?;
    let file = setting.path("state");
    let uri = format!("exec:cat > {}", file.display());
    if monitor.execute("migrate", json!({"uri": uri})).is_err() {
        drop(monitor);
        return tested.is_sound();
    }
    let mut status = String::new();
    for _ in 0..300 {
        let info = monitor.execute("query-migrate", json!({}))?;
        info["status"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut status);
        if matches!(&*status, "completed" | "failed") {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    if status != "completed" {
        drop(monitor);
        return tested.is_sound();
    }
    drop(monitor);
    drop(tested);
    let uri = format!("exec:cat {}", file.display());
    let mut random = Vec::new();
    for _ in 0..2 {
        let mut draft = draft_with(setting, &["-incoming", &uri])?;
        draft.qemu.append += " this=is-not-read";
        // The registers of the first machine contained the addresses of its queues.
        let tested = Tested::start_without_waiting(draft)?;
        wait_until_it_serves(&tested)?;
        random.push(tested.service.ask("rng", SOON)?);
        tested.service.serves(SOON)?;
    }
    ensure!(
        random[0] != random[1],
        "both machines get the random bytes {}",
        random[0]
    );
    Ok(())
}

/// Raises an NMI, if the machine supports it, and interrupts of a device that has nothing to
/// report.
fn interrupts_nobody_asked_for(setting: &Setting) -> Outcome {
    let mut tested = Tested::start(draft(setting)?)?;
    let mut monitor = tested.machine.monitor()?;
    // The network's configuration is set to its old value: an interrupt without a change.
    for _ in 0..10 {
        monitor.execute("set_link", json!({"name": "net0", "up": true}))?;
        monitor.monitor("announce_self")?;
    }
    if setting.board().architecture == Architecture::X86_64 {
        monitor.execute("inject-nmi", json!({}))?;
    }
    drop(monitor);
    tested.is_sound()?;
    let counts = tested.service.counts()?;
    for name in ["nic0.failures", "nic0.restarts", "loop.masked_interrupts"] {
        let count = counts.get(name);
        ensure!(
            count == Some(&0),
            "interrupts without a cause count as {name}: {count:?}"
        );
    }
    Ok(())
}

/// Checks that a hot-plug request stays pending, since the kernel does not support it, and that the device
/// works on. It is the only source of random bytes, behind a port for hot-plug.
fn device_is_to_be_removed(setting: &Setting) -> Outcome {
    let mut draft = draft(setting)?;
    draft.qemu.devices.rng = false;
    let device = draft.qemu.devices.device("rng", ",id=removed0,bus=port0");
    let port = "pcie-root-port,id=port0,chassis=1,slot=1";
    let arguments = ["-device", port, "-device", &device].map(str::to_owned);
    draft.qemu.extra.extend(arguments);
    let mut tested = Tested::start(draft)?;
    tested.service.serves(SOON)?;
    let mut monitor = tested.machine.monitor()?;
    monitor.execute("device_del", json!({"id": "removed0"}))?;
    // QEMU removes a device at once unless its slot has power and the machine has to be asked.
    thread::sleep(Duration::from_secs(1));
    let found = monitor.monitor("info qom-tree")?;
    drop(monitor);
    ensure!(found.contains("/removed0 ("), "the device is removed");
    tested.is_sound()
}

/// Checks that a machine whose memory is little larger than the image starts completely, or reports
/// why not. A machine whose memory is smaller than the image cannot report anything: `cargo xtask
/// run` refuses to start it.
fn too_little_memory(setting: &Setting) -> Outcome {
    for mebibytes in [8_u64, 4] {
        let mut draft = draft(setting)?;
        let memory: MemorySize = format!("{mebibytes}M").parse()?;
        let image = setting.image(SELFTEST)?;
        if let Err(refusal) = fit::check(&image.elf, setting.board(), &memory) {
            let refusal = refusal.to_string();
            ensure!(
                refusal.contains(&memory.to_string()),
                "the refusal does not name {memory}: {refusal}"
            );
            continue;
        }
        draft.qemu.memory = Some(memory);
        let mut machine = draft.start()?;
        let named = machine.wait_for("that it is ready, or why not", |line| {
            (console::is_ready(line, GUEST_ADDRESS) || line.contains("memory")).then_some(())
        });
        if named.is_ok() {
            continue;
        }
        // The console is closed a moment before QEMU ends.
        let ended = machine.wait_for_end()?;
        ensure!(
            !machine.serial.complaints().is_empty(),
            "with {mebibytes} MiB, the machine prints nothing; ended: {ended:?}"
        );
    }
    Ok(())
}

/// Checks that an app gets all memory, a refusal once there is none, and the same amount again after it
/// has freed all.
fn all_memory_is_used(setting: &Setting) -> Outcome {
    let mut machine = draft(setting)?.append("check=exhaust").start()?;
    let said = machine.wait_for("how much memory there was", |line| {
        line.strip_prefix("exhausted: ").map(str::to_owned)
    })?;
    let counts: Vec<u64> = said.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    let status = machine.wait_for_end()?;
    let board = setting.board();
    // Firmware, the image and the pools of frames have the rest.
    let expected = board.qemu.memory / BUFFER / 2;
    ensure!(
        status.success() && counts.len() == 2 && counts[0] == counts[1] && counts[0] > expected,
        "it ended with {status}, and had these numbers of buffers: {said}"
    );
    Ok(())
}

/// The size of a buffer of the check, in bytes.
const BUFFER: u64 = 64 << 10;

/// Checks that requests for 8 random bytes are answered completely, if late, by a source that provides
/// 3 bytes every 100 ms.
fn random_bytes_are_rare(setting: &Setting) -> Outcome {
    let mut draft = draft(setting)?;
    draft.qemu.devices.rng = false;
    let device = draft.qemu.devices.device("rng", ",max-bytes=3,period=100");
    draft.qemu.extra.extend(["-device".to_owned(), device]);
    let mut tested = Tested::start(draft)?;
    for _ in 0..5 {
        // The number is printed with its last byte first.
        let bytes = tested.service.ask("rng", SOON)?;
        ensure!(
            !bytes.starts_with("00000000"),
            "of 8 random bytes, 4 were not filled: {bytes}"
        );
    }
    tested.is_sound()
}

/// Checks that a source of random bytes that never answers blocks only the caller.
fn random_bytes_never_come(setting: &Setting) -> Outcome {
    let mut draft = draft(setting)?;
    draft.qemu.devices.rng = false;
    let device = draft.qemu.devices.device("rng", ",rng=rng0");
    let socket = setting.path("egd.sock");
    let _silent = std::os::unix::net::UnixListener::bind(&socket)?;
    let chardev = format!("socket,id=egd0,path={}", socket.display());
    let arguments = [
        "-chardev",
        &chardev,
        "-object",
        "rng-egd,id=rng0,chardev=egd0",
        "-device",
        &device,
    ];
    draft.qemu.extra.extend(arguments.map(str::to_owned));
    let tested = Tested::start(draft)?;
    let said = tested.service.try_to_ask("rng", Duration::from_secs(3));
    ensure!(
        !matches!(said, Ok(Ok(_))),
        "a source that never answers returned {said:?}"
    );
    let said = tested.service.ask("rng-within 300", SOON)?;
    ensure!(said == "timed out", "with a limit of 300 ms: {said}");
    tested.service.echo(b"serves", SOON)?;
    tested.service.ask("disk 64", SOON)?;
    tested.service.ask("timer 10", SOON)?;
    Ok(())
}
