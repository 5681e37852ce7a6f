//! Machines with several interrupt controllers of a kind: sockets of RISC-V machines, and GICv2m
//! frames.

use super::*;

const NO_FIRMWARE: &[&str] = &["-bios", "none"];

/// The machine with a second device like that at `base`, at `other`.
fn with_second(mut facts: Facts, base: u64, other: u64) -> Facts {
    let is_it = |device: &&Device| device.base() == Some(base);
    let mut second = facts.devices.iter().find(is_it).expect("a device").clone();
    for range in second.registers.iter_mut().flatten() {
        range.base = other;
    }
    facts.devices.push(second);
    facts.tree.memory.clear();
    facts.with_memory()
}

/// The machine with a CLINT of another socket.
fn with_second_clint(mut facts: Facts, kind: &str, other: u64) -> Facts {
    facts
        .devices
        .push(device(kind, &[(other, 0x1_0000)], &[3, 7]));
    facts.tree.memory.clear();
    facts.with_memory()
}

#[test]
fn without_firmware_a_socket_needs_a_clint_to_be_described() {
    let two_plics = with_second(risc_v(), 0xC00_0000, 0xC60_0000);
    let two_aplics = with_second(aplic(), 0xC00_0000, 0xC00_8000);
    for facts in [two_plics, two_aplics] {
        let draft = import(&risc_v_origin(NO_FIRMWARE), &facts);
        assert!(!draft.text.contains("further."), "{}", draft.text);
        let note = "the interrupt controllers of other sockets need a CLINT or an ACLINT";
        assert!(draft.text.contains(note), "{}", draft.text);
        if let Err(told) = verify(&sources(&draft), "new", &facts) {
            panic!("{told}\n{}", draft.text);
        }
    }
}

#[test]
fn without_firmware_the_software_interrupts_of_a_socket_are_imported() {
    let two_plics = with_second(risc_v(), 0xC00_0000, 0xC60_0000);
    let two_aplics = with_second(aplic(), 0xC00_0000, 0xC00_8000);
    for (facts, line) in [
        (
            two_plics,
            "further.socket1 = { base = 0x0C60_0000, size = \"6 MiB\", sources = 95, first-hart = 1, \
             msip = 0x0201_0000 }",
        ),
        (
            two_aplics,
            "further.socket1 = { machine = { base = 0x0C00_8000, size = \"32 KiB\" }, sources = 95, \
             first-hart = 2, msip = 0x0201_0000 }",
        ),
    ] {
        let facts = with_second_clint(facts, "riscv,clint0", 0x201_0000);
        let draft = import(&risc_v_origin(NO_FIRMWARE), &facts);
        assert!(draft.text.contains(line), "{}", draft.text);
        let sources = sources(&draft);
        if let Err(told) = verify(&sources, "new", &facts) {
            panic!("{told}\n{}", draft.text);
        }
        let board = load_from(&sources, "new").unwrap_or_else(|told| panic!("{told}"));
        assert_eq!(board.interrupt_controller.relays.len(), 1);
        // Another address is not that of the second CLINT.
        let wrong = draft
            .text
            .replace("msip = 0x0201_0000", "msip = 0x0203_0000");
        let told = verify(&InMemory::new().with("new", wrong.as_str()), "new", &facts);
        let told = told.expect_err("another address").to_string();
        assert!(told.contains("further.socket1.msip"), "{told}");
        assert!(told.contains("0x0201_0000"), "{told}");
    }
}

#[test]
fn devices_of_another_controller_are_left_out_and_named() {
    let mut facts = with_second(risc_v(), 0xC00_0000, 0xC60_0000);
    let mut disk = device("virtio,mmio", &[(0x1000_1000, 0x1000)], &[1]);
    disk.controllers = vec![Some(0xC60_0000)];
    let mut key = device("some,key", &[(0x1000_3000, 0x1000)], &[1]);
    key.controllers = vec![Some(0x1000_2000)];
    let pins = device("some,pins", &[(0x1000_2000, 0x1000)], &[]);
    facts.devices.extend([disk.clone(), disk, key, pins]);
    let draft = import(&risc_v_origin(NO_FIRMWARE), &facts);
    assert_eq!(draft.unserved, ["virtio,mmio"]);
    assert!(!draft.text.contains("[virtio-mmio]"), "{}", draft.text);
    assert!(import(&risc_v_origin(&[]), &facts).unserved.is_empty());
}

