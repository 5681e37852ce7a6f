//! Tests parts of a board that depend on each other.

use super::{Toy, fine, only, other_places};
use crate::diagnostic::Code;

const GIC_V3: &str = "[interrupt-controller.gic-v3]
distributor = { base = 0x1000_0000 }
redistributors = { base = 0x1010_0000, size = \"1 MiB\" }
its = { base = 0x1020_0000 }";

const GIC_V2: &str = "[interrupt-controller.gic-v2]
distributor = { base = 0x1000_0000 }
cpu-interface = { base = 0x1001_0000 }";

#[test]
fn an_architecture_that_no_part_fits_is_the_error() {
    let edit = [("architecture = \"aarch64\"", "architecture = «\"riscv64\"»")];
    only(
        &edit,
        Code::WrongArchitecture,
        "the board's parts do not fit the architecture riscv64",
    );
    assert_eq!(
        other_places(&edit),
        [
            "[boot.linux-image]",
            "[interrupt-controller.gic-v3]",
            "[timer.arm-generic]",
            "[power.psci]",
            "\"aarch64\"",
            "\"el1\""
        ]
    );
}

#[test]
fn the_32_bit_architecture_of_the_same_family_is_the_error_too() {
    only(
        &[("architecture = \"aarch64\"", "architecture = «\"arm\"»")],
        Code::WrongArchitecture,
        "the board's parts do not fit the architecture arm",
    );
}

#[test]
fn an_exception_level_of_another_architecture_is_reported() {
    only(
        &[("exception-level = \"el1\"", "exception-level = «\"svc\"»")],
        Code::WrongArchitecture,
        "`boot.linux-image.exception-level` does not fit the architecture aarch64",
    );
}

#[test]
fn only_32_bit_arm_maps_configuration_space_elsewhere() {
    only(
        &[(
            "buses = 16",
            "buses = 16\nview = «{ base = 0x7000_0000, buses = 16 }»",
        )],
        Code::WrongArchitecture,
        "`pci.ecam.view` is for 32-bit Arm only",
    );
}

#[test]
fn configuration_space_above_4_gib_gets_a_suggested_view() {
    let edits = [
        ("architecture = \"aarch64\"", "architecture = \"arm\""),
        ("system = \"aarch64\"", "system = \"arm\""),
        ("exception-level = \"el1\"", "exception-level = \"svc\""),
        ("base = 0x40_0000_0000", "base = «0x40_0000_0000»"),
    ];
    let toy = Toy::with(&edits);
    let title = "`pci.ecam` goes beyond what 32 bits can address";
    toy.has_only(Code::OutsideAddressSpace, title);
    let told = toy.load().expect_err("the range is not addressable");
    let line = "add under [pci.ecam]: view = { base = 0x0100_0000, buses = 16 }";
    assert!(told.to_string().contains(line), "{told}");
    let mut edits = edits.to_vec();
    edits.push((
        "buses = 16",
        "buses = 16\nview = { base = 0x0100_0000, buses = 16 }",
    ));
    edits[3].1 = edits[3].0;
    fine(&edits);
}

/// Returns the board as an ELF file, with `more` added to the keys of its loader.
fn as_elf(load: &str, more: &str) -> [(&'static str, String); 3] {
    [
        ("[boot.linux-image]", "[boot.elf]".to_owned()),
        (
            "load-address = 0x8008_0000",
            format!("load-address = {load}"),
        ),
        ("exception-level = \"el1\"", more.to_owned()),
    ]
}

fn only_as_elf(load: &str, more: &str, code: Code, title: &str) {
    let edits = as_elf(load, more);
    let edits = edits.each_ref().map(|(old, new)| (*old, new.as_str()));
    only(&edits, code, title);
}

#[test]
fn an_elf_file_is_loaded_anywhere_in_ram() {
    for load in ["0x8000_0000", "0x8010_0000"] {
        let edits = as_elf(load, "exception-level = \"el3\"");
        let mut edits = edits
            .each_ref()
            .map(|(old, new)| (*old, new.as_str()))
            .to_vec();
        // At the highest level, no firmware handles the call.
        edits.push(("[power.psci]\nconduit = \"hvc\"\n", ""));
        assert!(Toy::with(&edits).load().is_ok(), "{load}");
    }
}

#[test]
fn an_elf_file_over_its_device_tree_is_reported() {
    only_as_elf(
        "«0x8008_0000»",
        "device-tree = 0x8000_0000",
        Code::BadLoadAddress,
        "the image is loaded over the device tree",
    );
}

#[test]
fn a_device_tree_outside_ram_is_reported() {
    only_as_elf(
        "0x8010_0000",
        "device-tree = «0x4000_0000»",
        Code::BadLoadAddress,
        "the address of the device tree 0x4000_0000 is not in RAM",
    );
}

#[test]
fn an_image_that_reaches_into_the_device_tree_is_reported() {
    only_as_elf(
        "0x8000_0000",
        "device-tree = «0x8010_0000»",
        Code::RamTooSmall,
        "the image and the stack do not fit in RAM",
    );
}

#[test]
fn a_misaligned_device_tree_is_reported() {
    only_as_elf(
        "0x8020_0000",
        "device-tree = «0x8000_0004»",
        Code::Misaligned,
        "`boot.elf.device-tree` is not a multiple of 8 bytes",
    );
}

#[test]
fn an_emulator_of_another_architecture_is_reported() {
    only(
        &[("system = \"aarch64\"", "system = «\"x86_64\"»")],
        Code::WrongArchitecture,
        "`qemu-system-x86_64` does not fit the architecture aarch64",
    );
}

#[test]
fn messages_need_a_controller_that_delivers_them() {
    only(
        &[("msi = \"its\"", "msi = «\"v2m\"»")],
        Code::MsiMismatch,
        "the interrupt controller does not deliver these messages",
    );
    only(
        &[
            ("its = { base = 0x1020_0000 }\n", ""),
            ("msi = \"its\"", "msi = «\"its\"»"),
        ],
        Code::MsiMismatch,
        "the interrupt controller does not deliver these messages",
    );
    only(
        &[(GIC_V3, GIC_V2), ("msi = \"its\"", "msi = «\"v2m\"»")],
        Code::MsiMismatch,
        "the interrupt controller does not deliver these messages",
    );
}

#[test]
fn a_gic_v2_delivers_messages_by_its_frame() {
    let with_frame = format!("{GIC_V2}\nv2m = {{ base = 0x1002_0000 }}");
    fine(&[(GIC_V3, &with_frame), ("msi = \"its\"", "msi = \"v2m\"")]);
}

#[test]
fn pci_without_messages_needs_nothing_of_the_controller() {
    fine(&[(GIC_V3, GIC_V2), ("msi = \"its\"\n", "")]);
}

#[test]
fn pci_needs_a_window_for_memory() {
    let window = "[pci.ecam.windows]\nmemory32 = { base = 0x5000_0000, size = \"256 MiB\" }\n";
    only(
        &[(window, ""), ("[pci.ecam]", "«[pci.ecam]»")],
        Code::NoMemoryWindow,
        "the PCI host bridge has no window for memory BARs",
    );
    only(
        &[(
            window,
            "«[pci.ecam.windows]»\nio = { base = 0x5000_0000, size = \"64 KiB\" }\n",
        )],
        Code::NoMemoryWindow,
        "the PCI host bridge has no window for memory BARs",
    );
}

#[test]
fn the_image_and_the_stack_must_fit_in_ram() {
    let title = "the image and the stack do not fit in RAM";
    // The image reaches the end of RAM, the device tree, or reserved memory.
    only(
        &[
            (
                "base = 0x8000_0000",
                "base = 0x8000_0000\nsize = «\"2 MiB\"»",
            ),
            ("base = 0x83F0_0000", "base = 0x8000_0000"),
        ],
        Code::RamTooSmall,
        title,
    );
    only(
        &[
            ("load-address = 0x8008_0000", "load-address = 0x81F0_0000"),
            (
                "base = 0x8000_0000",
                "base = 0x8000_0000\nsize = «\"64 MiB\"»",
            ),
        ],
        Code::RamTooSmall,
        title,
    );
    only(
        &[("base = 0x83F0_0000", "base = «0x8010_0000»")],
        Code::RamTooSmall,
        title,
    );
    only(
        &[("base = 0x83F0_0000", "base = «0x8008_0000»")],
        Code::RamTooSmall,
        title,
    );
}

#[test]
fn a_stack_larger_than_ram_is_the_error() {
    only(
        &[("\nstack = \"64 KiB\"", "\nstack = «\"60 MiB\"»")],
        Code::RamTooSmall,
        "the image and the stack do not fit in RAM",
    );
}

#[test]
fn the_image_is_loaded_into_ram() {
    only(
        &[("load-address = 0x8008_0000", "load-address = «0x4008_0000»")],
        Code::BadLoadAddress,
        "the load address 0x4008_0000 is not in RAM",
    );
    only(
        &[("load-address = 0x8008_0000", "load-address = «0x8000_0000»")],
        Code::BadLoadAddress,
        "the loader puts its own code at the load address",
    );
}

#[test]
fn ram_must_start_at_a_multiple_of_2_mib_for_the_loader() {
    only(
        &[("base = 0x8000_0000", "base = «0x8001_0000»")],
        Code::BadLoadAddress,
        "`memory.ram.main` does not start at a multiple of 2 MiB",
    );
}

#[test]
fn qemus_memory_must_match_the_described_ram() {
    only(
        &[
            (
                "base = 0x8000_0000",
                "base = 0x8000_0000\nsize = \"128 MiB\"",
            ),
            ("memory = \"64 MiB\"", "memory = «\"64 MiB\"»"),
        ],
        Code::QemuMemory,
        "QEMU has less memory than the described RAM",
    );
    only(
        &[("memory = \"64 MiB\"", "memory = «\"65000 KiB\"»")],
        Code::QemuMemory,
        "`qemu.memory` is not a multiple of 1 MiB",
    );
}

#[test]
fn one_range_of_ram_may_have_any_size() {
    let board = fine(&[
        (
            "base = 0x8000_0000",
            "base = 0x8000_0000\n[memory.ram.low]\nbase = 0x0\nsize = \"16 MiB\"",
        ),
        ("memory = \"64 MiB\"", "memory = \"80 MiB\""),
    ]);
    let sizes: Vec<_> = board
        .memory
        .ram
        .iter()
        .map(|ram| (ram.expected_size >> 20, ram.size_is_stated))
        .collect();
    assert_eq!(sizes, [(16, true), (64, false)]);
    only(
        &[(
            "base = 0x8000_0000",
            "base = 0x8000_0000\n«[memory.ram.low]»\nbase = 0x0",
        )],
        Code::QemuMemory,
        "only one range of RAM can get its size from firmware",
    );
}

#[test]
fn semihosting_must_be_enabled_in_qemu() {
    only(
        &[
            ("arguments = [\"-semihosting-config\", \"enable=on\"]\n", ""),
            ("[power.semihosting]", "«[power.semihosting]»"),
        ],
        Code::QemuOption,
        "QEMU's arguments do not enable semihosting",
    );
}

#[test]
fn a_call_to_firmware_must_reach_a_higher_level() {
    only(
        &[
            ("exception-level = \"el1\"", "exception-level = \"el2\""),
            ("conduit = \"hvc\"", "conduit = «\"hvc\"»"),
        ],
        Code::WrongConduit,
        "this conduit does not reach the firmware",
    );
    fine(&[
        ("exception-level = \"el1\"", "exception-level = \"el2\""),
        ("conduit = \"hvc\"", "conduit = \"smc\""),
    ]);
}

#[test]
fn a_baud_rate_must_be_a_divided_clock() {
    only(
        &[("clock = \"24 MHz\"", "clock = \"24 MHz\"\nbaud = «3000000»")],
        Code::BadBaud,
        "3000000 baud is not possible with this clock",
    );
    fine(&[("clock = \"24 MHz\"", "clock = \"24 MHz\"\nbaud = 115200")]);
}

#[test]
fn one_register_may_power_off_and_reset() {
    let write = "[power.register-write]\n\
                 off = { address = 0x6100_0000, value = 1 }\n\
                 reset = { address = 0x6100_0000, value = 2 }\n[power.semihosting]";
    fine(&[("[power.semihosting]", write)]);
}

const ITS: &str = "its = { base = 0x1020_0000 }";
const V2M: &str = "v2m = { base = 0x1020_0000 }";

#[test]
fn a_gic_v3_delivers_messages_by_its_service_or_by_a_frame() {
    fine(&[(ITS, V2M), ("msi = \"its\"", "msi = \"v2m\"")]);
    let both = format!("{ITS}\nv2m = {{ base = 0x1030_0000 }}");
    for (part, word) in [(ITS, "v2m"), (V2M, "its"), (&both, "its"), (&both, "v2m")] {
        let other = format!("msi = «\"{word}\"»");
        only(
            &[(ITS, part), ("msi = \"its\"", &other)],
            Code::MsiMismatch,
            "the interrupt controller does not deliver these messages",
        );
    }
}

#[test]
fn redistributors_of_a_gic_v4_may_leave_a_rest() {
    let wide = "size = 0x000E_0000, stride = \"256 KiB\"";
    let board = fine(&[("size = \"1 MiB\"", wide)]);
    let config = format!("{:?}", board.interrupt_controller.part.code.config);
    assert!(config.contains("(\"count\", Decimal(3))"), "{config}");
    let narrow = "size = «\"128 KiB\"», stride = \"256 KiB\"";
    only(
        &[("size = \"1 MiB\"", narrow)],
        Code::BlockTooSmall,
        "`interrupt-controller.gic-v3.redistributors.size` has no room for a redistributor",
    );
}

#[test]
fn an_its_may_be_at_any_page() {
    fine(&[(ITS, "its = { base = 0x1020_1000 }")]);
    only(
        &[(ITS, "its = { base = «0x1020_0800» }")],
        Code::Misaligned,
        "`interrupt-controller.gic-v3.its.base` is not a multiple of 4 KiB",
    );
}
