//! Tests of the device report, and of machines with a missing device.

use std::fs;

use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::Machine;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::{Draft, Setting, read_image};
use xtask::transport::Transport;

use super::demo::{DEMO, echoing};
use super::fault::SELFTEST;
use super::{Case, Need};
use crate::console;

pub(super) const CASES: [Case; 6] = [
    Case::new("finds_its_devices", finds_its_devices),
    Case::spread("goes_on_without_rng", goes_on_without_rng),
    Case::spread("goes_on_without_disk", goes_on_without_disk),
    Case::spread("goes_on_without_net", goes_on_without_net),
    Case::new("keeps_the_numbers_of_devices", keeps_the_numbers_of_devices).needing(Need::Room),
    Case::new("finds_devices_by_name", finds_devices_by_name).needing(Need::Room),
];

/// The hardware address that QEMU gives the first network device.
const FIRST: &str = "52:54:00:12:34:56";
/// The hardware address of the network device that a case adds.
const ADDED: &str = "52:54:00:00:00:02";

const PARTS: [&str; 3] = ["rng", "disk", "network"];

fn finds_its_devices(setting: &Setting) -> Outcome {
    let (machine, _) = echoing(setting.machine(DEMO)?)?;
    for part in PARTS {
        ensure!(
            !is_missing(&machine, part)?,
            "the machine reports that the {part} is missing"
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

/// Adds a disk of 2 MiB and a network device behind those of the machine.
fn add_devices(setting: &Setting, draft: &mut Draft<'_>) -> Outcome {
    let image = setting.path("added.img");
    fs::write(&image, vec![0; 2 << 20])?;
    let devices = &draft.qemu.devices;
    let rom = match setting.attachment().transport() {
        Transport::Mmio => "",
        Transport::Pci => ",romfile=",
    };
    let words = [
        "-drive".to_owned(),
        format!("if=none,id=added,format=raw,file={}", image.display()),
        "-device".to_owned(),
        devices.device("blk", ",drive=added,serial=added"),
        "-netdev".to_owned(),
        "user,id=added-net,ipv6=off,restrict=on".to_owned(),
        "-device".to_owned(),
        devices.device("net", &format!(",netdev=added-net,mac={ADDED}{rom}")),
    ];
    draft.qemu.extra.extend(words);
    Ok(())
}

/// Checks that the first disk and the first network device stay the first if others are added.
fn keeps_the_numbers_of_devices(setting: &Setting) -> Outcome {
    let mut draft = setting.machine(DEMO)?;
    add_devices(setting, &mut draft)?;
    let before = read_image(&setting.disk()?)?;
    let (machine, _) = echoing(draft)?;
    machine.wait_for("a boot count", console::boot_count)?;
    machine.pull_the_plug()?;
    ensure!(
        read_image(&setting.disk()?)? != before,
        "the boot count is not on the first disk"
    );
    let added = fs::read(setting.path("added.img"))?;
    ensure!(
        added.iter().all(|byte| *byte == 0),
        "something was written to the added disk"
    );
    Ok(())
}

fn finds_devices_by_name(setting: &Setting) -> Outcome {
    let choice = format!("nic={ADDED}");
    for (words, network) in [("", FIRST), (choice.as_str(), ADDED)] {
        let draft = setting.machine(SELFTEST)?;
        let mut draft = draft.append(&format!("check=devices serial=added {words}"));
        add_devices(setting, &mut draft)?;
        let machine = draft.start()?;
        for expected in [
            "disk 0: serial vmos-disk0",
            "disk 1: serial added",
            &format!("network: {network}; a device with this address is found: true"),
            "serial added: 4096",
            "devices: done",
        ] {
            machine.wait_for(expected, |line| line.contains(expected).then_some(()))?;
        }
    }
    Ok(())
}

/// Checks that one device is reported as missing, and the others are not.
fn says_that_only(machine: &Machine, missing: &str) -> Outcome {
    for part in PARTS {
        let is_missing = is_missing(machine, part)?;
        let word = if is_missing { "missing" } else { "there" };
        ensure!(
            is_missing == (part == missing),
            "the machine reports that the {part} is {word}"
        );
    }
    Ok(())
}

fn is_missing(machine: &Machine, part: &str) -> Outcome<bool> {
    machine.wait_for(&format!("the report on its {part}"), |line| {
        console::about(line, part).map(console::is_missing)
    })
}
