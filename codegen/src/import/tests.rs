//! Tests the import of small made-up machines.

use super::*;
use crate::board::{Architecture, Range};
use crate::load_from;
use crate::machine::device::{Bridge, WindowKind};
use crate::verify::verify;

mod memory;
mod monitor;
mod several;

fn device(kind: &str, registers: &[(u64, u64)], interrupts: &[u32]) -> Device {
    let range = |(base, size): &(u64, u64)| {
        Some(Range {
            base: *base,
            size: *size,
        })
    };
    Device {
        kinds: vec![kind.to_owned()],
        registers: registers.iter().map(range).collect(),
        interrupts: interrupts.iter().map(|number| Some(*number)).collect(),
        ..Device::default()
    }
}

/// A machine whose devices all have drivers.
fn known() -> Facts {
    let window = Range {
        base: 0x5000_0000,
        size: 0x1000_0000,
    };
    let mut devices = vec![
        device(
            "arm,gic-v3",
            &[(0x1000_0000, 0x1_0000), (0x1010_0000, 0x10_0000)],
            &[],
        ),
        device("arm,armv8-timer", &[], &[29, 30, 27, 26]),
        Device {
            clock: Some(24_000_000),
            ..device("arm,pl011", &[(0x2000_0000, 0x1000)], &[33])
        },
        Device {
            words: vec![("method".to_owned(), "hvc".to_owned())],
            ..device("arm,psci-1.0", &[], &[])
        },
        Device {
            bridge: Some(Bridge {
                buses: Some(16),
                windows: vec![(WindowKind::Memory32, window)],
                intx: Some(36),
                ..Bridge::default()
            }),
            ..device(
                "pci-host-ecam-generic",
                &[(0x40_0000_0000, 0x100_0000)],
                &[],
            )
        },
        device("arm,pl031", &[(0x2001_0000, 0x1000)], &[34]),
        device("smsc,lan9118", &[(0x2002_0000, 0x100)], &[45]),
        device("some,clock", &[(0x6000_0000, 0x1000)], &[40]),
    ];
    for slot in [1_u32, 0] {
        let base = 0x3000_0000 + 0x200 * u64::from(slot);
        devices.push(device("virtio,mmio", &[(base, 0x200)], &[48 + slot]));
    }
    Facts {
        teller: "a test".to_owned(),
        ram: vec![Range {
            base: 0x8000_0000,
            size: 0x400_0000,
        }],
        devices,
        console: Some(0x2000_0000),
        ..Facts::default()
    }
    .with_memory()
}

fn origin() -> Origin {
    Origin {
        name: "new".to_owned(),
        architecture: Architecture::Aarch64,
        qemu: Some(QemuOrigin {
            machine: "some,option=1".to_owned(),
            cpu: "some-cpu".to_owned(),
            memory: 64 << 20,
            arguments: Vec::new(),
            version: Some("7.2".to_owned()),
        }),
        from: "a test".to_owned(),
    }
}

fn sources(draft: &Draft) -> InMemory {
    InMemory::new().with("new", draft.text.as_str())
}

#[test]
fn a_known_machine_gives_a_complete_board() {
    let draft = import(&origin(), &known());
    assert_eq!(draft.todo, Vec::<String>::new(), "{}", draft.text);
    if let Err(told) = load_from(&sources(&draft), "new") {
        panic!("{told}");
    }
}

#[test]
fn an_imported_board_matches_its_machine() {
    let draft = import(&origin(), &known());
    if let Err(told) = verify(&sources(&draft), "new", &known()) {
        panic!("{told}");
    }
}

#[test]
fn a_real_time_clock_is_imported() {
    let draft = import(&origin(), &known());
    let table = "[rtc.pl031]\nbase = 0x2001_0000\ninterrupt = { spi = 2 }\n";
    assert!(draft.text.contains(table), "{}", draft.text);
}

#[test]
fn an_ethernet_controller_is_imported() {
    let draft = import(&origin(), &known());
    let table = "[ethernet.lan9118]\nbase = 0x2002_0000\ninterrupt = { spi = 13 }\n";
    assert!(draft.text.contains(table), "{}", draft.text);
}

