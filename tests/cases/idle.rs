//! Tests that an idle machine executes no instructions.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::LIMIT;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;

use super::Case;
use super::demo::{DEMO, echoing};

pub(super) const CASES: [Case; 1] = [Case::new(
    "runs_no_instruction_while_idle",
    runs_no_instruction_while_idle,
)];

/// How long the machine must execute nothing.
const WATCHED: Duration = Duration::from_secs(5);
/// The time within which that must begin: on a busy computer, the machine may still be completing its first
/// answer.
const SETTLED: Duration = Duration::from_secs(10);
/// The size of the log of a machine that spins, in bytes.
const SPINNING: u64 = 64 << 20;

/// QEMU logs each block of instructions that it executes (`exec`). It only does so when it looks a
/// block up, so direct jumps between blocks must be disabled (`nochain`) from the start, because
/// blocks stay linked. Then an empty log means that no instruction was executed.
fn runs_no_instruction_while_idle(setting: &Setting) -> Outcome {
    let log = setting.path("executed.log");
    let mut draft = setting.machine(DEMO)?;
    let log_to = ["-d", "nochain", "-D", &log.to_string_lossy()].map(str::to_owned);
    draft.qemu.extra.extend(log_to);
    let (machine, caller) = echoing(draft)?;
    thread::sleep(Duration::from_secs(1));
    let mut monitor = machine.monitor()?;
    monitor.monitor("log nochain,exec")?;
    let executed = || fs::metadata(&log).map_or(0, |log| log.len());
    let begin = Instant::now();
    let (mut before, mut since) = (executed(), begin);
    while since.elapsed() < WATCHED {
        thread::sleep(Duration::from_millis(100));
        let now = executed();
        if now == before {
            continue;
        }
        if begin.elapsed() > SETTLED || now > SPINNING {
            // A machine that spins would fill the disk.
            monitor.monitor("log none")?;
            let after = begin.elapsed();
            let blocks = blocks_after(&log, before)?;
            return Err(format!("after {after:?} without traffic it executed:\n{blocks}").into());
        }
        (before, since) = (now, Instant::now());
    }
    // Check that executed instructions do appear in the log.
    caller.call(b"wake up", LIMIT)?;
    monitor.monitor("log none")?;
    ensure!(
        executed() > before,
        "the instructions for a datagram are not in the log either"
    );
    Ok(())
}

/// Returns the first lines of the log from a place on, with the addresses of the blocks.
fn blocks_after(log: &Path, place: u64) -> Outcome<String> {
    let mut log = File::open(log)?;
    log.seek(SeekFrom::Start(place))?;
    let lines = BufReader::new(log).lines().take(20);
    Ok(lines.collect::<Result<Vec<_>, _>>()?.join("\n"))
}
