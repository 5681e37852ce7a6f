//! What is on the machine and not in the description, and what is said of that.

use super::*;

#[test]
fn what_nobody_speaks_of_is_told_with_what_to_write() {
    let told = only_of_machine(|facts| {
        let new = device("some,gpio", &[(0x7000_0000, 0x1000)], &[]);
        facts.tree.memory.push(Region {
            range: range(0x7000_0000, 0x800),
            kind: RegionKind::Device,
            name: "a name".to_owned(),
        });
        facts.devices.push(new);
    });
    let title = "the machine has some,gpio at 0x7000_0000, which the board file does not mention";
    assert_told(told, Code::NotDescribed, title, "[undescribed]");
}

#[test]
fn a_line_that_hides_nothing_is_told() {
    let entries = "\"0x6000_0000\" = \"a clock\"\n\"0x6100_0000\" = \"nothing\"";
    let told = only("\"0x6000_0000\" = \"a clock\"", entries, &machine());
    let title = "the machine has nothing at 0x6100_0000";
    assert_told(told, Code::HidesNothing, title, "\"0x6100_0000\"");
}

#[test]
fn an_inherited_line_that_hides_nothing_is_to_be_done_without() {
    let child =
        "schema = 1\nextends = \"toy\"\n[board]\nname = \"child\"\n[qemu]\nmachine = \"x\"\n";
    let sources = InMemory::new().with("toy", TOY).with("child", child);
    let mut facts = machine();
    let is_clock = |base| base == 0x6000_0000;
    facts
        .tree
        .memory
        .retain(|region| !is_clock(region.range.base));
    let told = verify(&sources, "child", &facts).expect_err("nothing was told");
    let help = told.iter().flat_map(|one| &one.helps).next();
    let expected = "write above the first table of boards/child.toml: \
                    without = [\"undescribed.0x6000_0000\"]";
    assert_eq!(help.map(String::as_str), Some(expected));
    // Where the machine is the parent's too, it is the parent's mistake.
    let sources = sources.with("child", child.replace("[qemu]\nmachine = \"x\"\n", ""));
    let told = verify(&sources, "child", &facts).expect_err("nothing was told");
    let one = told.iter().next().expect("something was told");
    assert_eq!(told.position(one.primary.at).0, "boards/toy.toml");
    assert_eq!(one.helps, ["remove it"]);
}

#[test]
fn a_line_into_the_middle_of_something_is_told() {
    let told = only("\"0x6000_0000\"", "\"0x6000_0800\"", &machine());
    let title = "no device starts at 0x6000_0800";
    assert_told(told, Code::HidesNothing, title, "\"0x6000_0800\"");
}

#[test]
fn firmware_may_begin_before_the_line_that_leaves_it_out() {
    let mut facts = machine();
    facts.tree.memory.push(Region {
        range: range(0x7000_0000, 0x2_0000),
        kind: RegionKind::Rom,
        name: "bios".to_owned(),
    });
    let entries = "\"0x6000_0000\" = \"a clock\"\n\"0x7001_0000\" = \"firmware\"";
    let text = TOY.replace("\"0x6000_0000\" = \"a clock\"", entries);
    if let Err(told) = verify_toy(&text, &facts) {
        panic!("{told}");
    }
}
