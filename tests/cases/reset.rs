//! Tests that a machine starts again after a reset from outside.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::{LIMIT, Machine};
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use vmos_machine_tests::udp::AT_ONCE;
use xtask::qemu::GUEST_ADDRESS;

use super::Case;
use super::demo::{DEMO, echoing};
use crate::console;

pub(super) const CASES: [Case; 1] = [Case::new(
    "survives_a_reset_with_its_network_alive",
    survives_a_reset_with_its_network_alive,
)];

/// Resets the machine without preparation: devices have requests in flight, and memory protection
/// may still be enabled.
fn survives_a_reset_with_its_network_alive(setting: &Setting) -> Outcome {
    let mut draft = setting.machine(DEMO)?;
    // A machine that must not restart by itself would not restart for the monitor either.
    let may_reset = ["-action", "reboot=reset"].map(str::to_owned);
    draft.qemu.extra.extend(may_reset);
    let (machine, caller) = echoing(draft)?;
    for boot in [2, 3] {
        machine.monitor()?.execute("system_reset", json!({}))?;
        machine.wait_for(&format!("a boot count of {boot}"), |line| {
            (console::boot_count(line) == Some(boot)).then_some(())
        })?;
        serves_again(&machine, boot)?;
        caller.call(b"back again", LIMIT)?;
        caller.call(b"at once", AT_ONCE)?;
    }
    Ok(())
}

/// Waits until the demo has reported this many times that it serves, once for each boot.
fn serves_again(machine: &Machine, times: u64) -> Outcome {
    let deadline = Instant::now() + LIMIT;
    let said = || {
        let lines = machine.serial.lines().into_iter();
        lines
            .filter(|line| console::is_ready(line, GUEST_ADDRESS))
            .fold(0, |count, _| count + 1)
    };
    while said() < times {
        ensure!(
            Instant::now() < deadline,
            "after a reset it does not serve again"
        );
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
