//! Tests of the names of disks and network devices.

use super::TOY;
use crate::diagnostic::{Code, Diagnostics};
use crate::emit::{board_md, board_rs};
use crate::source::InMemory;
use crate::{Board, load_from};

const NAMES: &str = r#"
[disk.data]
serial = "acme-1"
[nic.lan]
mac = "52:54:0:AB:34:57"
slot = 7
pci = "0:1f.7"
"#;

fn load(text: &str) -> Result<Board, Diagnostics> {
    let sources = InMemory::new().with("toy", text.to_owned());
    load_from(&sources, "toy")
}

/// Asserts the only error in the names with a change: its code, its title, and its line.
fn wrong(old: &str, new: &str, code: Code, title: &str) {
    assert_eq!(NAMES.matches(old).count(), 1, "{old:?}");
    let names = NAMES.replace(old, new);
    let told = load(&format!("{TOY}{names}")).expect_err("nothing was reported");
    let all: Vec<_> = told
        .iter()
        .map(|one| (one.code, one.title.as_str()))
        .collect();
    assert_eq!(all, [(code, title)], "\n{told}");
}

#[test]
fn a_name_has_what_identifies_the_device() {
    let board = match load(&format!("{TOY}{NAMES}")) {
        Ok(board) => board,
        Err(told) => panic!("{told}"),
    };
    let [disk] = &*board.disks else {
        panic!("{:?}", board.disks);
    };
    assert_eq!((&*disk.key, &*disk.name), ("disk.data", "data"));
    assert_eq!(disk.identity.as_deref(), Some("acme-1"));
    assert_eq!((disk.slot, disk.function.as_deref()), (None, None));
    let [nic] = &*board.nics else {
        panic!("{:?}", board.nics);
    };
    assert_eq!(nic.identity.as_deref(), Some("52:54:00:ab:34:57"));
    assert_eq!(
        (nic.slot, nic.function.as_deref()),
        (Some(7), Some("00:1f.7"))
    );
    let code = board_rs::emit(&board).unwrap();
    assert!(
        code.contains("const NICS: &'static [NamedDevice]"),
        "{code}"
    );
    assert!(code.contains("function: Some(\"00:1f.7\")"), "{code}");
    let page = board_md::emit(&board);
    let row = "hardware address 52:54:00:ab:34:57, or virtio-mmio slot 7, or PCI 00:1f.7";
    assert!(page.contains(row), "{page}");
}

#[test]
fn a_board_without_names_has_no_tables_of_them() {
    let board = load(TOY).unwrap();
    assert!(board.disks.is_empty() && board.nics.is_empty());
    assert!(!board_rs::emit(&board).unwrap().contains("NamedDevice"));
    assert!(!board_md::emit(&board).contains("Named devices"));
}

#[test]
fn what_identifies_no_device_is_reported() {
    for address in [
        "52:54:00:12:34",
        "52:54:00:12:34:5g",
        "52-54-00-12-34-57",
        "x",
    ] {
        let new = format!("mac = \"{address}\"");
        let title = "`nic.lan.mac` is not the hardware address of a device";
        wrong("mac = \"52:54:0:AB:34:57\"", &new, Code::BadText, title);
    }
    let group = "mac = \"53:54:00:12:34:57\"";
    let title = "`nic.lan.mac` is not the hardware address of a device";
    wrong("mac = \"52:54:0:AB:34:57\"", group, Code::BadText, title);
    for place in [
        "00:20.0", "00:03.8", "00:03", "3.0", "000:03.0", "00:03.0x", "0x0:3.0",
    ] {
        let new = format!("pci = \"{place}\"");
        wrong(
            "pci = \"0:1f.7\"",
            &new,
            Code::BadText,
            "`nic.lan.pci` is not a place on PCI",
        );
    }
    for serial in ["two words", "more-than-twenty-bytes", "sérial"] {
        let new = format!("serial = \"{serial}\"");
        let title = "`disk.data.serial` is not a serial number";
        wrong("serial = \"acme-1\"", &new, Code::BadText, title);
    }
}

#[test]
fn a_name_needs_a_device_and_a_place_that_the_board_has() {
    let title = "[disk.data] does not say which device is called `data`";
    wrong("serial = \"acme-1\"\n", "", Code::MissingKey, title);
    wrong(
        "slot = 7",
        "slot = 8",
        Code::BadNumber,
        "there is no virtio-mmio slot 8",
    );
    let taken = "serial = \"acme-1\"\nslot = 7";
    wrong(
        "serial = \"acme-1\"",
        taken,
        Code::NamedTwice,
        "virtio-mmio slot 7 has two names",
    );
    // A board without PCI.
    let (before, rest) = TOY.split_once("[pci.ecam]").unwrap();
    let (_, after) = rest.split_once("[undescribed]").unwrap();
    let told =
        load(&format!("{before}[undescribed]{after}{NAMES}")).expect_err("nothing was reported");
    let all: Vec<_> = told.iter().map(|one| one.title.as_str()).collect();
    let title = "`nic.lan.pci` needs a PCI host bridge, [pci], which the board does not have";
    assert_eq!(all, [title], "\n{told}");
}

#[test]
fn a_board_inherits_names_and_overrides_them() {
    let other = "schema = 1\nextends = \"toy\"\n[board]\nname = \"other\"\ntitle = \"Another\"\n\
                 [nic.lan]\nmac = \"52:54:00:12:34:57\"\n";
    let sources = InMemory::new()
        .with("toy", format!("{TOY}{NAMES}"))
        .with("other", other.to_owned());
    let board = match load_from(&sources, "other") {
        Ok(board) => board,
        Err(told) => panic!("{told}"),
    };
    assert_eq!(board.nics[0].identity.as_deref(), Some("52:54:00:12:34:57"));
    assert_eq!(board.nics[0].slot, Some(7));
    assert_eq!(board.disks[0].name, "data");
}
