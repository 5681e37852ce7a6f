//! Tests interrupts in board files.

use super::{Toy, fine, only, other_places};
use crate::diagnostic::Code;

#[test]
fn an_interrupt_claimed_twice_is_reported_with_both_locations() {
    let edit = [
        ("{ spi = 1 }", "{ spi = 5 }"),
        ("{ spi = 4 }", "«{ spi = 4 }»"),
    ];
    only(
        &edit,
        Code::InterruptTwice,
        "interrupt `spi = 5` is claimed twice",
    );
    assert_eq!(other_places(&edit), ["{ spi = 5 }"]);
}

#[test]
fn a_row_of_interrupts_ends_with_its_last() {
    fine(&[("{ spi = 1 }", "{ spi = 24 }")]);
    only(
        &[
            ("{ spi = 1 }", "{ spi = 23 }"),
            ("{ spi = 16 }", "«{ spi = 16 }»"),
        ],
        Code::InterruptTwice,
        "interrupt `spi = 23` is claimed twice",
    );
}

#[test]
fn the_same_number_of_two_spaces_is_two_interrupts() {
    fine(&[("{ spi = 1 }", "{ spi = 11 }")]);
}

#[test]
fn a_shared_interrupt_needs_a_waiver() {
    let board = fine(&[
        ("{ spi = 1 }", "{ spi = 5 }"),
        (
            "[undescribed]",
            "[waiver.shared-line]\nbetween = [\"pci.ecam.intx\", \"console.pl011.interrupt\"]\n\
             reason = \"one line on the board\"\n\n[undescribed]",
        ),
    ]);
    assert_eq!(board.waivers.len(), 1);
}

#[test]
fn an_interrupt_that_the_controller_lacks_is_reported() {
    only(
        &[("{ spi = 1 }", "«{ spi = 988 }»")],
        Code::InterruptOutOfRange,
        "there is no interrupt `spi = 988`",
    );
    only(
        &[("{ ppi = 11 }", "«{ ppi = 16 }»")],
        Code::InterruptOutOfRange,
        "there is no interrupt `ppi = 16`",
    );
    fine(&[("{ spi = 1 }", "{ spi = 987 }")]);
}

#[test]
fn the_controller_must_have_the_whole_row() {
    only(
        &[("{ spi = 16 }", "«{ spi = 981 }»")],
        Code::InterruptOutOfRange,
        "there is no interrupt `spi = 988`",
    );
    only(
        &[("{ spi = 16 }", "«{ spi = 4294967295 }»")],
        Code::InterruptOutOfRange,
        "there is no interrupt `spi = 4294967302`",
    );
}

#[test]
fn a_shared_device_has_no_private_interrupt() {
    only(
        &[("{ spi = 1 }", "«{ ppi = 1 }»")],
        Code::WrongSpace,
        "`console.pl011.interrupt` cannot be a `ppi` interrupt",
    );
}

#[test]
fn the_processors_timer_has_no_shared_interrupt() {
    only(
        &[("{ ppi = 11 }", "«{ spi = 11 }»")],
        Code::WrongSpace,
        "`timer.arm-generic.interrupt` cannot be a `spi` interrupt",
    );
}

#[test]
fn interrupts_are_numbered_as_the_controller_numbers_them() {
    let board = fine(&[]);
    let numbers: Vec<(&str, u32, u32)> = board
        .interrupts
        .iter()
        .map(|claim| (claim.key.as_str(), claim.what.number, claim.what.count))
        .collect();
    assert_eq!(
        numbers,
        [
            ("timer.arm-generic.interrupt", 27, 1),
            ("console.pl011.interrupt", 33, 1),
            ("pci.ecam.intx", 36, 4),
            ("virtio-mmio.interrupt", 48, 8),
        ]
    );
}

#[test]
fn a_gic_does_not_support_active_low_lines() {
    only(
        &[("{ spi = 1 }", "«{ spi = 1, trigger = \"level-low\" }»")],
        Code::BadInterrupt,
        "`interrupt-controller.gic-v3` does not support active-low lines",
    );
    fine(&[("{ spi = 1 }", "{ spi = 1, trigger = \"level\" }")]);
}

#[test]
fn the_value_of_an_unknown_key_is_not_offered_as_another_interrupt() {
    let spi = "interrupt = { spi = 1 }";
    let told = |wrong: &str| {
        let told = Toy::with(&[(spi, wrong)]).load().unwrap_err();
        told.to_string()
    };
    let text = told("interrupt = { spi = 1, count = 4 }");
    assert!(!text.contains("write {"), "{text}");
    // Without a known space, the number is that of the interrupt.
    let text = told("interrupt = { source = 4 }");
    assert!(text.contains("write { spi = 4 }"), "{text}");
}
