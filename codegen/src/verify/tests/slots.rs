//! Tests PCI slots that have their own wiring.

use super::*;

/// The board with its own wiring of slots 28 to 31, and a machine that matches it.
fn with_slots(first: u32, lines: [u32; 4]) -> (String, Facts) {
    let lines = lines.map(|line| format!("{{ spi = {line} }}")).join(", ");
    let row = format!("intx-slots.end = {{ first = {first}, last = 31, lines = [{lines}] }}");
    let text = TOY.replace("msi = \"its\"", &format!("msi = \"its\"\n{row}"));
    let mut facts = machine();
    facts.slot_lines = (28..32).map(|slot| (slot, [60, 61, 62, 63])).collect();
    (text, facts)
}

#[test]
fn slots_with_the_described_wiring_match() {
    let (text, facts) = with_slots(28, [28, 29, 30, 31]);
    if let Err(told) = verify_toy(&text, &facts) {
        panic!("{told}");
    }
}

#[test]
fn a_wrong_line_of_a_slot_is_reported_at_the_line() {
    let (text, facts) = with_slots(28, [28, 29, 40, 31]);
    let told = verify_toy(&text, &facts).unwrap_err();
    let all: Vec<_> = told
        .iter()
        .map(|one| (one.code, &text[one.primary.at.start..one.primary.at.end]))
        .collect();
    assert_eq!(all, [(Code::MachineInterrupt, "{ spi = 40 }")], "\n{told}");
}

#[test]
fn an_incomplete_range_of_slots_is_reported() {
    let (text, facts) = with_slots(29, [28, 29, 30, 31]);
    let told = verify_toy(&text, &facts).unwrap_err();
    let all: Vec<_> = told
        .iter()
        .map(|one| (one.code, &text[one.primary.at.start..one.primary.at.end]))
        .collect();
    assert_eq!(all, [(Code::MachineProperty, "29")], "\n{told}");
}