#[test]
fn an_interrupt_of_an_unknown_controller_is_a_todo() {
    let mut facts = known();
    facts.devices.retain(|device| !device.is(&["arm,gic-v3"]));
    let draft = import(&origin(), &facts);
    let line = "# TODO interrupt = { spi = 1 }";
    assert!(draft.text.contains(line), "{}", draft.text);
    let told = |todo: &String| todo.starts_with("console.pl011.interrupt: ");
    assert!(draft.todo.iter().any(told), "{:?}", draft.todo);
}

#[test]
fn an_example_of_an_input_uses_the_space_of_the_architecture() {
    let mut facts = risc_v();
    facts.devices.retain(|device| !device.is(&["riscv,plic0"]));
    let draft = import(&risc_v_origin(&[]), &facts);
    let line = "# TODO interrupt = { plic = 1 }";
    assert!(draft.text.contains(line), "{}", draft.text);
}

#[test]
fn a_device_without_a_driver_is_listed_as_undescribed() {
    let draft = import(&origin(), &known());
    let line = "\"0x6000_0000\" = \"some,clock: ";
    assert!(draft.text.contains(line), "{}", draft.text);
}

#[test]
fn an_unknown_frequency_is_a_todo() {
    let mut facts = known();
    for device in &mut facts.devices {
        device.clock = None;
    }
    let draft = import(&origin(), &facts);
    assert_eq!(draft.todo.len(), 1, "{:?}", draft.todo);
    assert!(
        draft.todo[0].starts_with("console.pl011.clock: "),
        "{:?}",
        draft.todo
    );
    assert!(draft.text.contains("# TODO clock = "), "{}", draft.text);
    let told = load_from(&sources(&draft), "new").expect_err("a key is missing");
    assert!(
        told.iter().all(|one| one.title.contains("`clock`")),
        "{told}"
    );
}

#[test]
fn a_console_without_a_driver_is_named() {
    let mut facts = known();
    facts.devices.retain(|device| !device.is(&["arm,pl011"]));
    facts
        .devices
        .push(device("some,uart", &[(0x2000_0000, 0x1000)], &[33]));
    let draft = import(&origin(), &facts);
    let todo = "[console]: no driver for some,uart: docs/new-driver.md shows how to write a driver";
    assert!(draft.todo.iter().any(|one| one == todo), "{:?}", draft.todo);
}

#[test]
fn the_console_is_the_device_of_standard_output() {
    let mut facts = known();
    let other = Device {
        clock: Some(1_000_000),
        ..device("arm,pl011", &[(0x1800_0000, 0x1000)], &[50])
    };
    facts.devices.insert(0, other);
    let draft = import(&origin(), &facts);
    assert!(
        draft.text.contains("\nbase = 0x2000_0000\n"),
        "{}",
        draft.text
    );
}

#[test]
fn everything_of_an_unknown_machine_is_a_todo() {
    let origin = Origin {
        qemu: None,
        ..origin()
    };
    let draft = import(&origin, &Facts::default());
    for table in ["[boot]", "[interrupt-controller]", "[timer]", "[console]"] {
        assert!(
            draft.todo.iter().any(|one| one.starts_with(table)),
            "{table}: {:?}",
            draft.todo
        );
    }
    assert!(
        draft
            .todo
            .iter()
            .any(|one| one.starts_with("qemu.machine: "))
    );
    assert!(
        draft
            .todo
            .iter()
            .any(|one| one.starts_with("memory.ram.main: "))
    );
}

#[test]
fn text_from_the_user_is_quoted() {
    let mut origin = origin();
    if let Some(qemu) = &mut origin.qemu {
        qemu.machine = "some,path=\"a b\"".to_owned();
        qemu.arguments = vec!["-smp".to_owned(), "2".to_owned()];
    }
    let board = load_from(&sources(&import(&origin, &known())), "new").unwrap();
    assert_eq!(board.qemu.machine, "some,path=\"a b\"");
    assert!(
        board
            .qemu
            .arguments
            .ends_with(&["-smp".to_owned(), "2".to_owned()])
    );
}

