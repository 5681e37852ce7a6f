//! Tests of enumeration and address assignment with a correct and a faulty bus.

use alloc::vec;
use alloc::vec::Vec;

use super::fake::{FakeFunction, FakeSpace, all};
use super::*;
use crate::address::{PhysicalAddress, Range};
use crate::board::{BarAssignment, PciHostBridge, Pins};
use crate::interrupt::Interrupt;

mod capabilities;

const ID: (u16, u16) = (0x1af4, 0x1041);

fn range(base: u64, size: u64) -> Range {
    Range {
        base: PhysicalAddress(base),
        size,
    }
}

fn host() -> PciHostBridge {
    PciHostBridge {
        bars: BarAssignment::Kernel,
        memory32: Some(range(0x1000_0000, 0x1000_0000)),
        memory64: Some(range(0x80_0000_0000, 0x1_0000_0000)),
        pins: const { &[Pins::rotated_from(Interrupt::level(35))] },
        message_interrupts: true,
    }
}

fn walk(functions: Vec<FakeFunction>, host: &PciHostBridge) -> (FakeSpace, Vec<Function>) {
    let mut space = FakeSpace::new(functions);
    let (found, problem) = enumerate(&mut space, host);
    assert_eq!(problem, None);
    (space, found)
}

fn ranges(function: &Function) -> Vec<(u8, Range)> {
    (0..6)
        .filter_map(|index| Some((index, function.bar_range(index)?)))
        .collect()
}

#[test]
fn an_empty_bus_has_no_functions() {
    assert!(walk(vec![], &host()).1.is_empty());
}

#[test]
fn an_unwanted_function_takes_no_space_and_stays_disabled() {
    let other = FakeFunction::new(1, (0x1234, 1), 1).bar32(0, 0x1000);
    let mut space = FakeSpace::new(vec![other, FakeFunction::new(2, ID, 1).bar32(0, 0x1000)]);
    let at = Address::new(0, 1, 0);
    set_command(&mut space, at, command::MEMORY, 0);
    let (found, problem) = enumerate_of(&mut space, &host(), |vendor| vendor == ID.0);
    assert_eq!((found.len(), problem), (1, None));
    assert_eq!(ranges(&found[0]), [(0, range(0x1000_0000, 0x1000))]);
    assert_eq!(space.header(at, register::COMMAND) & command::MEMORY, 0);
    assert_eq!(space.header(at, 0x10), 0);
}

#[test]
fn only_a_function_in_use_may_assert_its_line() {
    for bars in [BarAssignment::Kernel, BarAssignment::Firmware] {
        let host = PciHostBridge { bars, ..host() };
        let other = FakeFunction::new(1, (0x4321, 1), 1);
        let mut space = FakeSpace::new(vec![other, FakeFunction::new(2, ID, 1)]);
        let (found, _) = enumerate_of(&mut space, &host, |vendor| vendor == ID.0);
        let disabled = |space: &FakeSpace, device| {
            let at = Address::new(0, device, 0);
            space.header(at, register::COMMAND) & command::INTX_DISABLE != 0
        };
        assert!(disabled(&space, 1) && disabled(&space, 2));
        found[0].enable(&mut space);
        assert!(disabled(&space, 1) && !disabled(&space, 2));
    }
}

#[test]
fn a_wanted_function_is_found_behind_an_unwanted_bridge() {
    let wanted = (0x4321, 1);
    let behind = FakeFunction::new(0, wanted, 1).bar32(0, 0x1000);
    let mut space = FakeSpace::new(vec![FakeFunction::bridge(1, vec![behind])]);
    let (found, _) = enumerate_of(&mut space, &host(), |vendor| vendor == wanted.0);
    let vendors: Vec<_> = found.iter().map(|function| function.vendor).collect();
    assert_eq!(vendors.last(), Some(&wanted.0));
    assert!(found.last().and_then(|one| one.bar_range(0)).is_some());
}

#[test]
fn bars_are_placed_by_their_width_and_size() {
    let function = FakeFunction::new(1, ID, 1)
        .io_bar(0)
        .bar32(1, 0x1000)
        .bar64(4, 0x4000);
    let second = FakeFunction::new(2, ID, 1)
        .bar32(0, 0x1_0000)
        .bar64(2, 0x1000);
    let (space, found) = walk(vec![function, second], &host());
    assert_eq!(
        ranges(&found[0]),
        [
            (1, range(0x1000_0000, 0x1000)),
            (4, range(0x80_0000_0000, 0x4000))
        ]
    );
    assert_eq!(
        ranges(&found[1]),
        [
            (0, range(0x1001_0000, 0x1_0000)),
            (2, range(0x80_0000_4000, 0x1000))
        ]
    );
    let first = Address::new(0, 1, 0);
    assert_eq!(space.header(first, 0x14), 0x1000_0000);
    assert_eq!([0x20, 0x24].map(|at| space.header(first, at)), [0xc, 0x80]);
}

