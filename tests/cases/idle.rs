//! Tests that an idle machine executes no instructions.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use vmos_machine_tests::udp::AT_ONCE;

use super::Case;
use super::demo::{DEMO, echoing};

pub(super) const CASES: [Case; 1] = [Case::new(
    "runs_no_instruction_while_idle",
    runs_no_instruction_while_idle,
)];

const WATCHED: Duration = Duration::from_secs(5);

/// QEMU logs each block of instructions that it executes (`exec`). It only does so when it looks a
/// block up, so direct jumps between blocks must be disabled (`nochain`) from the start, because
/// blocks stay linked. Then an empty log means that no instruction was executed.
fn runs_no_instruction_while_idle(setting: &Setting) -> Outcome {
    let log = setting.path("executed.log");
    let mut draft = setting.machine(DEMO)?;
    let log_to = ["-d", "nochain", "-D", &log.to_string_lossy()].map(str::to_owned);
    draft.qemu.extra.extend(log_to);
    let (machine, caller) = echoing(draft)?;
    // The machine may still be completing its first answer.
    thread::sleep(Duration::from_secs(1));
    let mut monitor = machine.monitor()?;
    monitor.monitor("log nochain,exec")?;
    let executed = || fs::metadata(&log).map_or(0, |log| log.len());
    let begin = Instant::now();
    while begin.elapsed() < WATCHED && executed() == 0 {
        thread::sleep(Duration::from_millis(100));
    }
    if executed() != 0 {
        // A machine that spins would fill the disk.
        monitor.monitor("log none")?;
        let after = begin.elapsed();
        let blocks = first_blocks(&log)?;
        return Err(format!("after {after:?} without traffic it executed:\n{blocks}").into());
    }
    // Check that executed instructions do appear in the log.
    caller.call(b"wake up", 10 * AT_ONCE)?;
    monitor.monitor("log none")?;
    ensure!(
        executed() > 0,
        "the instructions for a datagram are not in the log either"
    );
    Ok(())
}

/// Returns the first lines of the log, with the addresses of the blocks.
fn first_blocks(log: &Path) -> Outcome<String> {
    let lines = BufReader::new(File::open(log)?).lines().take(20);
    Ok(lines.collect::<Result<Vec<_>, _>>()?.join("\n"))
}
