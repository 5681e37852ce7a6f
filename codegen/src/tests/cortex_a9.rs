//! Tests the parts of a Cortex-A9.

use super::{Toy, fine, only};
use crate::board::PageTables;
use crate::diagnostic::Code;

const GIC_V3: &str = "[interrupt-controller.gic-v3]
distributor = { base = 0x1000_0000 }
redistributors = { base = 0x1010_0000, size = \"1 MiB\" }
its = { base = 0x1020_0000 }";

/// The edits that make the toy a 32-bit board with short descriptors.
const SHORT: [(&str, &str); 5] = [
    ("architecture = \"aarch64\"", "architecture = \"arm\""),
    ("system = \"aarch64\"", "system = \"arm\""),
    ("exception-level = \"el1\"", "exception-level = \"svc\""),
    ("[memory]\n", "[memory]\npage-tables = \"short\"\n"),
    ("base = 0x40_0000_0000", "base = 0x3F00_0000"),
];

/// A timer that every Cortex-A9 has.
const TIMER: &str = "[timer.cortex-a9-global]
base = 0x4100_0200
interrupt = { ppi = 11 }
clock = \"100 MHz\"";

/// Returns the edit that gives the toy this interrupt controller.
fn with_gic(keys: &str) -> [(&'static str, &str); 2] {
    [(GIC_V3, keys), ("msi = \"its\"", "")]
}

#[test]
fn short_descriptors_are_known_to_the_board() {
    assert_eq!(fine(&SHORT).memory.page_tables, PageTables::Short);
    assert_eq!(fine(&[]).memory.page_tables, PageTables::Long);
}

/// The edits of a 32-bit board with the processor at `cpu` and this table `[memory]`.
fn with_processor<'e>(cpu: &'e str, memory: &'e str) -> Vec<(&'e str, &'e str)> {
    let mut edits = SHORT.to_vec();
    edits[3] = ("[memory]\n", memory);
    edits.push(("cpu = \"toy-a1\"", cpu));
    let timer = "[timer.arm-generic]\ninterrupt = { ppi = 11 }";
    edits.push((timer, TIMER));
    edits
}

#[test]
fn a_processor_without_long_descriptors_needs_short_ones() {
    let title = "the processor, cortex-a9, has no long descriptors";
    let missing = with_processor("cpu = «\"cortex-a9\"»", "[memory]\n");
    only(&missing, Code::WrongArchitecture, title);
    let wrong = with_processor(
        "cpu = \"cortex-a9\"",
        "[memory]\npage-tables = «\"long\"»\n",
    );
    only(&wrong, Code::WrongArchitecture, title);
    fine(&with_processor(
        "cpu = \"cortex-a9\"",
        "[memory]\npage-tables = \"short\"\n",
    ));
    fine(&with_processor("cpu = \"cortex-a15\"", "[memory]\n"));
}

#[test]
fn short_descriptors_are_for_32_bit_arm_only() {
    only(
        &[("[memory]\n", "[memory]\npage-tables = «\"short\"»\n")],
        Code::WrongArchitecture,
        "`memory.page-tables = \"short\"` does not fit the architecture aarch64",
    );
}

#[test]
fn with_short_descriptors_nothing_above_4_gib_is_visible() {
    let mut edits = SHORT.to_vec();
    edits[4] = (
        "base = 0x40_0000_0000",
        "view = { base = 0x0100_0000, buses = 16 }\nbase = «0x40_0000_0000»",
    );
    let toy = Toy::with(&edits);
    let title = "`pci.ecam` goes beyond what 32 bits can address";
    toy.has_only(Code::OutsideAddressSpace, title);
    let told = toy.load().expect_err("the processor cannot reach it");
    assert!(told.to_string().contains("page-tables"), "{told}");
    edits[4].1 = "base = «0x40_0000_0000»";
    let toy = Toy::with(&edits);
    toy.has_only(Code::OutsideAddressSpace, title);
    let told = toy.load().expect_err("the processor cannot reach it");
    assert!(!told.to_string().contains("view = "), "{told}");
}

#[test]
fn a_cpu_interface_of_256_bytes_is_anywhere_on_their_grid() {
    let keys = |base: &str| {
        format!(
            "[interrupt-controller.gic-v2]\ndistributor = {{ base = 0x1000_1000 }}\n\
             cpu-interface = {{ base = {base}, size = 0x100 }}"
        )
    };
    fine(&with_gic(&keys("0x1000_0100")));
    only(
        &with_gic(&keys("«0x1000_0110»")),
        Code::Misaligned,
        "`interrupt-controller.gic-v2.cpu-interface.base` is not a multiple of 256 bytes",
    );
}

#[test]
fn a_cpu_interface_of_another_size_needs_two_pages() {
    let keys = "[interrupt-controller.gic-v2]\ndistributor = { base = 0x1000_1000 }\n\
                cpu-interface = { base = 0x1000_2000, size = «0x200» }";
    only(
        &with_gic(keys),
        Code::BlockTooSmall,
        "`interrupt-controller.gic-v2.cpu-interface` is too small for a GICv2's CPU interface",
    );
}

#[test]
fn the_global_timer_is_private_and_on_its_grid() {
    let timer = |keys: &str| format!("[timer.cortex-a9-global]\nclock = \"100 MHz\"\n{keys}");
    let with = |keys: &str| {
        let mut edits = SHORT.map(|(old, new)| (old, new.to_owned())).to_vec();
        edits.push(("[timer.arm-generic]\ninterrupt = { ppi = 11 }", timer(keys)));
        edits
    };
    let only_with = |keys: &str, code, title: &str| {
        let edits = with(keys);
        let edits: Vec<(&str, &str)> = edits.iter().map(|(old, new)| (*old, &**new)).collect();
        only(&edits, code, title);
    };
    only_with(
        "base = «0x1E00_0210»\ninterrupt = { ppi = 11 }",
        Code::Misaligned,
        "`timer.cortex-a9-global.base` is not a multiple of 256 bytes",
    );
    only_with(
        "base = 0x1E00_0200\ninterrupt = «{ spi = 11 }»",
        Code::WrongSpace,
        "`timer.cortex-a9-global.interrupt` cannot be a `spi` interrupt",
    );
}
