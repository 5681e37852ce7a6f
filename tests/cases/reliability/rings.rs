//! Cases M11 and M7: rings that are corrupted in the machine's memory from outside, as by a faulty
//! device.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::service::IDLE;
use vmos_machine_tests::setting::Setting;
use vmos_machine_tests::virtqueues::{Kind, Queue};

use super::super::Case;
use super::{Counts, SOON, Tested, draft};

pub(crate) const CASES: [Case; 7] = [
    Case::spread("m11_a_used_index_that_runs_ahead", |setting| {
        corrupted(setting, "nic0.queue0.refused_indices", |tested, queue| {
            let index = tested.queues.short(queue.used + 2)?.wrapping_add(600);
            tested.queues.write(queue.used + 2, &index.to_le_bytes())
        })
    })
    .provoking(),
    Case::spread("m11_an_id_of_nothing", |setting| {
        corrupted(setting, "nic0.queue0.refused_ids", |tested, queue| {
            used_entry(tested, queue, 0xffff, 64)
        })
    })
    .provoking(),
    Case::spread("m11_an_id_beyond_16_bits", |setting| {
        corrupted(setting, "nic0.queue0.refused_ids", |tested, queue| {
            used_entry(tested, queue, 0x1_0000, 64)
        })
    })
    .provoking(),
    Case::spread("m11_a_length_beyond_the_buffer", |setting| {
        corrupted(setting, "nic0.queue0.refused_lengths", |tested, queue| {
            used_entry(tested, queue, newest_chain(tested, queue)?, 0xffff_ffff)
        })
    })
    .provoking(),
    // QEMU finds its queue broken and requests a reset; with the legacy interface, it only leaves
    // its interrupt line asserted, which a PLIC does not show again.
    Case::spread("m7_chains_that_leave_the_table", |setting| {
        corrupted(setting, "nic0.queue0.resets", |tested, queue| {
            (0..u64::from(queue.size)).try_for_each(|number| {
                // Used by the device, with a next descriptor outside the table.
                let flags = queue.descriptors + 16 * number + 12;
                tested.queues.write(flags, &[3, 0, 0xff, 0xff])
            })
        })
    })
    .provoking(),
    Case::spread("m11_300_corruptions_at_random", |setting| {
        random(setting, 1)
    })
    .provoking(),
    Case::thorough("m11_300_corruptions_from_20_seeds", from_20_seeds).provoking(),
];

/// The seeds of the thorough test.
const SEEDS: u64 = 20;

fn network(tested: &Tested) -> Outcome<vmos_machine_tests::virtqueues::Device> {
    let mut monitor = tested.machine.monitor()?;
    let devices = tested.queues.devices_of(&mut monitor, Kind::Network)?;
    let device = devices.into_iter().next();
    device.ok_or_else(|| "no network device has a queue".into())
}

/// Returns the chain that the driver has made available last: the device has not used it yet.
fn newest_chain(tested: &Tested, queue: &Queue) -> Outcome<u32> {
    let index = tested.queues.short(queue.available + 2)?.wrapping_sub(1);
    let place = queue.available + 4 + 2 * (u64::from(index) % u64::from(queue.size));
    Ok(tested.queues.short(place)?.into())
}

/// Simulates a chain returned by the device.
fn used_entry(tested: &Tested, queue: &Queue, id: u32, length: u32) -> Outcome {
    let index = tested.queues.short(queue.used + 2)?;
    let place = queue.used + 4 + 8 * (u64::from(index) % u64::from(queue.size));
    tested.queues.write(place, &id.to_le_bytes())?;
    tested.queues.write(place + 4, &length.to_le_bytes())?;
    let next = index.wrapping_add(1);
    tested.queues.write(queue.used + 2, &next.to_le_bytes())
}

/// Corrupts the receive queue, and checks that the machine recovers and counts the fault.
fn corrupted(
    setting: &Setting,
    name: &str,
    corrupt: impl Fn(&Tested, &Queue) -> Outcome,
) -> Outcome {
    let mut tested = Tested::start(draft(setting)?)?;
    tested.service.serves(SOON)?;
    let device = network(&tested)?;
    let queue = device
        .queues
        .first()
        .ok_or("the network device has no queue")?;
    // The device's next response corrects its index, and an interrupt without a response makes the
    // driver check before that, unless a frame arrives at that moment.
    for _ in 0..20 {
        thread::sleep(IDLE);
        corrupt(&tested, queue)?;
        let mut monitor = tested.machine.monitor()?;
        for up in [false, true] {
            monitor.execute("set_link", json!({"name": "net0", "up": up}))?;
        }
        drop(monitor);
        for _ in 0..10 {
            let _ = tested.service.echo(b"look", Duration::from_millis(100));
        }
        // A legacy device that broke is started again only after it was silent.
        tested.service.serves(2 * SOON)?;
        let counts = tested.service.counts()?;
        if counts.get(name).is_some_and(|&count| count > 0) {
            break;
        }
    }
    tested.is_sound_and_names(&[name])
}

