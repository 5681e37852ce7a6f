//! Tests machines that are only known by their memory tree and their list of models.

use super::*;

#[test]
fn without_a_device_tree_the_memory_tree_is_compared() {
    let mut facts = machine();
    facts.devices.clear();
    facts.ram.clear();
    assert!(verify_toy(TOY, &facts).is_ok());
    let text = TOY.replace("base = 0x2000_0000", "base = 0x2100_0000");
    let told = verify_toy(&text, &facts).unwrap_err();
    let codes: Vec<_> = told.iter().map(|one| one.code).collect();
    assert_eq!(codes, [Code::NotOnMachine, Code::NotDescribed], "\n{told}");
}

/// The machine as QEMU's list of devices describes it: kinds are names of models, and registers
/// within a larger device have no address.
fn machine_of_models() -> Facts {
    let mut facts = machine();
    facts.ram.clear();
    let within = |kind: &str| Device {
        registers: vec![None, None],
        ..device(kind, &[], &[])
    };
    facts.devices = vec![
        device("pl011", &[(0x2000_0000, 0x1000)], &[]),
        within("arm-gicv3"),
        within("arm-gicv3-its"),
        within("gpex-pcihost"),
    ];
    let slots = (0..8).map(|slot| (0x3000_0000 + slot * 0x200, 0x200));
    let slots = slots.map(|slot| device("virtio-mmio", &[slot], &[]));
    facts.devices.extend(slots);
    facts
}

#[test]
fn a_device_without_a_listed_address_is_searched_in_the_memory_tree() {
    assert!(verify_toy(TOY, &machine_of_models()).is_ok());
    let moved = (
        "distributor = { base = 0x1000_0000 }",
        "distributor = { base = 0x1080_0000 }",
    );
    let told = verify_toy(&TOY.replace(moved.0, moved.1), &machine_of_models()).unwrap_err();
    assert!(
        told.iter().any(|one| one.code == Code::NotOnMachine),
        "\n{told}"
    );
}

#[test]
fn a_register_may_be_one_of_many() {
    let off = |address| {
        let write = format!("[power.register-write]\noff = {{ address = {address}, value = 1 }}");
        TOY.replace(
            "[power.semihosting]",
            &format!("{write}\n[power.semihosting]"),
        )
    };
    assert!(verify_toy(&off("0x6000_0080"), &machine()).is_ok());
    let told = verify_toy(&off("0x6100_0000"), &machine()).unwrap_err();
    assert!(
        told.iter().any(|one| one.code == Code::NotOnMachine),
        "\n{told}"
    );
}