/// A RISC-V machine, whose interrupts are numbered in the space of its controller.
fn risc_v() -> Facts {
    let mut plic = device("riscv,plic0", &[(0xC00_0000, 0x60_0000)], &[11, 9]);
    plic.numbers = vec![("riscv,ndev".to_owned(), 96)];
    let mut processor = device("riscv", &[], &[]);
    processor.words = vec![("riscv,isa".to_owned(), "rv64gc_sstc".to_owned())];
    let devices = vec![
        plic,
        processor,
        device("riscv,clint0", &[(0x200_0000, 0x1_0000)], &[]),
        Device {
            clock: Some(3_686_400),
            ..device("ns16550a", &[(0x1000_0000, 0x100)], &[10])
        },
        device("sifive,test0", &[(0x10_0000, 0x1000)], &[]),
    ];
    Facts {
        devices,
        compatible: vec!["riscv-virtio".to_owned()],
        ..known()
    }
    .with_memory()
}

fn risc_v_origin(arguments: &[&str]) -> Origin {
    let mut origin = Origin {
        architecture: Architecture::Riscv64,
        ..origin()
    };
    if let Some(qemu) = &mut origin.qemu {
        qemu.arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
    }
    origin
}

#[test]
fn an_aclint_lists_its_clock_before_its_comparators() {
    let mut facts = risc_v();
    facts.devices.retain(|one| !one.is(&["riscv,clint0"]));
    let registers = [(0x200_BFF8, 0x4008), (0x200_4000, 0x7FF8)];
    facts
        .devices
        .push(device("riscv,aclint-mtimer", &registers, &[]));
    let draft = import(&risc_v_origin(&["-bios", "none"]), &facts);
    let timer = "[timer.aclint]                     # the frequency is in the device tree\n\
                 mtimecmp = 0x0200_4000\nmtime = 0x0200_BFF8\n";
    assert!(draft.text.contains(timer), "{}", draft.text);
}

#[test]
fn a_risc_v_machine_with_firmware_starts_in_s_mode() {
    let draft = import(&risc_v_origin(&[]), &risc_v());
    assert_eq!(draft.todo, Vec::<String>::new(), "{}", draft.text);
    assert!(draft.text.contains("[boot.sbi-payload]"), "{}", draft.text);
    assert!(draft.text.contains("[timer.sstc]"), "{}", draft.text);
    assert!(
        draft.text.contains("interrupt = { plic = 10 }"),
        "{}",
        draft.text
    );
    assert!(load_from(&sources(&draft), "new").is_ok(), "{}", draft.text);
}

#[test]
fn a_risc_v_machine_without_firmware_starts_in_m_mode() {
    let draft = import(&risc_v_origin(&["-bios", "none"]), &risc_v());
    assert!(draft.text.contains("[boot.machine-mode]"), "{}", draft.text);
    assert!(draft.text.contains("[timer.clint]"), "{}", draft.text);
    assert!(!draft.text.contains("-bios"), "{}", draft.text);
    assert!(load_from(&sources(&draft), "new").is_ok(), "{}", draft.text);
}

#[test]
fn source_0_is_no_source() {
    let draft = import(&risc_v_origin(&[]), &risc_v());
    assert!(draft.text.contains("\nsources = 95\n"), "{}", draft.text);
}

/// A machine with an APLIC as QEMU describes it: the domain of M mode delegates to that of S mode.
fn aplic() -> Facts {
    let mut facts = risc_v();
    facts.devices.remove(0);
    for (base, cause) in [(0xC00_0000, 11), (0xD00_0000, 9)] {
        let mut domain = device("riscv,aplic", &[(base, 0x8000)], &[cause, cause]);
        domain.kinds.insert(0, "qemu,aplic".to_owned());
        domain.numbers = vec![("riscv,num-sources".to_owned(), 96)];
        facts.devices.push(domain);
    }
    facts.tree.memory.clear();
    facts.with_memory()
}