/// A machine whose interrupt files are in two groups of one hart each.
fn in_groups() -> Facts {
    let mut facts = imsic();
    let files = facts
        .devices
        .iter_mut()
        .filter(|one| one.is(&["riscv,imsics"]));
    for files in files {
        let groups = [("riscv,group-index-bits", 1), ("riscv,hart-index-bits", 0)];
        let groups = groups.map(|(name, number)| (name.to_owned(), number));
        files.numbers.extend(groups);
        let first = files.registers[0].expect("a range");
        files.registers.push(Some(Range {
            base: first.base + 0x100_0000,
            ..first
        }));
    }
    facts.tree.memory.clear();
    facts.with_memory()
}

/// The same with an APLIC for each group. The slots of virtio devices raise sources of the second one.
fn in_two_sockets() -> Facts {
    let facts = with_second(in_groups(), 0xC00_0000, 0xC00_8000);
    let mut facts = with_second(facts, 0xD00_0000, 0xD00_8000);
    for (handle, base, child) in [
        (8, 0xC00_0000, Some(10)),
        (9, 0xC00_8000, Some(11)),
        (10, 0xD00_0000, None),
        (11, 0xD00_8000, None),
    ] {
        let mut domains = facts.devices.iter_mut();
        let domain = domains.find(|one| one.base() == Some(base));
        let numbers = &mut domain.expect("a domain").numbers;
        numbers.push(("phandle".to_owned(), handle));
        let child = child.map(|child| ("riscv,children".to_owned(), child));
        numbers.extend(child);
    }
    let mut slot = device("virtio,mmio", &[(0x1000_1000, 0x1000)], &[1]);
    slot.controllers = vec![Some(0xD00_8000)];
    facts.devices.push(slot);
    facts.tree.memory.clear();
    facts.with_memory()
}

#[test]
fn under_firmware_an_advanced_controller_must_deliver_to_all_harts() {
    let facts = in_groups();
    let draft = import(&risc_v_origin(&[]), &facts);
    let told = verify(&sources(&draft), "new", &facts).expect_err("some harts are left out");
    let titles: Vec<&str> = told.iter().map(|one| one.title.as_str()).collect();
    let title = "`interrupt-controller.imsic` does not deliver to all harts";
    assert_eq!(titles, [title], "{told}");
    assert!(
        told.to_string().contains("a machine with one socket"),
        "{told}"
    );
}

#[test]
fn sockets_may_have_any_number_of_harts() {
    let mut facts = in_groups();
    let files = facts.devices.iter_mut();
    for files in files.filter(|one| one.is(&["riscv,imsics"])) {
        files.registers[0].as_mut().expect("a range").size = 0x3000;
        for (name, number) in &mut files.numbers {
            if name == "riscv,hart-index-bits" {
                *number = 2;
            }
        }
    }
    facts.tree.memory.clear();
    let facts = facts.with_memory();
    let draft = import(&risc_v_origin(&[]), &facts);
    let told = verify(&sources(&draft), "new", &facts).expect_err("some harts are left out");
    assert!(
        told.to_string().contains("it delivers to harts 0 to 2"),
        "{told}"
    );
}

#[test]
fn without_a_property_the_index_bits_are_those_that_all_harts_need() {
    let mut facts = in_two_sockets();
    for files in &mut facts.devices {
        if files.is(&["riscv,imsics"]) {
            let is_other = |(name, _): &(String, u32)| name != "riscv,hart-index-bits";
            files.numbers.retain(is_other);
            files.interrupts = vec![files.interrupts[0]; 5];
        }
    }
    let draft = import(&risc_v_origin(&[]), &facts);
    assert!(
        draft.text.contains("\nhart-index-bits = 3\n"),
        "{}",
        draft.text
    );
}

