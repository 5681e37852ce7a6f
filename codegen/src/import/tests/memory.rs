//! Tests the import of machines whose RAM is described in several ranges.

use super::*;

#[test]
fn the_memory_of_nodes_that_follow_one_another_is_one_range() {
    let mut facts = known();
    let half = 0x200_0000;
    facts.ram = [0x8200_0000, 0x8000_0000]
        .map(|base| Range { base, size: half })
        .to_vec();
    let draft = import(&origin(), &facts);
    let (one, nodes) = (import(&origin(), &known()).text, draft.text.as_str());
    assert_eq!(nodes, one);
    if let Err(told) = verify(&sources(&draft), "new", &facts) {
        panic!("{told}");
    }
}

#[test]
fn the_memory_of_nodes_with_a_gap_in_between_is_two_ranges() {
    let mut facts = known();
    facts.ram = [0x8000_0000, 0x9000_0000]
        .map(|base| Range {
            base,
            size: 0x200_0000,
        })
        .to_vec();
    let text = import(&origin(), &facts).text;
    assert!(text.contains("ram.main = { base = 0x8000_0000,"), "{text}");
    assert!(text.contains("ram.more1 = { base = 0x9000_0000,"), "{text}");
}