#[test]
fn an_aplic_is_imported_with_the_domains_of_the_kernels_modes() {
    let supervisor = "[interrupt-controller.aplic]\n\
                      supervisor = { base = 0x0D00_0000, size = \"32 KiB\" }\nsources = 95\n";
    let draft = import(&risc_v_origin(&[]), &aplic());
    assert_eq!(draft.todo, Vec::<String>::new(), "{}", draft.text);
    assert!(draft.text.contains(supervisor), "{}", draft.text);
    assert!(
        draft.text.contains("interrupt = { aplic = 10 }"),
        "{}",
        draft.text
    );
    assert!(draft.text.contains("\"0x0C00_0000\" = "), "{}", draft.text);
    assert!(load_from(&sources(&draft), "new").is_ok(), "{}", draft.text);

    let draft = import(&risc_v_origin(&["-bios", "none"]), &aplic());
    let machine = "machine = { base = 0x0C00_0000, size = \"32 KiB\" }\nsources = 95\n";
    assert!(draft.text.contains(machine), "{}", draft.text);
    assert!(load_from(&sources(&draft), "new").is_ok(), "{}", draft.text);
}

#[test]
fn devices_of_a_lower_domain_belong_to_the_domain_above_it_too() {
    let mut facts = aplic();
    for device in &mut facts.devices {
        match device.base() {
            Some(0xC00_0000) => device.numbers.push(("riscv,children".to_owned(), 4)),
            Some(0xD00_0000) => device.numbers.push(("phandle".to_owned(), 4)),
            _ => device.controllers = vec![Some(0xD00_0000); device.interrupts.len()],
        }
    }
    for arguments in [&[][..], &["-bios", "none"]] {
        let draft = import(&risc_v_origin(arguments), &facts);
        let interrupt = "interrupt = { aplic = 10 }";
        assert!(draft.text.contains(interrupt), "{}", draft.text);
        assert!(!draft.text.contains("another controller"), "{}", draft.text);
    }
}

#[test]
fn what_is_known_of_a_controller_selects_it_where_qemu_has_several() {
    let without_qemu = |origin: Origin| Origin {
        qemu: None,
        ..origin
    };
    for (facts, origin, machine) in [
        (risc_v(), risc_v_origin(&[]), "virt"),
        (aplic(), risc_v_origin(&[]), "virt,aia=aplic"),
        (known(), origin(), "virt,gic-version=3"),
    ] {
        let facts = Facts {
            compatible: vec!["linux,dummy-virt".to_owned()],
            ..facts
        };
        let draft = import(&without_qemu(origin), &facts);
        let line = format!("machine = \"{machine}\"");
        assert!(draft.text.contains(&line), "{}", draft.text);
    }
}

/// A machine with interrupt files: the APLIC's domains name those that they send messages to.
fn imsic() -> Facts {
    let mut facts = aplic();
    facts.devices.retain(|one| !one.is(&["riscv,aplic"]));
    for (handle, files, domain, cause) in [
        (5, 0x2400_0000, 0xC00_0000, 11),
        (6, 0x2800_0000, 0xD00_0000, 9),
    ] {
        let mut files = device("riscv,imsics", &[(files, 0x1000)], &[cause]);
        files.numbers = vec![
            ("phandle".to_owned(), handle),
            ("riscv,num-ids".to_owned(), 255),
        ];
        let mut domain = device("riscv,aplic", &[(domain, 0x8000)], &[]);
        domain.numbers = vec![
            ("msi-parent".to_owned(), handle),
            ("riscv,num-sources".to_owned(), 96),
        ];
        facts.devices.extend([files, domain]);
    }
    facts.tree.memory.clear();
    facts.with_memory()
}

#[test]
fn interrupt_files_are_imported_with_what_sends_them_messages() {
    let table = "[interrupt-controller.imsic]\n\
                 supervisor = { files = 0x2800_0000, aplic = { base = 0x0D00_0000, size = \"32 KiB\" } }\n\
                 identities = 255\nsources = 95\n";
    let draft = import(&risc_v_origin(&[]), &imsic());
    assert_eq!(draft.todo, Vec::<String>::new(), "{}", draft.text);
    assert!(draft.text.contains(table), "{}", draft.text);
    assert!(load_from(&sources(&draft), "new").is_ok(), "{}", draft.text);

    let draft = import(&risc_v_origin(&["-bios", "none"]), &imsic());
    let machine = "machine = { files = 0x2400_0000, aplic = { base = 0x0C00_0000";
    assert!(draft.text.contains(machine), "{}", draft.text);
}
