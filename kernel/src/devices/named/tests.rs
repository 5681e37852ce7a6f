//! Tests of the names of networks on the command line.

use vmos_drivers::pci;

use super::*;
use crate::log::kept::logged;
use crate::net::Ip;

const MAC: HardwareAddress = HardwareAddress([0x52, 0x54, 0, 0x12, 0x34, 0x57]);

const SLOT: Place = Place::MmioSlot {
    slot: 29,
    version: 2,
};

fn on_pci(bus: u8, device: u8, function: u8) -> Place {
    Place::Pci(pci::Address::new(bus, device, function))
}

fn called(line: &str, place: Place) -> Option<&str> {
    given_name(MAC, place, CommandLine::new(line))
}

#[test]
fn a_device_is_named_by_its_address_or_its_place() {
    for (line, place) in [
        ("nic.lan=52:54:00:12:34:57", SLOT),
        ("nic.lan=52:54:00:12:34:57", on_pci(0, 3, 0)),
        ("nic.lan=slot29", SLOT),
        ("nic.lan=00:03.0", on_pci(0, 3, 0)),
        (
            "nic.wan=52:54:00:12:34:56 nic.lan=slot29 nic.x=slot30",
            SLOT,
        ),
    ] {
        assert_eq!(called(line, place), Some("lan"), "{line}");
    }
    for line in [
        "",
        "nic=52:54:00:12:34:57",
        "nic.=52:54:00:12:34:57",
        "nic.lan",
        "nic.lan=",
        "nic.lan=29",
        "nic.lan=slot",
        "nic.lan=slot30",
        "nic.lan=slot-29",
        "nic.lan=slot99999999999",
        "nic.lan=00:03.0",
        "nic.lan=52:54:00:12:34:5",
    ] {
        assert_eq!(called(line, SLOT), None, "{line}");
    }
    assert_eq!(called("nic.lan=slot29", on_pci(0, 29, 0)), None);
    assert_eq!(called("nic.lan=00:03.0", on_pci(0, 3, 1)), None);
}

#[test]
fn the_last_name_of_a_device_counts() {
    assert_eq!(
        called("nic.a=slot29 nic.b=52:54:00:12:34:57", SLOT),
        Some("b")
    );
}

#[test]
fn the_words_of_a_network_are_those_with_its_name() {
    let line = CommandLine::new(
        "ip=10.0.2.15/24 ip.lan=192.168.7.2/24 ip.lan2=dhcp metric.lan=10 ip.wan=10.0.2",
    );
    let ip = |text: &str| text.parse::<Ip>().unwrap();
    let first = CommandLine::new("ip.first=10.0.2.15/24");
    let otherwise = addresses("first", first, Addresses::default());
    assert_eq!(otherwise.ip, ip("10.0.2.15/24"));
    assert_eq!(addresses("lan", line, otherwise).ip, ip("192.168.7.2/24"));
    assert_eq!(addresses("lan2", line, otherwise).ip, Ip::Dhcp);
    assert_eq!(word::<u16>(line, "metric", "lan"), Some(10));
    // A word that cannot be parsed, or that there is not, changes nothing.
    assert_eq!(addresses("wan", line, otherwise), otherwise);
    assert_eq!(addresses("la", line, otherwise), otherwise);
    assert_eq!(
        word::<u16>(CommandLine::new("metric.lan=65536"), "metric", "lan"),
        None
    );
}

#[test]
fn a_device_without_a_name_is_called_by_its_address() {
    let line = CommandLine::new(
        "nic.lan=slot30 ip.52:54:00:12:34:57=10.0.0.2/24 metric.52:54:00:12:34:57=3",
    );
    let called = name(MAC, SLOT, line, &["wan"]);
    assert_eq!(called, "52:54:00:12:34:57");
    // The words with that name are those of its network.
    let ip = addresses(&called, line, Addresses::default()).ip;
    assert_eq!(ip, "10.0.0.2/24".parse().unwrap());
    assert_eq!(word::<u16>(line, "metric", &called), Some(3));
}

#[test]
fn a_name_is_that_of_one_device() {
    let line = CommandLine::new("nic.lan=slot30 nic.lan=slot29 ip.lan=10.0.0.2/24");
    let told = logged(|| assert_eq!(name(MAC, SLOT, line, &["wan"]), "lan"));
    assert!(told.is_empty(), "{told:?}");
    let told = logged(|| assert_eq!(name(MAC, SLOT, line, &["lan"]), "52:54:00:12:34:57"));
    assert_eq!(
        told,
        [
            "command line, nic.lan: two network devices are meant; virtio-mmio slot 29 is called \
             52:54:00:12:34:57"
        ]
    );
}

#[test]
fn words_for_networks_that_do_not_exist_are_told() {
    let known = ["lan", "52:54:00:12:34:57"];
    let told = |line| logged(|| report_unknown(CommandLine::new(line), &known));
    let right =
        "ip=dhcp ip6=auto ip.lan=dhcp ip6.52:54:00:12:34:57=auto metric.lan=3 metric=1 ip.a";
    assert!(told(right).is_empty(), "{:?}", told(right));
    for word in [
        "ip.lam=10.0.0.2/24",
        "ip6.52:54:00:12:34:5=auto",
        "metric.=3",
        "nic.wan=slot3",
    ] {
        let told = told(word);
        let beginning = std::format!("command line, {word}: ");
        assert!(
            told.len() == 1 && told[0].starts_with(&beginning),
            "{told:?}"
        );
    }
}

static DESCRIBED: [NamedDevice; 2] = [
    NamedDevice {
        name: "lan",
        identity: None,
        slot: Some(29),
        function: Some("00:03.0"),
    },
    NamedDevice {
        name: "wan",
        identity: Some("52:54:00:12:34:57"),
        slot: None,
        function: None,
    },
];

#[test]
fn a_device_is_named_by_the_board_file_unless_the_command_line_has_the_name() {
    let other = HardwareAddress([0x52, 0x54, 0, 0x12, 0x34, 0x58]);
    let named = |mac, place, line| described_name(mac, place, CommandLine::new(line), &DESCRIBED);
    for (mac, place, expected) in [
        (other, SLOT, Some("lan")),
        (other, on_pci(0, 3, 0), Some("lan")),
        (other, on_pci(0, 4, 0), None),
        (MAC, on_pci(0, 4, 0), Some("wan")),
        // Two names are meant: the first one counts.
        (MAC, SLOT, Some("lan")),
    ] {
        assert_eq!(
            named(mac, place, "nic.else=slot1"),
            expected,
            "{mac} {place}"
        );
    }
    // The name belongs to another device now.
    assert_eq!(named(other, SLOT, "nic.lan=slot30"), None);
    assert_eq!(named(MAC, SLOT, "nic.lan=slot30"), Some("wan"));
}
