//! Group C of the faults: machines with unusual configurations.

use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::segment::{Segment, flag};
use vmos_machine_tests::service::ECHO;
use vmos_machine_tests::setting::{Setting, read_image};

use xtask::emulator;

use super::super::{Case, Need};
use super::{SOON, Tested, draft, draft_with, shown};

/// Defines a case in which only the properties of devices differ.
macro_rules! with_properties {
    ($name:literal, $($property:literal),+) => {
        Case::spread($name, |setting| sound_with(setting, &[$("-global", $property),+]))
    };
}

pub(crate) const CASES: [Case; 31] = [
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
    Case::spread("c2_in_order_offered", in_order_offered).needing(Need::Modern),
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
    Case::spread("c7_blocks_of_4096", blocks_of_4096),
    Case::spread("c7_disk_of_one_sector", disk_of_one_sector),
    Case::spread("c8_four_processors", |setting| {
        sound_with(setting, &["-smp", "4"])
    })
    .needing(Need::Processors),
    Case::spread("c9_two_of_each", two_of_each).needing(Need::Room),
    with_properties!(
        "c10_no_offload",
        "virtio-net-device.csum=off",
        "virtio-net-device.guest_csum=off",
        "virtio-net-device.gso=off"
    ),
    with_properties!("c10_no_guest_checksum", "virtio-net-device.guest_csum=off"),
    with_properties!("c10_no_control_queue", "virtio-net-device.ctrl_vq=off"),
    // With DHCP, which needs a link that is up.
    Case::spread("c10_no_status", |setting| {
        let property = ["-global", "virtio-net-device.status=off"];
        Tested::start(draft_with(setting, &property)?.command_line(""))?.is_sound()
    }),
    Case::spread("c10_mtu_of_1400", mtu_of_1400).needing(Need::Table),
    // A wire has no DHCP server: the address is that of the command line, or there is none.
    Case::spread("c11_words_nobody_knows", |setting| {
        let words = "nothing= =x quiet \u{1}\u{2} root=/dev/vda1 ip=10.0.2.15/24 check=serve";
        Tested::wired(draft(setting)?.command_line(words))?.is_sound()
    })
    .needing(Need::Table),
    Case::spread("c11_long_command_line", |setting| {
        let words = format!("{}ip=10.0.2.15/24", "word ".repeat(300));
        Tested::wired(draft(setting)?.command_line(&words))?.is_sound()
    })
    .needing(Need::Table),
    Case::spread("c11_initial_ramdisk", initial_ramdisk).needing(Need::Table),
];

fn sound_with(setting: &Setting, arguments: &[&str]) -> Outcome {
    let mut tested = Tested::start(draft_with(setting, arguments)?)?;
    tested.is_sound()?;
    needs_no_watch(&tested)
}

/// Checks that notifications and interrupts arrive: the watch over the devices, which would find what
/// is lost, had next to nothing to do. On a busy computer, a device may once need half a second.
fn needs_no_watch(tested: &Tested) -> Outcome {
    const FEW: u64 = 3;
    for _ in 0..3 {
        tested.service.ask("disk 64", SOON)?;
        tested.service.ask("rng", SOON)?;
    }
    let counts = tested.service.counts()?;
    let found = counts.iter().filter(|(name, _)| {
        let count = name.rsplit_once('.').map(|(_, count)| count);
        count.is_some_and(|count| ["kicked_again", "lost_interrupts", "silences"].contains(&count))
    });
    ensure!(
        found.map(|(_, count)| count).sum::<u64>() < FEW,
        "notifications or interrupts are lost: {}",
        shown(&counts)
    );
    Ok(())
}

/// Checks that the kernel works with devices that offer to return chains in order (virtio 1.2, 6).
/// QEMU has such devices from version 10.0 on; with an older one, there is nothing to check.
fn in_order_offered(setting: &Setting) -> Outcome {
    let draft = draft_with(setting, &["-global", "virtio-device.in_order=on"])?;
    let version = emulator::version(&draft.qemu.program)?;
    let major = version.split('.').next().unwrap_or_default();
    if major.parse::<u32>()? < 10 {
        return Ok(());
    }
    let mut tested = Tested::start(draft)?;
    tested.is_sound()?;
    needs_no_watch(&tested)
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
    tested.machine.wait_for("why the disk is not used", |line| {
        (line.contains("WARN") && line.contains("PCI")).then_some(())
    })
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
    let is_rejected = said
        .as_ref()
        .is_err_and(|said| said.contains("8 sectors from 0 on a disk of 1"));
    ensure!(is_rejected, "4096 bytes are written to 512: {said:?}");
    let counts = tested.service.counts()?;
    ensure!(
        counts.get("disk0.errors") == Some(&0),
        "the request reached the disk: {}",
        shown(&counts)
    );
    tested.service.ask("rng", SOON)?;
    tested.service.echo(b"serves", SOON)?;
    Ok(())
}

/// Checks that sectors have 512 bytes whatever the block size is: data that the machine writes to
/// sector 64 is at 32 KiB in the image, and nothing is elsewhere.
fn blocks_of_4096(setting: &Setting) -> Outcome {
    const PLACE: std::ops::Range<usize> = 64 * 512..64 * 512 + 4096;
    let properties = [
        "virtio-blk-device.logical_block_size=4096",
        "virtio-blk-device.physical_block_size=4096",
    ];
    let arguments = properties.map(|property| ["-global", property]);
    let mut tested = Tested::start(draft_with(setting, arguments.as_flattened())?)?;
    tested.is_sound()?;
    let image = read_image(&setting.disk()?)?;
    let mut written = image.iter().enumerate().filter(|(_, byte)| **byte != 0);
    let outside = written.find(|(at, _)| !PLACE.contains(at));
    ensure!(
        outside.is_none(),
        "byte {outside:?} of the disk was written"
    );
    let data = image.get(PLACE).ok_or("the disk is too small")?;
    ensure!(
        data.iter().any(|byte| *byte != 0),
        "sector 64 of the disk was not written"
    );
    Ok(())
}

/// Checks that the segment size that the machine announces fits the MTU of its device (RFC 9293,
/// 3.7.1).
fn mtu_of_1400(setting: &Setting) -> Outcome {
    const CLIENT: u16 = 40_123;
    let property = ["-global", "virtio-net-device.host_mtu=1400"];
    let mut tested = Tested::wired(draft_with(setting, &property)?)?;
    let (wire, mac) = tested.service.wire()?;
    let connect = Segment {
        source: CLIENT,
        destination: ECHO,
        sequence: 1000,
        acknowledged: 0,
        flags: flag::SYN,
        window: 60_000,
        options: &[2, 4, 5, 0xb4],
        payload: &[],
    };
    wire.send(&connect.frame(mac))?;
    let options = wire.receive(SOON, |frame| {
        let segment = Segment::of(frame, true)?;
        let accepts = segment.flags == flag::SYN | flag::ACK;
        (accepts && segment.destination == CLIENT).then(|| segment.options.to_vec())
    });
    let options = options.ok_or("the connection was not accepted")?;
    let announced = options.windows(4).find(|option| option[..2] == [2, 4]);
    let announced = announced.map(|option| u16::from_be_bytes([option[2], option[3]]));
    ensure!(
        announced == Some(1400 - 40),
        "with an MTU of 1400, segments of {announced:?} bytes are announced"
    );
    tested.is_sound()
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
