//! Changes of the toy, one at a time.

use super::*;
use crate::verify::mutate::{Fate, mutate};

#[test]
fn every_change_of_a_fact_is_told_at_its_line() {
    let sources = InMemory::new().with("toy", TOY);
    let mutants = mutate(&sources, "toy", &machine()).unwrap();
    assert!(mutants.list.len() > 60, "{}", mutants.list.len());
    let missed: Vec<String> = mutants
        .missed()
        // Nothing uses the memory that is reserved in the toy.
        .filter(|mutant| !mutant.path.starts_with("memory.reserved"))
        .map(|mutant| mutant.describe())
        .collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn what_is_the_authors_to_choose_is_not_changed() {
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
fn a_change_proves_nothing_where_the_board_is_wrong_already() {
    let text = TOY.replace("{ spi = 1 }", "{ spi = 2 }");
    let sources = InMemory::new().with("toy", text);
    assert!(mutate(&sources, "toy", &machine()).is_err());
}

#[test]
fn a_machine_that_tells_nothing_lets_changes_survive() {
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
