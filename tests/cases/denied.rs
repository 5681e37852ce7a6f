//! Machines without a part that the board file describes, or with it at another address.

use vmos_codegen::board::Architecture;
use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;

use super::Case;
use super::demo::{DEMO, echoing};

pub(super) const CASES: [Case; 3] = [
    Case::once_a_board("does_without_pci_elsewhere", does_without_pci_elsewhere),
    Case::once_a_board("names_another_controller", names_another_controller),
    Case::once_a_board("names_a_timer_that_is_missing", names_a_missing_timer),
];

/// Returns whether the board's machine has these options: QEMU's machine "virt" for 64-bit Arm.
fn is_arm64(setting: &Setting) -> bool {
    setting.board().architecture == Architecture::Aarch64
}

/// Checks that devices in virtio-mmio slots work in a machine whose host bridge has its registers
/// below 4 GiB.
fn does_without_pci_elsewhere(setting: &Setting) -> Outcome {
    if !is_arm64(setting) {
        return Ok(());
    }
    let mut draft = setting.machine(DEMO)?;
    let option = ["-machine", "highmem=off"].map(str::to_owned);
    draft.qemu.extra.extend(option);
    let (machine, _) = echoing(draft)?;
    let text = machine.serial.text();
    ensure!(text.contains("pci.ecam: left out"), "{text}");
    Ok(())
}

/// Checks that the kernel stops with the key of the interrupt controller if the machine has another
/// version of it.
fn names_another_controller(setting: &Setting) -> Outcome {
    if !is_arm64(setting) {
        return Ok(());
    }
    let is_gic_v3 = setting.board().name == "virt-arm64";
    let (key, other) = if is_gic_v3 {
        ("interrupt-controller.gic-v3", "gic-version=2")
    } else {
        ("interrupt-controller.gic-v2", "gic-version=3")
    };
    let mut draft = setting.machine(DEMO)?;
    draft
        .qemu
        .extra
        .extend(["-machine", other].map(str::to_owned));
    let mut machine = draft.start()?;
    let status = machine.wait_for_end()?;
    let text = machine.serial.text();
    let line = format!("cannot start: {key}: ");
    ensure!(status.code() == Some(1) && text.contains(&line), "{text}");
    Ok(())
}

/// Checks that the kernel stops with the timer's key if the hart lacks the extension that the timer
/// needs.
fn names_a_missing_timer(setting: &Setting) -> Outcome {
    let needs_sstc = setting.board().timer.part.key == "timer.sstc";
    if !needs_sstc {
        return Ok(());
    }
    let mut draft = setting.machine(DEMO)?;
    let processor = ["-cpu", "rv64,sstc=off"].map(str::to_owned);
    draft.qemu.extra.extend(processor);
    let mut machine = draft.start()?;
    let status = machine.wait_for_end()?;
    let text = machine.serial.text();
    let line = "cannot start: timer.sstc: ";
    ensure!(status.code() == Some(1) && text.contains(line), "{text}");
    Ok(())
}
