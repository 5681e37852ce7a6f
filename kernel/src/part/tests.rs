use alloc::string::ToString;

use vmos_drivers::address::{PhysicalAddress, Range};
use vmos_drivers::interrupt::Interrupt;

use super::*;

const PARTS: &[board::Part] = &[board::Part {
    key: "part.buttons",
    name: "buttons",
    kind: "pl061",
    registers: &[(
        "gpio",
        Range {
            base: PhysicalAddress(0x1000),
            size: 0x20,
        },
    )],
    interrupts: &[("gpio", Interrupt::level(2001))],
    values: &[("lines", 8)],
}];

fn claimed() -> Part {
    States::<1>::new()
        .claim(PARTS, "pl061", "buttons")
        .expect("it is free")
}

#[test]
fn a_part_is_claimed_once() {
    let states = States::<1>::new();
    assert!(states.claim(PARTS, "pl061", "buttons").is_ok());
    let again = states
        .claim(PARTS, "pl061", "buttons")
        .map(|part| part.key());
    assert_eq!(
        again,
        Err(Unavailable::Claimed {
            key: "part.buttons"
        })
    );
}

#[test]
fn a_part_of_another_kind_or_name_is_not_claimed() {
    let states = States::<1>::new();
    let said = |kind, name| {
        let part = states.claim(PARTS, kind, name).map(|part| part.key());
        part.map_err(|error| error.to_string())
    };
    assert!(said("pl011", "buttons").is_err_and(|said| said.contains("is a `pl061`")));
    assert!(said("pl061", "lamp").is_err_and(|said| said.contains("[part.lamp]")));
    assert_eq!(said("pl061", "buttons"), Ok("part.buttons"));
}

#[test]
fn a_part_that_the_machine_lacks_is_not_claimed() {
    let states = States::<1>::new();
    assert!(!states.leave_out(PARTS, "part.lamp"));
    assert!(states.leave_out(PARTS, "part.buttons"));
    assert!(!states.leave_out(PARTS, "part.buttons"));
    let said = states
        .claim(PARTS, "pl061", "buttons")
        .map(|part| part.key());
    assert_eq!(
        said,
        Err(Unavailable::LeftOut {
            key: "part.buttons"
        })
    );
}

#[test]
fn registers_and_interrupts_are_taken_once() {
    let mut part = claimed();
    assert_eq!(part.registers("gpio").map(|one| one.size()), Ok(0x20));
    assert!(part.interrupt("gpio").is_ok());
    let taken = |entry| Unavailable::Taken {
        key: "part.buttons",
        entry,
        name: "gpio",
    };
    let again = part.registers("gpio").map(|one| one.size());
    assert_eq!(again, Err(taken(Entry::Registers)));
    let again = part.interrupt("gpio").err();
    assert_eq!(again, Some(taken(Entry::Interrupt)));
}

#[test]
fn what_a_part_lacks_is_named_with_its_definition() {
    let mut part = claimed();
    assert_eq!(part.value("lines"), Ok(8));
    let said = [
        part.value("pins").err(),
        part.interrupt("alarm").err(),
        part.registers("clock").err(),
    ];
    for (said, key) in said
        .into_iter()
        .zip(["values.pins", "interrupts.alarm", "registers.clock"])
    {
        let said = said.map(|error| error.to_string()).unwrap_or_default();
        assert!(
            said.contains(key) && said.contains("parts/pl061.toml"),
            "{said}"
        );
    }
}

#[test]
#[should_panic(expected = "no 4-byte register at offset 0x20 of 0x20 bytes")]
fn an_access_beyond_the_registers_panics() {
    if let Ok(registers) = claimed().registers("gpio") {
        registers.read32(0x20);
    }
}
