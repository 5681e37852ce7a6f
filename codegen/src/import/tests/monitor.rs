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

/// A machine of which only QEMU's monitor tells.
fn without_tables() -> Facts {
    let mut facts = Facts {
        ram: Vec::new(),
        console: None,
        ..known()
    };
    for device in &mut facts.devices {
        device.kinds.retain(|kind| !kind.starts_with("arm,"));
    }
    facts
}

#[test]
fn without_a_tree_the_console_is_the_device_of_the_first_serial_line() {
    for line in ["serial0", "console"] {
        let mut facts = without_tables();
        for (base, line) in [(0x1800_0000, "serial1"), (0x2000_0000, line)] {
            facts.devices.push(Device {
                words: vec![("chardev".to_owned(), line.to_owned())],
                ..device("pl011", &[(base, 0x1000)], &[])
            });
        }
        let draft = import(&origin(), &facts);
        let table = "\n[console.pl011]                    # pl011\nbase = 0x2000_0000\n";
        assert!(draft.text.contains(table), "{}", draft.text);
    }
}

#[test]
fn ram_is_whole_across_the_edges_of_its_fragments() {
    let range = |base, size| Range { base, size };
    let fragments = [
        range(0x4000_0000, 0x1000),
        range(0x4000_1000, 0x3FFF_F000),
        range(0x9000_0800, 0x4000_0000),
    ];
    let whole = [
        range(0x4000_0000, 0x4000_0000),
        range(0x9010_0000, 0x3FF0_0000),
    ];
    assert_eq!(machine::whole(&fragments), whole);
}

#[test]
fn a_risc_v_machine_without_a_tree_promises_none() {
    for (arguments, frequency) in [(&[][..], true), (&["-bios", "none"], false)] {
        let mut facts = without_tables();
        facts.compatible.clear();
        let clint = device("riscv.aclint.mtimer", &[(0x200_4000, 0x8000)], &[]);
        facts.devices = vec![clint];
        facts.ram = known().ram;
        let draft = import(&risc_v_origin(arguments), &facts);
        assert!(!draft.text.contains("the device tree"), "{}", draft.text);
        let told = draft.todo.iter();
        let mut told = told.filter(|todo| todo.starts_with("timer.sbi.frequency: "));
        assert_eq!(told.next().is_some(), frequency, "{:?}", draft.todo);
    }
}

#[test]
fn a_processor_without_large_physical_addresses_gets_short_tables() {
    let of = |processor: &str, architecture| {
        let mut origin = Origin {
            architecture,
            ..origin()
        };
        if let Some(qemu) = &mut origin.qemu {
            qemu.cpu = processor.to_owned();
        }
        import(&origin, &known()).text
    };
    let key = "page-tables = \"short\"";
    for processor in ["cortex-a8", "cortex-a9", "cortex-a9,reset-cbar=0x1E000000"] {
        let text = of(processor, Architecture::Arm);
        assert!(text.contains(key), "{text}");
    }
    for processor in ["cortex-a7", "cortex-a15", "max"] {
        let text = of(processor, Architecture::Arm);
        assert!(!text.contains(key), "{text}");
    }
    let text = of("cortex-a53", Architecture::Aarch64);
    assert!(!text.contains(key), "{text}");
}

#[test]
fn two_nodes_of_one_slot_are_one_slot() {
    let mut facts = known();
    facts
        .devices
        .push(device("virtio,mmio", &[(0x3000_0000, 0x200)], &[48]));
    let draft = import(&origin(), &facts);
    let table = "base = 0x3000_0000\nstride = 0x200\ncount = 2\n";
    assert!(draft.text.contains(table), "{}", draft.text);
    if let Err(told) = verify(&sources(&draft), "new", &facts) {
        panic!("{told}");
    }
}

fn memory(base: u64, size: u64, kind: RegionKind, name: &str) -> Region {
    Region {
        range: Range { base, size },
        kind,
        name: name.to_owned(),
    }
}

#[test]
fn a_microcontroller_has_its_vector_table_flash_and_ram() {
    let mut facts = Facts {
        devices: vec![
            Device {
                numbers: vec![("init-svtor".to_owned(), 0x0800_0000)],
                ..device("armv7m", &[], &[])
            },
            Device {
                numbers: vec![("num-irq".to_owned(), 112)],
                ..device("armv7m_nvic", &[], &[])
            },
        ],
        ..without_tables()
    };
    facts.compatible.clear();
    facts.tree.memory = vec![
        memory(0x0800_0000, 0x10_0000, RegionKind::Rom, "some.flash"),
        memory(0x2000_0000, 0x3_0000, RegionKind::Ram, "some.sram"),
        memory(0x6000_0000, 0x100_0000, RegionKind::Ram, "external"),
    ];
    let origin = Origin {
        architecture: Architecture::ArmV7M,
        ..origin()
    };
    let text = import(&origin, &facts).text;
    for line in [
        "[boot.vector-table]\nbase = 0x0800_0000\n",
        "flash.code = { base = 0x0800_0000, size = \"1 MiB\" }",
        "ram.main = { base = 0x2000_0000, size = \"192 KiB\" }",
        "fault-stack = \"1280 bytes\"\n",
        "[interrupt-controller.nvic]\ninterrupts = 96\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn an_alias_of_the_ram_is_no_further_ram() {
    let mut facts = without_tables();
    facts.compatible.clear();
    let whole = origin().qemu.expect("QEMU's options").memory;
    facts.ram = [0x4000_0000, 0x7000_0000]
        .map(|base| Range { base, size: whole })
        .to_vec();
    let text = import(&origin(), &facts).text;
    assert!(text.contains("ram.main = { base = 0x4000_0000"), "{text}");
    assert!(!text.contains("ram.more1"), "{text}");
}

#[test]
fn a_machine_with_a_fixed_amount_of_ram_states_it() {
    let mut facts = without_tables();
    facts.compatible.clear();
    facts.devices.clear();
    facts.ram = vec![Range {
        base: 0x4000_0000,
        size: 1 << 30,
    }];
    let text = import(&origin(), &facts).text;
    assert!(text.contains("\nmemory = \"1 GiB\"\n"), "{text}");
}

#[test]
fn a_microcontroller_of_a_device_tree_has_its_processor_and_timer() {
    let facts = Facts {
        devices: vec![
            device("arm,cortex-m4f", &[], &[]),
            device("arm,armv6m-nvic", &[(0xE000_E100, 0xC00)], &[]),
            device("arm,armv7m-systick", &[(0xE000_E010, 0x10)], &[]),
        ],
        ..without_tables()
    };
    let origin = Origin {
        architecture: Architecture::ArmV7M,
        qemu: None,
        ..origin()
    };
    let text = import(&origin, &facts).text;
    for line in [
        "cpu = \"cortex-m4\"\n",
        "[interrupt-controller.nvic]\n",
        "[timer.systick]\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
}
