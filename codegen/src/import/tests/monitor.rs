//! Tests the import of machines of which QEMU's monitor tells, instead of a device tree.

use super::*;
use crate::machine::memory_tree::{Region, RegionKind};

#[test]
fn devices_at_one_address_are_listed_once() {
    let mut facts = known();
    for kind in ["some,container", "some,clock"] {
        facts.tree.memory.push(Region {
            range: Range {
                base: 0x7000_0000,
                size: 0x100,
            },
            kind: RegionKind::Device,
            name: kind.to_owned(),
        });
    }
    let draft = import(&origin(), &facts);
    let line = "\"0x7000_0000\" = \"some,container, some,clock: not used\"";
    assert!(draft.text.contains(line), "{}", draft.text);
    if let Err(told) = verify(&sources(&draft), "new", &facts) {
        panic!("{told}");
    }
}