#[test]
fn a_64_bit_bar_is_placed_low_if_there_is_no_high_window() {
    let low = PciHostBridge {
        memory64: None,
        ..host()
    };
    let (_space, found) = walk(vec![FakeFunction::new(1, ID, 1).bar64(0, 0x4000)], &low);
    assert_eq!(ranges(&found[0]), [(0, range(0x1000_0000, 0x4000))]);
}

#[test]
fn a_bar_larger_than_4_gib_is_sized_in_full() {
    let (_space, found) = walk(vec![FakeFunction::new(1, ID, 1).bar64(0, 1 << 33)], &host());
    let bar = found[0].bars[0].expect("a BAR");
    assert_eq!(
        (bar.size, bar.range),
        (1 << 33, Err(BarError::WindowFull { size: 1 << 33 }))
    );
}

#[test]
fn a_full_window_is_an_error_of_that_bar_alone() {
    let small = PciHostBridge {
        memory32: Some(range(0x1000_0000, 0x2000)),
        memory64: None,
        ..host()
    };
    let function = FakeFunction::new(1, ID, 1)
        .bar32(0, 0x1000)
        .bar32(1, 0x4000)
        .bar32(2, 0x1000);
    let (_space, found) = walk(vec![function], &small);
    assert_eq!(
        found[0].bars[1].expect("a BAR").range,
        Err(BarError::WindowFull { size: 0x4000 })
    );
    let placed = [
        (0, range(0x1000_0000, 0x1000)),
        (2, range(0x1000_1000, 0x1000)),
    ];
    assert_eq!(ranges(&found[0]), placed);
}

#[test]
fn decoding_is_disabled_while_bars_are_sized() {
    let mut function = FakeFunction::new(1, ID, 1)
        .bar32(0, 0x1000)
        .bar64(2, 0x1000);
    function.header[1] |= command::MEMORY | command::IO;
    let (space, _found) = walk(vec![function], &host());
    let bus = space.0.borrow();
    assert!(
        all(&bus.functions)
            .iter()
            .all(|function| !function.moved_while_decoding)
    );
}

#[test]
fn an_invalid_bar_is_left_out() {
    let mut odd = FakeFunction::new(1, ID, 1)
        .bar32(0, 0x1000)
        .bar32(1, 0x1000)
        .bar64(5, 0x1000);
    // A mask with a gap.
    odd.writable[4] = 0xffff_f0f0;
    // A 64-bit BAR in the last register, without space for its upper half.
    odd.writable[9] = 0xffff_f000;
    let (_space, found) = walk(vec![odd], &host());
    let indices: Vec<_> = ranges(&found[0])
        .into_iter()
        .map(|(index, _)| index)
        .collect();
    assert_eq!(indices, [1]);
}

#[test]
fn a_bar_that_does_not_accept_its_address_is_rejected() {
    let mut odd = FakeFunction::new(1, ID, 1).bar32(0, 0x1000);
    odd.header[4] = 0x10;
    let (_space, found) = walk(vec![odd], &host());
    assert!(found[0].bar_range(0).is_none());
}

#[test]
fn an_address_from_firmware_is_kept_if_it_is_in_a_window() {
    let firmware = PciHostBridge {
        bars: BarAssignment::Firmware,
        ..host()
    };
    let mut function = FakeFunction::new(1, ID, 1)
        .bar32(0, 0x1000)
        .bar32(1, 0x1000);
    function.header[1] |= command::MEMORY;
    function.header[4] = 0x1234_5000;
    function.header[5] = 0x4000_0000;
    let (space, found) = walk(vec![function], &firmware);
    assert_eq!(ranges(&found[0]), [(0, range(0x1234_5000, 0x1000))]);
    let outside = BarError::OutsideWindows {
        base: PhysicalAddress(0x4000_0000),
        size: 0x1000,
    };
    assert_eq!(found[0].bars[1].expect("a BAR").range, Err(outside));
    assert_eq!(
        space.header(Address::new(0, 1, 0), 4) & 0xffff,
        command::MEMORY | command::INTX_DISABLE
    );
}