/// Corrupts rings in the same way with other seeds, each on a new machine. Reports all seeds that
/// fail.
fn from_20_seeds(setting: &Setting) -> Outcome {
    let mut failed = Vec::new();
    for seed in 1..=SEEDS {
        if let Err(error) = random(setting, seed) {
            failed.push(format!("seed {seed}: {error}"));
        }
    }
    ensure!(
        failed.is_empty(),
        "{} of {SEEDS} seeds failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
    Ok(())
}

/// Corrupts bytes of used rings for three seconds; afterwards all services must work, and each
/// failure of a device must be counted with its recovery.
fn random(setting: &Setting, seed: u64) -> Outcome {
    let mut tested = Tested::start(draft(setting)?)?;
    tested.service.serves(SOON)?;
    let mut random = Random::new(seed);
    for _ in 0..300 {
        corrupt_at_random(&tested, &mut random)?;
        let _ = tested.service.echo(b"meanwhile", Duration::from_millis(5));
        thread::sleep(Duration::from_millis(5));
    }
    let mut outcome = tested.service.serves(SOON);
    for _ in 0..5 {
        if outcome.is_ok() {
            break;
        }
        outcome = tested.service.serves(SOON);
    }
    let ended = tested.machine.ended()?;
    ensure!(ended.is_none(), "the machine ended: {ended:?}");
    if let Err(error) = outcome {
        return match tested.service.counts() {
            Ok(counts) => Err(format!("{error}; counted: {}", super::shown(&counts)).into()),
            Err(_) => Err(format!("{error}; the counts cannot be read either").into()),
        };
    }
    recoveries_are_counted(&tested)
}

/// Checks that the corruptions were counted, and that each device that failed was restarted.
fn recoveries_are_counted(tested: &Tested) -> Outcome {
    // A corruption may be noticed late, and a device be restarted while the counts are read.
    let begin = Instant::now();
    let (traces, counts) = loop {
        let counts = tested.service.counts()?;
        match recoveries_are_balanced(&counts) {
            Ok(traces) => break (traces, counts),
            Err(_) if begin.elapsed() < SOON => thread::sleep(IDLE),
            Err(error) => return Err(error),
        }
    };
    ensure!(
        traces > 0,
        "300 corruptions left no trace: {}",
        super::shown(&counts)
    );
    Ok(())
}

/// Checks that each device that failed was restarted. Returns how often devices failed or were
/// notified again.
pub(super) fn recoveries_are_balanced(counts: &Counts) -> Outcome<u64> {
    let count = |device: &str, name: &str| {
        let count = counts.get(&format!("{device}.{name}")).copied();
        count.ok_or_else(|| format!("there is no count {device}.{name}"))
    };
    let mut traces = 0;
    for device in ["nic0", "disk0", "rng0"] {
        let (failures, restarts) = (count(device, "failures")?, count(device, "restarts")?);
        ensure!(
            failures == restarts,
            "{device} failed {failures} times and was restarted {restarts} times; counted: {}",
            super::shown(counts)
        );
        traces += failures + count(device, "lost_interrupts")? + count(device, "kicked_again")?;
    }
    Ok(traces)
}

/// Changes one byte of a used ring or after its end. The other parts of a queue belong to the
/// driver: if the host changes those, the device may write anywhere.
pub(super) fn corrupt_at_random(tested: &Tested, random: &mut Random) -> Outcome {
    let mut monitor = tested.machine.monitor()?;
    let devices = tested.queues.devices(&mut monitor)?;
    drop(monitor);
    let queues: Vec<_> = devices.iter().flat_map(|device| &device.queues).collect();
    let Some(queue) = queues.get(random.below(queues.len())) else {
        return Ok(());
    };
    let ring = 4 + 8 * u64::from(queue.size);
    let place = match random.below(3) {
        // Flags and index.
        0 => random.below(4) as u64,
        // The event of the available ring.
        1 => ring + random.below(2) as u64,
        _ => random.below(usize::try_from(ring)?) as u64,
    };
    let value = [u8::try_from(random.below(256))?];
    tested.queues.write(queue.used + place, &value)
}

/// A pseudo-random generator (xorshift64) with a fixed seed.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap_or(0)
    }
}
