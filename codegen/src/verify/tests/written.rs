//! Tests that help texts suggest a value in the notation of its key: in its unit and base.

use super::pc::{PC, machine as pc};
use super::*;

/// Returns the help lines of the first error whose title has `words`, for a board and a machine.
fn ways_out(text: &str, facts: &Facts, words: &str) -> Vec<String> {
    let told = verify_toy(text, facts).expect_err("no error reported");
    let one = told.iter().find(|one| one.title.contains(words));
    let one = one.unwrap_or_else(|| panic!("nothing about {words}:\n{told}"));
    one.helps.clone()
}

#[test]
fn a_stride_is_a_size_though_the_tree_counts_in_bits() {
    let text = TOY.replace(
        "[console.pl011]\nbase = 0x2000_0000",
        "[console.ns16550]\nbase = 0x2000_0000\nstride = 4\nwidth = 4",
    );
    let text = text.replace(
        "stride = 4\nwidth = 4",
        "stride = \"4 bytes\"\nwidth = \"4 bytes\"",
    );
    let mut facts = machine();
    of_kind(&mut facts, "arm,pl011").kinds = vec!["ns16550a".to_owned()];
    let written = ["write \"1 bytes\""];
    assert_eq!(ways_out(&text, &facts, "console.ns16550.stride"), written);
    assert_eq!(ways_out(&text, &facts, "console.ns16550.width"), written);
}

#[test]
fn ports_are_written_as_ports() {
    let told = ways_out(&PC.replace("0x3F8", "0x2F8"), &pc(), "console.ns16550");
    assert_eq!(told, ["write 0x3F8"]);
    let text = PC.replace("0xCF9", "0xCF1");
    let mut facts = pc();
    facts.tree.ports.retain(|region| region.range.base == 0xCF8);
    let told = verify_toy(&text, &facts).expect_err("no error reported");
    assert!(told.to_string().contains("no device at 0xCF1\n"), "{told}");
}

#[test]
fn a_number_is_written_in_the_base_that_it_was_written_in() {
    let clock = Device {
        ports: vec![0x70],
        numbers: vec![("century".to_owned(), 0x32)],
        ..device("mc146818rtc", &[], &[])
    };
    let mut facts = pc();
    facts.devices.push(clock);
    for (written, right) in [("0x33", "write 0x32"), ("51", "write 50")] {
        let rtc = format!("[rtc.mc146818]\ncentury = {written}\n[pci.ports]");
        let text = PC.replace("[pci.ports]", &rtc);
        assert_eq!(ways_out(&text, &facts, "rtc.mc146818.century"), [right]);
    }
}

#[test]
fn swapped_base_and_size_are_one_mistake() {
    let swapped = "memory32 = { base = 0x1000_0000, size = 0x5000_0000 }";
    let text = TOY.replace(
        "memory32 = { base = 0x5000_0000, size = \"256 MiB\" }",
        swapped,
    );
    let told = verify_toy(&text, &machine()).expect_err("no error reported");
    let titles: Vec<&str> = told.iter().map(|one| one.title.as_str()).collect();
    let title = "base and size of `pci.ecam.windows.memory32` are swapped";
    assert_eq!(titles, [title], "\n{told}");
}

#[test]
fn the_neighbour_of_a_wrong_range_is_not_blamed() {
    // The UART has the address of the machine's slots, which come later in the file.
    let told = only("base = 0x2000_0000", "base = 0x3000_0000", &machine());
    let title = "the machine has `console.pl011` at another address";
    assert_told(told, Code::MachineAddress, title, "0x3000_0000");
}

#[test]
fn the_other_owner_of_a_wrong_interrupt_is_not_blamed() {
    let told = only("{ spi = 1 }", "{ spi = 17 }", &machine());
    let title = "the machine has another interrupt for `console.pl011.interrupt`";
    assert_told(told, Code::MachineInterrupt, title, "{ spi = 17 }");
}

#[test]
fn a_suggested_window_does_not_overlap_larger_ram() {
    let mut facts = pc();
    // With 64 MiB, the window starts after RAM; with more RAM, it starts at 2 GiB.
    let bridge = facts.devices.iter_mut().find_map(|one| one.bridge.as_mut());
    bridge.expect("a bridge").windows = vec![(
        WindowKind::Memory32,
        range(64 << 20, 0xE000_0000 - (64 << 20)),
    )];
    let text = PC.replace(
        "base = 0xC000_0000, size = \"512 MiB\"",
        "base = 0xC000_0000, size = \"256 MiB\"",
    );
    let told = verify_toy(&text, &facts).expect_err("no error reported");
    let helps: Vec<String> = told.iter().flat_map(|one| one.helps.clone()).collect();
    assert!(helps.contains(&"write 0x8000_0000".to_owned()), "{told}");
}
