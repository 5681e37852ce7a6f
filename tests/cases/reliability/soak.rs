//! Hours of mixed load with disturbances, and a check that no acknowledged data was lost.

mod load;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;
use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::{Setting, read_image};
use xtask::command::soak::MINUTES_VARIABLE;

use super::super::Case;
use super::rings::{Random, corrupt_at_random, recoveries_are_balanced};
use super::{SOON, Tested, draft_with};
use load::Load;

/// Registers the case, which only `cargo xtask soak` runs.
pub(crate) const CASES: [Case; 1] = [Case::soak("soak", soak).provoking()];

/// The size of a sector, and that of one write request, in bytes.
const SECTOR: usize = 512;
const BLOCK: usize = 4096;
/// The number of blocks that are written repeatedly.
const BLOCKS: usize = 1000;
/// The first of the blocks that are written repeatedly. The sectors before it are written by the
/// check that the machine works.
const FIRST: u64 = 100;
/// The time between two disturbances.
const PAUSE: Duration = Duration::from_secs(5);
/// How much larger the heap may be than after the first minute, in bytes.
const SLACK: u64 = 64 << 10;

fn soak(setting: &Setting) -> Outcome {
    let minutes: u64 = std::env::var(MINUTES_VARIABLE)?.parse()?;
    let draft = draft_with(setting, &["-action", "reboot=reset"])?;
    let mut tested = Tested::start(draft)?;
    let mut load = Load::start(&tested.service)?;
    let mut random = Random::new(1);
    // The content of each block, by the number that was acknowledged when it was flushed.
    let mut journal = BTreeMap::<u64, u64>::new();
    let (begin, mut disturbed, mut heap) = (Instant::now(), Instant::now(), None);
    let (mut rounds, mut failures) = (0_u64, 0_u64);
    while begin.elapsed() < Duration::from_secs(60 * minutes) {
        rounds += 1;
        let sector = 8 * (FIRST + random.below(BLOCKS) as u64);
        match tested.service.try_to_ask(&format!("disk {sector}"), SOON) {
            Ok(Ok(round)) => {
                journal.insert(sector, round.trim().parse()?);
            }
            // An unacknowledged write may have been executed or not.
            _ => {
                failures += 1;
                journal.remove(&sector);
            }
        }
        let _ = tested.service.echo(&vec![0x5a; random.below(1400)], SOON);
        if disturbed.elapsed() < PAUSE {
            continue;
        }
        disturb(&tested, &mut random)?;
        load.goes_on()?;
        // Under load the queues and the heap hold what is under way.
        load.pause(true);
        wait_until_sound(&mut tested)?;
        let used = tested.service.counts()?.get("heap.bytes").copied();
        load.pause(false);
        disturbed = Instant::now();
        let used = used.unwrap_or(0);
        let limit = *heap.get_or_insert(used + SLACK);
        ensure!(
            used <= limit,
            "after {:?}, {used} bytes of the heap are allocated; the limit is {limit}",
            begin.elapsed()
        );
        println!(
            "soak: {:?}, {rounds} rounds, {failures} not answered, heap {used} bytes",
            begin.elapsed()
        );
    }
    load.end();
    wait_until_sound(&mut tested)?;
    recoveries_are_balanced(&tested.service.counts()?)?;
    tested.machine.pull_the_plug()?;
    check(&read_image(&setting.disk()?)?, &journal)
}

/// A disturbance of the running machine.
fn disturb(tested: &Tested, random: &mut Random) -> Outcome {
    match random.below(5) {
        0 => {
            // A burst: the test does not wait for the echoes.
            for _ in 0..2000 {
                let _ = tested.service.echo(b"flood", Duration::from_micros(1));
            }
        }
        1 => {
            let mut monitor = tested.machine.monitor()?;
            for up in [false, true] {
                monitor.execute("set_link", json!({"name": "net0", "up": up}))?;
            }
        }
        2 => {
            for _ in 0..20 {
                corrupt_at_random(tested, random)?;
                let _ = tested.service.echo(b"look", Duration::from_millis(5));
            }
        }
        3 => {
            let mut monitor = tested.machine.monitor()?;
            monitor.execute("stop", json!({}))?;
            std::thread::sleep(Duration::from_secs(1));
            monitor.execute("cont", json!({}))?;
        }
        _ => {
            tested
                .machine
                .monitor()?
                .execute("system_reset", json!({}))?;
        }
    }
    Ok(())
}

/// Checks that the machine works again after a disturbance; waits for it if necessary.
fn wait_until_sound(tested: &mut Tested) -> Outcome {
    let mut outcome = tested.is_sound();
    for _ in 0..5 {
        let Err(error) = &outcome else {
            break;
        };
        println!("soak: not sound yet: {error}");
        outcome = tested.is_sound();
    }
    outcome
}

/// Checks that the disk image contains everything that was flushed.
fn check(image: &[u8], journal: &BTreeMap<u64, u64>) -> Outcome {
    ensure!(!journal.is_empty(), "nothing was written");
    for (&sector, &round) in journal {
        let start = usize::try_from(sector)? * SECTOR;
        let block = image
            .get(start..start + BLOCK)
            .ok_or("the image is short")?;
        let expected = (0..).map(|word: u64| (sector << 32 ^ round).wrapping_add(word));
        let words = block.chunks_exact(8).zip(expected);
        for (word, expected) in words {
            ensure!(
                word == expected.to_le_bytes(),
                "sector {sector} does not hold what was flushed in round {round}"
            );
        }
    }
    println!("soak: {} blocks match their flushed content", journal.len());
    Ok(())
}
