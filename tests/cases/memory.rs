//! Tests of the memory size that the machine reports.

use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;

use super::demo::{DEMO, echoing};
use super::fault::SELFTEST;
use super::{Case, Need};
use crate::console;

pub(super) const CASES: [Case; 4] = [
    Case::once_a_board("reports_64_mib_of_memory", |setting| reports(setting, 64))
        .needing(Need::Amount),
    Case::once_a_board("reports_512_mib_of_memory", |setting| reports(setting, 512))
        .needing(Need::Amount),
    Case::once_a_board("reports_4_gib_of_memory", |setting| reports(setting, 4096))
        .needing(Need::Memory4Gib),
    Case::once_a_board("fills_memory", fills).needing(Need::Table),
];

fn reports(setting: &Setting, mebibytes: u64) -> Outcome {
    let mut draft = setting.machine(DEMO)?;
    draft.qemu.memory = Some(format!("{mebibytes}M").parse()?);
    let (machine, _) = echoing(draft)?;
    let reported = machine.wait_for("its memory size", console::memory)?;
    ensure!(
        reported == mebibytes,
        "the machine has {mebibytes} MiB, but reports {reported} MiB"
    );
    Ok(())
}

fn fills(setting: &Setting) -> Outcome {
    let draft = setting.machine(SELFTEST)?.append("check=fill");
    let mut machine = draft.start()?;
    let status = machine.wait_for_end()?;
    ensure!(
        status.code() == Some(0),
        "it ended with {status} and printed:\n{}",
        machine.serial.text()
    );
    Ok(())
}
