//! Tests of capability lists, message tables and the notation of addresses.

use alloc::vec::Vec;

use super::super::capability::{Capabilities, MSI_X, VENDOR};
use super::super::msix::TableLocation;
use super::*;

fn ids(function: FakeFunction) -> Vec<u8> {
    let space = FakeSpace::new(vec![function]);
    Capabilities::new(&space, Address::new(0, 1, 0))
        .map(|capability| capability.id)
        .collect()
}

#[test]
fn capabilities_come_in_the_order_of_the_list() {
    let function = FakeFunction::new(1, ID, 1)
        .first(0x80)
        .capability(0x80, VENDOR, 0x40, &[0x0110_0000])
        .capability(0x40, MSI_X, 0, &[0]);
    assert_eq!(ids(function), [VENDOR, MSI_X]);
}

#[test]
fn a_function_without_a_list_has_no_capabilities() {
    let mut function = FakeFunction::new(1, ID, 1)
        .first(0x40)
        .capability(0x40, VENDOR, 0, &[0]);
    function.header[1] &= !(1 << 20);
    assert!(ids(function).is_empty());
}

#[test]
fn a_cyclic_list_ends() {
    let function = FakeFunction::new(1, ID, 1)
        .first(0x40)
        .capability(0x40, VENDOR, 0x50, &[0])
        .capability(0x50, VENDOR, 0x40, &[0]);
    assert_eq!(ids(function).len(), 48);
}

#[test]
fn a_list_that_leaves_the_capability_area_ends_there() {
    for next in [0x00, 0x3c, 0x42, 0xff, 0xfe] {
        let function = FakeFunction::new(1, ID, 1)
            .first(0x40)
            .capability(0x40, VENDOR, next, &[0]);
        assert_eq!(ids(function), [VENDOR], "next {next:#x}");
    }
    for first in [0x00, 0x3c, 0x41, 0xfe] {
        assert!(ids(FakeFunction::new(1, ID, 1).first(first)).is_empty());
    }
}

fn table(control: u32, place: u32) -> Option<TableLocation> {
    let function = FakeFunction::new(1, ID, 1)
        .bar32(1, 0x1000)
        .first(0x40)
        .capability(0x40, MSI_X, 0, &[control << 16, place, 0]);
    let (space, found) = walk(vec![function], &host());
    TableLocation::find(&space, &found[0])
}

#[test]
fn a_message_table_is_found_in_its_bar() {
    let table = table(3, 0x100 | 1).expect("a table");
    assert_eq!(
        (table.vectors(), table.range()),
        (4, range(0x1000_0100, 64))
    );
}

#[test]
fn a_message_table_outside_its_bar_is_rejected() {
    for (control, place) in [
        (3, 0x1000 | 1),
        (0xff, 0x8 | 1),
        (0x7ff, 1),
        (0, 0xffff_fff8 | 1),
        (0, 0),
        (0, 7),
    ] {
        assert_eq!(
            table(control, place),
            None,
            "control {control:#x}, place {place:#x}"
        );
    }
}
