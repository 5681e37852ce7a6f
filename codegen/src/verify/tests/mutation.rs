//! Tests the single changes of a board.

use super::*;
use crate::verify::mutate::{Fate, mutate};

#[test]
fn every_changed_fact_is_reported_at_its_line() {
    let sources = InMemory::new().with("toy", TOY);
    let mutants = mutate(&sources, "toy", &machine()).unwrap();
    assert!(mutants.list.len() > 60, "{}", mutants.list.len());
    let missed: Vec<String> = mutants
        .missed()
        // No check uses the reserved memory of the board.
        .filter(|mutant| !mutant.path.starts_with("memory.reserved"))
        .map(|mutant| mutant.describe())
        .collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn free_choices_of_the_author_are_not_changed() {
    let sources = InMemory::new().with("toy", TOY);
    let mutants = mutate(&sources, "toy", &machine()).unwrap();
    assert_eq!(
        mutants.choices,
        [
            "qemu.memory",
            "boot.linux-image.load-address",
            "memory.stack"
        ]
    );
}

#[test]
fn a_board_with_errors_is_not_mutated() {
    let text = TOY.replace("{ spi = 1 }", "{ spi = 2 }");
    let sources = InMemory::new().with("toy", text);
    assert!(mutate(&sources, "toy", &machine()).is_err());
}

#[test]
fn changes_are_not_reported_by_a_machine_without_facts() {
    let mut facts = machine();
    let console = of_kind(&mut facts, "arm,pl011");
    console.interrupts.clear();
    let sources = InMemory::new().with("toy", TOY);
    let mutants = mutate(&sources, "toy", &facts).unwrap();
    let survived = |path: &str| {
        let mut all = mutants.list.iter();
        all.any(|mutant| mutant.path == path && mutant.fate == Fate::Survived)
    };
    assert!(survived("console.pl011.interrupt.spi"));
    assert!(!survived("console.pl011.base"));
}
