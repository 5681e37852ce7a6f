//! Conflicts that the machine decides, and parts that it has in place of others.

use super::*;

fn titles(text: &str, facts: &Facts) -> Vec<String> {
    let told = verify_toy(text, facts).expect_err("nothing was told");
    told.iter().map(|one| one.title.clone()).collect()
}

#[test]
fn a_size_that_overlaps_is_told_as_the_machine_has_it() {
    let window = "memory32 = { base = 0x5000_0000, size = \"256 MiB\" }";
    assert_eq!(TOY.matches(window).count(), 1);
    let text = TOY.replace(
        window,
        "memory32 = { base = 0x5000_0000, size = \"1 GiB\" }",
    );
    let title = "the machine has another size for `pci.ecam.windows.memory32`";
    assert_eq!(titles(&text, &machine()), [title]);
}

#[test]
fn a_wrong_range_over_a_line_of_undescribed_is_told_alone() {
    let uart = "base = 0x2000_0000";
    assert_eq!(TOY.matches(uart).count(), 1);
    let text = TOY.replace(uart, "base = 0x6000_0000");
    let title = "the machine has `console.pl011` at another address";
    assert_eq!(titles(&text, &machine()), [title]);
}

#[test]
fn another_controller_is_told_with_its_table() {
    let mut facts = machine();
    let gic = of_kind(&mut facts, "arm,gic-v3");
    gic.kinds = vec!["arm,cortex-a15-gic".to_owned()];
    gic.registers[1] = Some(range(0x1010_0000, 0x2000));
    let told = verify_toy(TOY, &facts).expect_err("another controller");
    let absent = told.iter().find(|one| one.code == Code::NotOnMachine);
    let helps = absent.expect("it is absent").helps.join("\n");
    assert!(helps.contains("[interrupt-controller.gic-v2]"), "{told}");
    assert!(
        helps.contains("distributor = { base = 0x1000_0000"),
        "{told}"
    );
}
