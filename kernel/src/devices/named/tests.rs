//! Tests of the names of networks on the command line.

use vmos_drivers::pci;

use super::*;
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
    name(MAC, place, CommandLine::new(line))
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
    let otherwise = Addresses {
        ip: ip("10.0.2.15/24"),
    };
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
