//! Tests reports on devices of the machine that the description lacks.

use super::*;

#[test]
fn an_undescribed_device_is_reported_with_the_line_to_write() {
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
fn an_undescribed_line_without_a_device_is_reported() {
    let entries = "\"0x6000_0000\" = \"a clock\"\n\"0x6100_0000\" = \"nothing\"";
    let told = only("\"0x6000_0000\" = \"a clock\"", entries, &machine());
    let title = "the machine has nothing at 0x6100_0000";
    assert_told(told, Code::HidesNothing, title, "\"0x6100_0000\"");
}

#[test]
fn an_inherited_undescribed_line_without_a_device_must_be_removed() {
    let child =
        "schema = 1\nextends = \"toy\"\n[board]\nname = \"child\"\n[qemu]\nmachine = \"x\"\n";
    let sources = InMemory::new().with("toy", TOY).with("child", child);
    let mut facts = machine();
    let is_clock = |base| base == 0x6000_0000;
    facts
        .tree
        .memory
        .retain(|region| !is_clock(region.range.base));
    let told = verify(&sources, "child", &facts).expect_err("an error is reported");
    let help = told.iter().flat_map(|one| &one.helps).next();
    let expected = "write above the first table of boards/child.toml: \
                    without = [\"undescribed.0x6000_0000\"]";
    assert_eq!(help.map(String::as_str), Some(expected));
    // If the parent describes the same machine, the error is the parent's.
    let sources = sources.with("child", child.replace("[qemu]\nmachine = \"x\"\n", ""));
    let told = verify(&sources, "child", &facts).expect_err("an error is reported");
    let one = told.iter().next().expect("at least one error");
    assert_eq!(told.position(one.primary.at).0, "boards/toy.toml");
    assert_eq!(one.helps, ["remove it"]);
}

#[test]
fn an_undescribed_line_inside_a_device_is_reported() {
    let told = only("\"0x6000_0000\"", "\"0x6000_0800\"", &machine());
    let title = "no device starts at 0x6000_0800";
    assert_told(told, Code::HidesNothing, title, "\"0x6000_0800\"");
}

#[test]
fn firmware_may_start_before_its_undescribed_line() {
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
