//! How much memory the machine finds.

use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;

use super::demo::{DEMO, echoing};
use super::{Case, Need};
use crate::console;

pub(super) const CASES: [Case; 3] = [
    Case::new("reports_64_mib_of_memory", |setting| reports(setting, 64)).needing(Need::Table),
    Case::new("reports_512_mib_of_memory", |setting| reports(setting, 512)).needing(Need::Table),
    Case::new("reports_4_gib_of_memory", |setting| reports(setting, 4096)).needing(Need::Table),
];

fn reports(setting: &Setting, mebibytes: u64) -> Outcome {
    let mut draft = setting.machine(DEMO)?;
    draft.qemu.memory = Some(format!("{mebibytes}M").parse()?);
    let (machine, _) = echoing(draft)?;
    let reported = machine.wait_for("how much memory it has", console::memory)?;
    ensure!(
        reported == mebibytes,
        "it has {mebibytes} MiB and says {reported} MiB"
    );
    Ok(())
}
