//! Tests of the device report, and of machines with a missing device.

use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::Machine;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;

use super::Case;
use super::demo::{DEMO, echoing};
use crate::console;

pub(super) const CASES: [Case; 4] = [
    Case::new("finds_its_devices", finds_its_devices),
    Case::new("goes_on_without_rng", goes_on_without_rng),
    Case::new("goes_on_without_disk", goes_on_without_disk),
    Case::new("goes_on_without_net", goes_on_without_net),
];

const PARTS: [&str; 3] = ["rng", "disk", "network"];

fn finds_its_devices(setting: &Setting) -> Outcome {
    let (machine, _) = echoing(setting.machine(DEMO)?)?;
    for part in PARTS {
        ensure!(
            !is_missing(&machine, part)?,
            "it says that the {part} is missing"
        );
    }
    Ok(())
}

fn goes_on_without_rng(setting: &Setting) -> Outcome {
    let mut draft = setting.machine(DEMO)?;
    draft.qemu.devices.rng = false;
    let (machine, _) = echoing(draft)?;
    says_that_only(&machine, "rng")
}

fn goes_on_without_disk(setting: &Setting) -> Outcome {
    let mut draft = setting.machine(DEMO)?;
    draft.qemu.devices.disk = None;
    let (machine, _) = echoing(draft)?;
    says_that_only(&machine, "disk")
}

fn goes_on_without_net(setting: &Setting) -> Outcome {
    let mut draft = setting.machine(DEMO)?;
    draft.qemu.devices.network = None;
    let mut machine = draft.start()?;
    machine.wait_for("a boot count", console::boot_count)?;
    says_that_only(&machine, "network")?;
    let ended = machine.ended()?;
    ensure!(
        ended.is_none_or(|status| status.success()),
        "it failed: {ended:?}"
    );
    Ok(())
}

/// Checks that one device is reported as missing, and the others are not.
fn says_that_only(machine: &Machine, missing: &str) -> Outcome {
    for part in PARTS {
        let is_missing = is_missing(machine, part)?;
        let word = if is_missing { "missing" } else { "there" };
        ensure!(
            is_missing == (part == missing),
            "it says that the {part} is {word}"
        );
    }
    Ok(())
}

fn is_missing(machine: &Machine, part: &str) -> Outcome<bool> {
    machine.wait_for(&format!("what it knows of its {part}"), |line| {
        console::about(line, part).map(console::is_missing)
    })
}