#[test]
fn some_slots_may_have_other_wiring() {
    const LINES: [Interrupt; 4] = [
        Interrupt::level(16),
        Interrupt::level(17),
        Interrupt::level(18),
        Interrupt::level(19),
    ];
    let host = PciHostBridge {
        pins: const {
            &[
                Pins::straight(25, 31, LINES),
                Pins::rotated_from(Interrupt::level(20)),
            ]
        },
        ..host()
    };
    let slots = [(24, 1), (25, 1), (31, 3)];
    let functions = slots.map(|(slot, pin)| FakeFunction::new(slot, ID, pin));
    let (_, found) = walk(functions.into(), &host);
    let lines: Vec<_> = found
        .iter()
        .map(|f| f.line.map(|line| line.number))
        .collect();
    assert_eq!(lines, [20, 16, 18].map(Some));
}

#[test]
fn a_pin_has_its_line() {
    let functions = (0..5)
        .map(|device| FakeFunction::new(device, ID, 1))
        .collect();
    let (_space, found) = walk(functions, &host());
    let lines: Vec<_> = found
        .iter()
        .map(|f| f.line.map(|line| line.number))
        .collect();
    assert_eq!(lines, [35, 36, 37, 38, 35].map(Some));
    let (_space, found) = walk(
        vec![FakeFunction::new(1, ID, 4), FakeFunction::new(2, ID, 0)],
        &host(),
    );
    assert_eq!(
        [
            found[0].line.map(|line| line.number),
            found[1].line.map(|line| line.number)
        ],
        [Some(35), None]
    );
}

#[test]
fn pins_are_swizzled_through_bridges() {
    let inner = FakeFunction::bridge(2, vec![FakeFunction::new(3, ID, 1)]);
    let (_space, found) = walk(vec![FakeFunction::bridge(5, vec![inner])], &host());
    // Pin A of device 3 is pin D of the bridge in device 2, which is pin B of the bridge in device
    // 5: (5 + 1) % 4.
    assert_eq!(found[2].line.map(|line| line.number), Some(35 + 2));
}

#[test]
fn buses_behind_bridges_are_numbered_and_found() {
    let functions = vec![
        FakeFunction::bridge(
            1,
            vec![FakeFunction::bridge(0, vec![FakeFunction::new(0, ID, 1)])],
        ),
        FakeFunction::bridge(2, vec![FakeFunction::new(0, ID, 1)]),
    ];
    let (space, found) = walk(functions, &host());
    let places: Vec<_> = found.iter().map(|function| function.address).collect();
    let expected = [(0, 1), (1, 0), (2, 0), (0, 2), (3, 0)];
    assert_eq!(
        places,
        expected.map(|(bus, device)| Address::new(bus, device, 0))
    );
    assert_eq!(
        space.header(Address::new(0, 1, 0), register::BUS_NUMBERS),
        0x0002_0100
    );
    assert_eq!(
        space.header(Address::new(0, 2, 0), register::BUS_NUMBERS),
        0x0003_0300
    );
}

#[test]
fn a_bridges_windows_cover_exactly_the_functions_behind_it() {
    let device = |number| {
        FakeFunction::new(number, ID, 1)
            .bar32(1, 0x1000)
            .bar64(4, 0x4000)
    };
    let functions = vec![
        device(1),
        FakeFunction::bridge(2, vec![device(0)]),
        FakeFunction::bridge(3, vec![]),
        device(4),
    ];
    let (space, found) = walk(functions, &host());
    let behind = [
        (1, range(0x1010_0000, 0x1000)),
        (4, range(0x80_0010_0000, 0x4000)),
    ];
    assert_eq!(ranges(&found[2]), behind);
    let bridge = Address::new(0, 2, 0);
    assert_eq!(space.header(bridge, register::MEMORY_WINDOW), 0x1010_1010);
    assert_eq!(
        space.header(bridge, register::PREFETCHABLE_WINDOW),
        0x0011_0011
    );
    assert_eq!(
        space.header(bridge, register::PREFETCHABLE_BASE_UPPER),
        0x80
    );
    assert_eq!(
        space.header(bridge, register::PREFETCHABLE_LIMIT_UPPER),
        0x80
    );
    let forwards = command::MEMORY | command::BUS_MASTER | command::INTX_DISABLE;
    assert_eq!(space.header(bridge, register::COMMAND) & 0xffff, forwards);
    let empty = Address::new(0, 3, 0);
    assert_eq!(
        space.header(empty, register::MEMORY_WINDOW) & 0xfff0_fff0,
        0xfff0
    );
    let after = [
        (1, range(0x1020_0000, 0x1000)),
        (4, range(0x80_0020_0000, 0x4000)),
    ];
    assert_eq!(ranges(&found[4]), after);
}

