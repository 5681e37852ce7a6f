//! A machine with nothing to do does nothing.

use std::fs;
use std::thread;
use std::time::Duration;

use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use vmos_machine_tests::udp::AT_ONCE;

use super::Case;
use super::demo::{DEMO, echoing};

pub const CASES: [Case; 1] = [Case::new(
    "runs_no_instruction_while_idle",
    runs_no_instruction_while_idle,
)];

const WATCHED: Duration = Duration::from_secs(5);

/// QEMU writes a line for each block of instructions that it executes (`exec`), and returns to its
/// loop after each (`nochain`). So a log that stays empty means that no instruction was executed.
fn runs_no_instruction_while_idle(setting: &Setting) -> Outcome {
    let log = setting.path("executed.log");
    let mut draft = setting.machine(DEMO)?;
    draft
        .qemu
        .extra
        .extend(["-D".to_owned(), log.display().to_string()]);
    let (machine, caller) = echoing(draft)?;
    // The machine may still be at what follows its first answer.
    thread::sleep(Duration::from_secs(1));
    let mut monitor = machine.monitor()?;
    monitor.monitor("log nochain,exec")?;
    let executed = || fs::metadata(&log).map_or(0, |log| log.len());
    thread::sleep(WATCHED);
    let idle = executed();
    let first: Vec<_> = fs::read_to_string(&log)
        .unwrap_or_default()
        .lines()
        .take(20)
        .map(|line| format!("\n  {line}"))
        .collect();
    ensure!(
        idle == 0,
        "in {WATCHED:?} without traffic it executed: {}",
        first.concat()
    );
    // If nothing is seen now, nothing would have been seen before.
    caller.call(b"wake up", 10 * AT_ONCE)?;
    ensure!(
        executed() > 0,
        "what it executed for a datagram was not seen either"
    );
    Ok(())
}