/// Imports machines whose interrupt files and domains have another value of a property.
fn import_with(facts: &Facts, name: &str, number: u32) {
    let mut facts = facts.clone();
    for device in &mut facts.devices {
        if device.is(&["riscv,imsics", "riscv,aplic", "riscv,plic0"]) {
            device.numbers.retain(|(other, _)| other != name);
            device.numbers.push((name.to_owned(), number));
        }
    }
    for arguments in [&[][..], NO_FIRMWARE] {
        import(&risc_v_origin(arguments), &facts);
    }
}

#[test]
fn the_properties_of_interrupt_controllers_may_have_any_value() {
    let two_aplics = with_second(aplic(), 0xD00_0000, 0xD00_8000);
    let two_plics = with_second(risc_v(), 0xC00_0000, 0xC60_0000);
    let numbers = [
        0,
        7,
        8,
        31,
        32,
        51,
        52,
        63,
        64,
        1024,
        u32::MAX - 1,
        u32::MAX,
    ];
    for number in numbers {
        import_with(&in_two_sockets(), "riscv,guest-index-bits", number);
        import_with(&in_two_sockets(), "riscv,hart-index-bits", number);
        import_with(&in_two_sockets(), "riscv,num-sources", number);
        import_with(&two_aplics, "riscv,num-sources", number);
        import_with(&two_plics, "riscv,ndev", number);
    }
}

#[test]
fn ranges_of_interrupt_files_may_have_any_size() {
    for size in [0x800, 0x1000 * u64::from(u32::MAX)] {
        let mut facts = in_two_sockets();
        for device in &mut facts.devices {
            if device.is(&["riscv,imsics"]) {
                let all = device.registers.iter_mut().flatten();
                all.for_each(|range| range.size = size);
            }
        }
        let draft = import(&risc_v_origin(&[]), &facts);
        // Whether they reach all harts must not panic either.
        let _ = verify(&sources(&draft), "new", &facts);
    }
}

#[test]
fn an_aplic_of_another_socket_is_imported_under_firmware() {
    let two = with_second(aplic(), 0xD00_0000, 0xD00_8000);
    let draft = import(&risc_v_origin(&[]), &two);
    let line = "further.socket1 = { supervisor = { base = 0x0D00_8000, size = \"32 KiB\" }, sources = 95, \
                first-hart = 2 }";
    assert!(draft.text.contains(line), "{}", draft.text);
    if let Err(told) = verify(&sources(&draft), "new", &two) {
        panic!("{told}\n{}", draft.text);
    }
    let without = draft.text.replace(line, "");
    let sources = InMemory::new().with("new", without.as_str());
    let told = verify(&sources, "new", &two).expect_err("some harts are left out");
    assert!(told.to_string().contains(line), "{told}");
}

