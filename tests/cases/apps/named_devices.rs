//! Tests that an app finds a disk and a network device by the names in the board file, and that the
//! command line overrides them.

use std::fs;
use std::time::{Duration, Instant};

use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::{LIMIT, Machine};
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::{Draft, Setting};
use vmos_machine_tests::udp::Caller;
use xtask::qemu::Disk;
use xtask::transport::Transport;

use super::super::{Case, Need};

pub(super) const CASES: [Case; 1] =
    [
        Case::new("devices_have_the_names_of_the_board_file", have_names)
            .of("two-networks")
            .needing(Need::Names),
    ];

/// The port that answers with a sector of the disk `data`, or else of the first disk.
const SECTOR: u16 = 8;
/// The number of bytes in a sector.
const SIZE: usize = 512;
/// The time after which a datagram is sent again.
const AGAIN: Duration = Duration::from_millis(300);
/// The hardware address of the first network device, QEMU's default.
const FIRST: &str = "52:54:00:12:34:56";
/// That of the second one.
const SECOND: &str = "52:54:00:12:34:57";

fn have_names(setting: &Setting) -> Outcome {
    // The board file names the second disk by its serial number, and the second network device by its
    // hardware address.
    let words = format!("nic.wan={FIRST}");
    tells(setting, &words, ["wan", "lan"], 2)?;
    // The first disk by its place: QEMU fills the slots from the last one down, and PCI from the first.
    let slots = setting.board().virtio_mmio.as_ref();
    let last = slots.map_or(0, |slots| slots.count - 1);
    let place = match setting.attachment().transport() {
        Transport::Mmio => format!("slot{}", last - 1),
        Transport::Pci => "00:02.0".to_owned(),
    };
    let words = format!("nic.lan={FIRST} disk.data={place}");
    tells(setting, &words, ["lan", SECOND], 1)?;
    tells(
        setting,
        "nic.x=slot999 disk.data=vmos-disk0",
        [FIRST, "lan"],
        1,
    )
}

/// Checks the names of both network devices, and which disk is called `data`.
fn tells(setting: &Setting, words: &str, names: [&str; 2], disk: u8) -> Outcome {
    let mut draft = setting.machine("two-networks")?.append(words);
    for number in [1, 2] {
        let image = setting.path(&format!("disk{number}"));
        fs::write(&image, vec![number; 4 * SIZE])?;
        let disk = Disk {
            image,
            read_only: false,
        };
        match number {
            1 => draft.qemu.devices.disk = Some(disk),
            _ => draft.qemu.devices.more.disks = vec![disk],
        }
    }
    let port = draft.forward_udp(SECTOR)?;
    let machine = with_second_network(draft).start()?;
    for (name, address) in names.into_iter().zip(["10.0.2.15/24", "192.168.7.15/24"]) {
        says(
            &machine,
            &format!("{name}: UDP echo on port 7 of {address}"),
        )?;
    }
    let caller = Caller::new(port)?;
    // The app opens the port once it knows the disk.
    let end = Instant::now() + LIMIT;
    let sector = loop {
        caller.send(b"which")?;
        match caller.receive(AGAIN)? {
            Some(sector) => break sector,
            None if Instant::now() > end => return Err("no sector came".into()),
            None => {}
        }
    };
    ensure!(
        sector == [disk; SIZE],
        "{words}: `data` is not disk {disk}: {:?}",
        sector.get(..4)
    );
    Ok(())
}

/// Adds a network device whose network gives it another address.
fn with_second_network(mut draft: Draft<'_>) -> Draft<'_> {
    let device = draft
        .qemu
        .devices
        .device("net", &format!(",netdev=second,mac={SECOND}"));
    let network = "user,id=second,net=192.168.7.0/24,dhcpstart=192.168.7.15".to_owned();
    let words = ["-netdev".to_owned(), network, "-device".to_owned(), device];
    draft.qemu.extra.extend(words);
    draft
}

fn says(machine: &Machine, expected: &str) -> Outcome {
    machine.wait_for(expected, |line| line.starts_with(expected).then_some(()))
}
