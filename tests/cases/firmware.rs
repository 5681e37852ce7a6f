//! Tests that an image for a machine without firmware also starts under firmware, in another
//! privilege mode.

use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use xtask::emulator;

use super::demo::{DEMO, echoing};
use super::{Case, Need};

pub(super) const CASES: [Case; 1] =
    [Case::new("starts_behind_firmware", starts_behind_firmware).needing(Need::Firmware)];

fn starts_behind_firmware(setting: &Setting) -> Outcome {
    let mut draft = setting.machine(DEMO)?;
    let payload = setting.image(DEMO)?.payload;
    draft.qemu.kernel = payload.ok_or("the board does not support firmware")?;
    let firmware = emulator::firmware(setting.board());
    draft.qemu.firmware = Some(firmware.ok_or("this QEMU comes with no firmware for the board")?);
    echoing(draft)?;
    Ok(())
}