#[test]
fn interrupt_files_of_another_socket_are_imported_for_the_kernels_mode() {
    let facts = in_two_sockets();
    for (arguments, mode, files, domain) in [
        (&[][..], "supervisor", "0x2900_0000", "0x0D00_8000"),
        (NO_FIRMWARE, "machine", "0x2500_0000", "0x0C00_8000"),
    ] {
        let draft = import(&risc_v_origin(arguments), &facts);
        let line = format!(
            "hart-index-bits = 0\n\
             further.socket1 = {{ {mode} = {{ files = {files}, aplic = {{ base = {domain}, size = \"32 KiB\" }} \
             }}, sources = 95, first-hart = 1 }}"
        );
        assert!(draft.text.contains(&line), "{line}\n{}", draft.text);
        let slots = "interrupt = { aplic = 1, controller = \"socket1\" }";
        assert!(draft.text.contains(slots), "{}", draft.text);
        if let Err(told) = verify(&sources(&draft), "new", &facts) {
            panic!("{told}\n{}", draft.text);
        }
        // The same input of the first controller is another one.
        let wrong = draft.text.replace(slots, "interrupt = { aplic = 1 }");
        let told = verify(&InMemory::new().with("new", wrong.as_str()), "new", &facts);
        let told = told.expect_err("another interrupt").to_string();
        assert!(
            told.contains("write { aplic = 1, controller = \"socket1\" }"),
            "{told}"
        );
        // Without the further controller, its lines are offered.
        let wrong = wrong.replace(&line, "");
        let told = verify(&InMemory::new().with("new", wrong.as_str()), "new", &facts);
        let told = told.expect_err("another controller").to_string();
        assert!(line.lines().all(|line| told.contains(line)), "{told}");
        // A key that the table has is not offered again.
        let wrong = wrong.replace("identities", "hart-index-bits = 0\nidentities");
        let told = verify(&InMemory::new().with("new", wrong.as_str()), "new", &facts);
        let told = told.expect_err("another controller").to_string();
        assert!(!told.contains("hart-index-bits"), "{told}");
        // The harts of a socket have other indices.
        let bits = draft
            .text
            .replace("hart-index-bits = 0", "hart-index-bits = 1");
        let told = verify(&InMemory::new().with("new", bits.as_str()), "new", &facts);
        let told = told.expect_err("other bits").to_string();
        assert!(told.contains("imsic.hart-index-bits"), "{told}");
    }
}

/// A machine with a GICv3 and two GICv2m frames.
fn frames() -> Facts {
    let mut facts = known();
    let frame = |base| device("arm,gic-v2m-frame", &[(base, 0x1000)], &[]);
    facts
        .devices
        .extend([frame(0x1180_0000), frame(0x1190_0000)]);
    facts.tree.memory.clear();
    facts.with_memory()
}

fn sends_to(facts: &mut Facts, base: u64) {
    let mut bridges = facts.devices.iter_mut();
    let bridge = bridges.find_map(|one| one.bridge.as_mut());
    bridge.expect("a bridge").messages = Some(base);
}

#[test]
fn the_frame_that_pci_sends_messages_to_is_imported() {
    for (sent, described) in [(None, "0x1180_0000"), (Some(0x1190_0000), "0x1190_0000")] {
        let mut facts = frames();
        if let Some(base) = sent {
            sends_to(&mut facts, base);
        }
        let draft = import(&origin(), &facts);
        let line = format!("v2m = {{ base = {described}, size = \"4 KiB\" }}");
        assert!(draft.text.contains(&line), "{}", draft.text);
        assert!(draft.text.contains("msi = \"v2m\""), "{}", draft.text);
        if let Err(told) = verify(&sources(&draft), "new", &facts) {
            panic!("{told}\n{}", draft.text);
        }
    }
}

#[test]
fn the_translation_service_that_pci_sends_messages_to_is_imported() {
    let mut facts = known();
    let its = |base| device("arm,gic-v3-its", &[(base, 0x2_0000)], &[]);
    facts.devices.extend([its(0x1180_0000), its(0x1190_0000)]);
    sends_to(&mut facts, 0x1190_0000);
    let draft = import(&origin(), &facts.with_memory());
    let line = "its = { base = 0x1190_0000, size = \"128 KiB\" }";
    assert!(draft.text.contains(line), "{}", draft.text);
}

#[test]
fn a_frame_whose_register_is_overridden_is_a_todo() {
    let mut facts = frames();
    sends_to(&mut facts, 0x1190_0000);
    let frame = facts.devices.last_mut().expect("a frame");
    frame.numbers = vec![("arm,msi-base-spi".to_owned(), 72)];
    let draft = import(&origin(), &facts);
    let todo =
        "interrupt-controller.gic-v3.v2m: its node states the interrupts in `arm,msi-base-spi`";
    assert!(
        draft.todo.iter().any(|one| one.starts_with(todo)),
        "{:?}",
        draft.todo
    );
    assert!(!draft.text.contains("\nmsi = "), "{}", draft.text);
    assert!(load_from(&sources(&draft), "new").is_ok(), "{}", draft.text);
}
