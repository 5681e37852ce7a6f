//! Group C of the faults: machines with unusual configurations.

use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;

use super::super::{Case, Need};
use super::{SOON, Tested, draft, draft_with};

/// Defines a case in which only the properties of devices differ.
macro_rules! with_properties {
    ($name:literal, $($property:literal),+) => {
        Case::spread($name, |setting| sound_with(setting, &[$("-global", $property),+]))
    };
}

pub(crate) const CASES: [Case; 30] = [
    with_properties!(
        "c1_modern_pci",
        "virtio-net-pci.disable-legacy=on",
        "virtio-blk-pci.disable-legacy=on",
        "virtio-rng-pci.disable-legacy=on"
    )
    .needing(Need::Pci),
    Case::spread("c1_legacy_pci_is_named", legacy_pci_is_named).needing(Need::Pci),
    with_properties!("c2_packed_offered", "virtio-device.packed=on").needing(Need::Modern),
    with_properties!("c2_queue_reset_offered", "virtio-device.queue_reset=on")
        .needing(Need::Modern),
    with_properties!("c3_no_event_index", "virtio-device.event_idx=off"),
    with_properties!("c3_no_indirect", "virtio-device.indirect_desc=off"),
    with_properties!(
        "c3_neither",
        "virtio-device.event_idx=off",
        "virtio-device.indirect_desc=off"
    ),
    with_properties!("c4_platform_access", "virtio-device.iommu_platform=on").needing(Need::Slots),
    with_properties!(
        "c4_platform_access_pci",
        "virtio-device.iommu_platform=on",
        "virtio-net-pci.disable-legacy=on",
        "virtio-blk-pci.disable-legacy=on",
        "virtio-rng-pci.disable-legacy=on"
    )
    .needing(Need::Pci),
    with_properties!("c5_no_merged_buffers", "virtio-net-device.mrg_rxbuf=off"),
    with_properties!(
        "c5_receive_queue_of_256",
        "virtio-net-device.rx_queue_size=256"
    ),
    with_properties!(
        "c5_receive_queue_of_1024",
        "virtio-net-device.rx_queue_size=1024"
    ),
    with_properties!("c5_disk_queue_of_4", "virtio-blk-device.queue-size=4"),
    with_properties!("c5_disk_queue_of_8", "virtio-blk-device.queue-size=8"),
    with_properties!("c5_disk_queue_of_1024", "virtio-blk-device.queue-size=1024"),
    with_properties!("c5_four_disk_queues", "virtio-blk-device.num-queues=4"),
    with_properties!(
        "c6_one_vector",
        "virtio-net-pci.vectors=1",
        "virtio-rng-pci.vectors=1",
        "virtio-blk-pci.vectors=1"
    )
    .needing(Need::Messages),
    with_properties!(
        "c6_two_vectors",
        "virtio-net-pci.vectors=2",
        "virtio-rng-pci.vectors=2",
        "virtio-blk-pci.vectors=2"
    )
    .needing(Need::Messages),
    with_properties!(
        "c7_blocks_of_4096",
        "virtio-blk-device.logical_block_size=4096",
        "virtio-blk-device.physical_block_size=4096"
    ),
    Case::spread("c7_disk_of_one_sector", disk_of_one_sector),
    Case::spread("c8_four_processors", |setting| {
        sound_with(setting, &["-smp", "4"])
    }),
    Case::spread("c9_two_of_each", two_of_each).needing(Need::Room),
    with_properties!(
        "c10_no_offload",
        "virtio-net-device.csum=off",
        "virtio-net-device.guest_csum=off",
        "virtio-net-device.gso=off"
    ),
    with_properties!("c10_no_guest_checksum", "virtio-net-device.guest_csum=off"),
    with_properties!("c10_no_control_queue", "virtio-net-device.ctrl_vq=off"),
    with_properties!("c10_no_status", "virtio-net-device.status=off"),
    with_properties!("c10_mtu_of_1400", "virtio-net-device.host_mtu=1400"),
    Case::spread("c11_words_nobody_knows", |setting| {
        let words = "nothing= =x ip=10.0.2.15/24 quiet \u{1}\u{2} root=/dev/vda1 check=serve";
        Tested::start(draft(setting)?.command_line(words))?.is_sound()
    })
    .needing(Need::Table),
    Case::spread("c11_long_command_line", |setting| {
        let words = format!("ip=10.0.2.15/24 {}", "word ".repeat(300));
        Tested::start(draft(setting)?.command_line(&words))?.is_sound()
    })
    .needing(Need::Table),
    Case::spread("c11_initial_ramdisk", initial_ramdisk).needing(Need::Table),
];

fn sound_with(setting: &Setting, arguments: &[&str]) -> Outcome {
    Tested::start(draft_with(setting, arguments)?)?.is_sound()
}

/// Checks that a PCI disk with only the legacy interface is reported and not used, and that
/// everything else works.
fn legacy_pci_is_named(setting: &Setting) -> Outcome {
    let mut draft = draft_with(
        setting,
        &[
            "-global",
            "virtio-blk-pci.disable-modern=on",
            "-global",
            "virtio-blk-pci.disable-legacy=off",
        ],
    )?;
    draft.qemu.append += " log=warn";
    let tested = Tested::start(draft)?;
    tested.service.ask("rng", SOON)?;
    let said = tested.service.try_to_ask("disk 0", SOON)?;
    ensure!(
        said.is_err(),
        "a disk with only the legacy interface works: {said:?}"
    );
    let lines = tested.machine.serial.lines();
    let named = lines
        .iter()
        .any(|line| line.contains("WARN") && line.contains("PCI"));
    ensure!(named, "the log does not mention the disk");
    Ok(())
}

/// Checks that requests beyond the end of a disk are rejected, and that everything else works.
fn disk_of_one_sector(setting: &Setting) -> Outcome {
    let mut draft = draft(setting)?;
    let image = setting.path("small.img");
    std::fs::write(&image, [0; 512])?;
    if let Some(disk) = &mut draft.qemu.devices.disk {
        disk.image = image;
    }
    let tested = Tested::start(draft)?;
    let said = tested.service.try_to_ask("disk 0", SOON)?;
    ensure!(said.is_err(), "4096 bytes are written to 512: {said:?}");
    tested.service.ask("rng", SOON)?;
    tested.service.echo(b"serves", SOON)?;
    Ok(())
}

fn two_of_each(setting: &Setting) -> Outcome {
    let mut draft = draft(setting)?;
    let second = setting.path("second.img");
    std::fs::write(&second, vec![0; 1 << 20])?;
    let devices = draft.qemu.devices.clone();
    let drive = format!("if=none,id=disk1,format=raw,file={}", second.display());
    draft.qemu.extra.extend([
        "-device".to_owned(),
        devices.device("rng", ""),
        "-drive".to_owned(),
        drive,
        "-device".to_owned(),
        devices.device("blk", ",drive=disk1"),
    ]);
    Tested::start(draft)?.is_sound()?;
    let written = std::fs::read(&second)?;
    ensure!(
        written.iter().all(|&byte| byte == 0),
        "the second disk was taken for the first"
    );
    Ok(())
}

fn initial_ramdisk(setting: &Setting) -> Outcome {
    let path = setting.path("initrd");
    std::fs::write(&path, vec![0x5a; 1 << 20])?;
    sound_with(setting, &["-initrd", &path.to_string_lossy()])
}