#[test]
fn bridges_beyond_the_last_bus_are_named() {
    let chain = (0..20).fold(vec![], |behind, _| vec![FakeFunction::bridge(0, behind)]);
    let mut space = FakeSpace::new(chain);
    let (found, problem) = enumerate(&mut space, &host());
    assert_eq!(found.len(), 9);
    assert_eq!(
        problem,
        Some(EnumerateError::TooDeep {
            bridge: Address::new(8, 0, 0)
        })
    );
    let wide = (0..20)
        .map(|device| FakeFunction::bridge(device, vec![]))
        .collect();
    let mut space = FakeSpace::new(wide);
    let (found, problem) = enumerate(&mut space, &host());
    assert_eq!(found.len(), 20);
    assert_eq!(
        problem,
        Some(EnumerateError::TooManyBuses {
            bridge: Address::new(0, 15, 0)
        })
    );
}

#[test]
fn a_cyclic_bridge_is_not_followed() {
    let firmware = PciHostBridge {
        bars: BarAssignment::Firmware,
        ..host()
    };
    let mut first = FakeFunction::bridge(1, vec![]);
    first.header[6] = 0x0001_0100;
    let mut second = FakeFunction::bridge(2, vec![]);
    second.header[6] = 0x0001_0100;
    let mut space = FakeSpace::new(vec![first, second]);
    let (found, problem) = enumerate(&mut space, &firmware);
    assert_eq!(found.len(), 2);
    let bridge = Address::new(0, 2, 0);
    assert_eq!(
        problem,
        Some(EnumerateError::BusNumber {
            bridge,
            secondary: 1
        })
    );
}

#[test]
fn an_address_has_the_usual_notation() {
    let address = Address::new(0x1f, 0x3f, 0xf);
    assert_eq!(alloc::format!("{address}"), "1f:1f.7");
    assert_eq!(address.requester(), 0x1fff);
}

/// Registers that record the last offset accessed.
struct Probe(core::cell::Cell<usize>);

impl Registers for &Probe {
    fn read8(&self, _offset: usize) -> u8 {
        0
    }
    fn read16(&self, _offset: usize) -> u16 {
        0
    }
    fn read32(&self, offset: usize) -> u32 {
        self.0.set(offset);
        7
    }
    fn read64(&self, _offset: usize) -> u64 {
        0
    }
    fn write8(&self, _offset: usize, _value: u8) {}
    fn write16(&self, _offset: usize, _value: u16) {}
    fn write32(&self, offset: usize, _value: u32) {
        self.0.set(offset);
    }
    fn write64(&self, _offset: usize, _value: u64) {}
}

#[test]
fn configuration_space_has_4_kib_a_function_and_an_end() {
    let probe = Probe(core::cell::Cell::new(0));
    let ecam = Ecam::new(&probe, 16 << 20);
    assert_eq!(ecam.buses(), 16);
    assert_eq!(ecam.read(Address::new(3, 2, 1), 0x40), 7);
    assert_eq!(probe.0.get(), 3 << 20 | 2 << 15 | 1 << 12 | 0x40);
    assert_eq!(ecam.read(Address::new(16, 0, 0), 0), u32::MAX);
    assert_eq!(ecam.read(Address::new(0, 0, 0), 256), u32::MAX);
}

#[test]
fn bridges_to_conventional_pci_put_their_requester_id_in_place() {
    let port = |kind: u32, behind| {
        FakeFunction::bridge(1, vec![behind])
            .first(0x40)
            .capability(0x40, 0x10, 0, &[kind << 20])
    };
    let behind = || FakeFunction::new(3, ID, 1);
    let conventional = FakeFunction::bridge(2, vec![behind()]);
    for (top, expected) in [
        (behind(), 3 << 3),
        // A root port does not change it.
        (port(4, behind()), 1 << 8 | 3 << 3),
        // A bridge from PCI Express to PCI is device 0 of the bus behind it.
        (port(7, behind()), 1 << 8),
        (FakeFunction::bridge(1, vec![behind()]), 1 << 3),
        (port(7, conventional), 1 << 8),
    ] {
        let (_space, found) = walk(vec![top], &host());
        let last = found.iter().find(|one| one.vendor == ID.0);
        assert_eq!(last.map(|one| one.requester), Some(expected));
    }
}
