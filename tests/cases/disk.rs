//! Tests of the disk, by reading its image file.

use std::fs;

use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::{Setting, read_image};
use xtask::qemu::Disk;

use super::demo::{DEMO, echoing};
use super::{Case, Need};
use crate::console;

pub(super) const CASES: [Case; 4] = [
    Case::new(
        "counts_its_starts_on_the_disk",
        counts_its_starts_on_the_disk,
    ),
    Case::spread(
        "leaves_what_it_wrote_in_the_image",
        leaves_what_it_wrote_in_the_image,
    ),
    Case::spread(
        "goes_on_with_a_read_only_disk",
        goes_on_with_a_read_only_disk,
    ),
    Case::spread(
        "keeps_many_requests_in_flight_on_a_disk",
        keeps_many_requests_in_flight,
    )
    .needing(Need::Table),
];

/// Starts a machine, and kills it as soon as it has counted the boot and serves; returns the count.
fn start_and_pull_the_plug(setting: &Setting) -> Outcome<u64> {
    let (machine, _) = echoing(setting.machine(DEMO)?)?;
    let count = machine.wait_for("a boot count", console::boot_count)?;
    machine.pull_the_plug()?;
    Ok(count)
}

fn counts_its_starts_on_the_disk(setting: &Setting) -> Outcome {
    for expected in 1..=3 {
        let count = start_and_pull_the_plug(setting)?;
        ensure!(
            count == expected,
            "boot {expected} reports boot count {count}"
        );
    }
    Ok(())
}

fn leaves_what_it_wrote_in_the_image(setting: &Setting) -> Outcome {
    let empty = read_image(&setting.disk()?)?;
    start_and_pull_the_plug(setting)?;
    let first = read_image(&setting.disk()?)?;
    ensure!(first != empty, "the image is unchanged after a boot");
    start_and_pull_the_plug(setting)?;
    let second = read_image(&setting.disk()?)?;
    ensure!(
        second != first,
        "the image is unchanged after a second boot"
    );
    ensure!(second.len() == empty.len(), "the size of the image changed");
    Ok(())
}

fn goes_on_with_a_read_only_disk(setting: &Setting) -> Outcome {
    let mut draft = setting.machine(DEMO)?;
    let image = setting.disk()?;
    let before = read_image(&image)?;
    draft.qemu.devices.disk = Some(Disk {
        image: image.clone(),
        read_only: true,
    });
    let (machine, _) = echoing(draft)?;
    machine.wait_for("that the disk is read-only", |line| {
        console::about(line, "disk")
            .filter(|about| console::is_read_only(about))
            .map(drop)
    })?;
    ensure!(read_image(&image)? == before, "the image changed");
    Ok(())
}

/// Checks disk requests: one handle for many requests writes, another one and many tasks read, and
/// a third is dropped while its requests are in flight.
fn keeps_many_requests_in_flight(setting: &Setting) -> Outcome {
    const BLOCK: usize = 4096;
    let image = setting.path("small.img");
    fs::write(&image, vec![0; 256 * BLOCK])?;
    let mut draft = setting.machine("selftest")?.command_line("check=disk");
    draft.qemu.devices.disk = Some(Disk {
        image: image.clone(),
        read_only: false,
    });
    let mut machine = draft.start()?;
    machine.wait_for("that every block was read back", |line| {
        (line == "disk: 256 blocks match what was written").then_some(())
    })?;
    let status = machine.wait_for_end()?;
    ensure!(status.success(), "it ended with {status}");
    for (number, block) in read_image(&image)?.chunks_exact(BLOCK).enumerate() {
        let number = (number as u64).to_le_bytes();
        ensure!(
            block.chunks_exact(8).all(|word| word == number),
            "a block of the image differs from what was written"
        );
    }
    Ok(())
}
