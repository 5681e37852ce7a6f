//! Tests keys and values in board files.

use super::{Toy, fine, only, other_places};
use crate::diagnostic::Code;

#[test]
fn tested_versions_are_some_and_distinct() {
    let tested = "tested = [\"7.2\"]";
    fine(&[(&format!("{tested}\n"), "")]);
    only(
        &[(tested, "tested = «[]»")],
        Code::BadText,
        "`qemu.tested` lists no version",
    );
    only(
        &[(tested, "tested = [\"7.2\", \"10.0\", «\"7.2\"»]")],
        Code::DuplicateKey,
        "`qemu.tested` lists version 7.2 twice",
    );
}

#[test]
fn a_misspelt_key_gets_a_suggestion() {
    only(
        &[("base = 0x2000_0000", "«bsae» = 0x2000_0000")],
        Code::UnknownKey,
        "unknown key `bsae` in [console.pl011]",
    );
}

#[test]
fn a_key_of_another_driver_is_unknown() {
    only(
        &[(
            "clock = \"24 MHz\"",
            "clock = \"24 MHz\"\n«register-shift» = 2",
        )],
        Code::UnknownKey,
        "unknown key `register-shift` in [console.pl011]",
    );
}

#[test]
fn an_unknown_table_is_reported() {
    only(
        &[("[undescribed]", "[«network».a]\n\n[undescribed]")],
        Code::UnknownKey,
        "unknown key `network` in the board",
    );
}

#[test]
fn a_missing_key_is_reported_at_its_table() {
    only(
        &[
            ("clock = \"24 MHz\"\n", ""),
            ("[console.pl011]", "«[console.pl011]»"),
        ],
        Code::MissingKey,
        "missing key `clock` in [console.pl011]",
    );
}

#[test]
fn a_missing_key_of_an_inline_table_is_reported_at_its_braces() {
    only(
        &[("{ base = 0x1000_0000 }", "«{ size = \"64 KiB\" }»")],
        Code::MissingKey,
        "missing key `base` in [interrupt-controller.gic-v3.distributor]",
    );
}

#[test]
fn a_missing_table_is_reported_at_the_board() {
    only(
        &[
            ("[timer.arm-generic]\ninterrupt = { ppi = 11 }\n", ""),
            ("[board]", "«[board]»"),
        ],
        Code::MissingKey,
        "missing table `timer` in the board",
    );
}

#[test]
fn a_board_without_ram_is_reported() {
    only(
        &[
            ("[memory.ram.main]\nbase = 0x8000_0000\n", ""),
            ("[memory]\n", "«[memory]»\n"),
        ],
        Code::MissingKey,
        "missing table `ram` in [memory]",
    );
    only(
        &[(
            "[memory.ram.main]\nbase = 0x8000_0000\n",
            "«[memory.ram]»\n",
        )],
        Code::MissingKey,
        "there is no RAM",
    );
}

#[test]
fn a_value_of_the_wrong_type_is_reported() {
    only(
        &[("count = 8", "count = «\"8\"»")],
        Code::WrongType,
        "`virtio-mmio.count` must be a number from 1 to 1024",
    );
    only(
        &[("base = 0x2000_0000", "base = «true»")],
        Code::WrongType,
        "`console.pl011.base` must be an address, such as 0x1234_5000",
    );
    only(
        &[("tested = [\"7.2\"]", "tested = «\"7.2\"»")],
        Code::WrongType,
        "`qemu.tested` must be a list, such as [\"a\", \"b\"]",
    );
}

#[test]
fn a_list_of_tables_is_not_a_table() {
    only(
        &[("[virtio-mmio]", "«[[virtio-mmio]]»")],
        Code::WrongType,
        "`virtio-mmio` must be a table, such as { base = ..., stride = ..., count = ..., interrupt = ... }",
    );
}

#[test]
fn a_word_that_is_not_one_of_the_choices_is_reported() {
    only(
        &[("conduit = \"hvc\"", "conduit = «\"hcv\"»")],
        Code::UnknownChoice,
        "`power.psci.conduit` cannot be \"hcv\"",
    );
    only(
        &[("architecture = \"aarch64\"", "architecture = «\"arm64\"»")],
        Code::UnknownChoice,
        "`board.architecture` cannot be \"arm64\"",
    );
}

#[test]
fn an_unknown_driver_is_reported() {
    only(
        &[("[console.pl011]", "[console.«pl0l1»]")],
        Code::UnknownDriver,
        "unknown driver `pl0l1` in [console]",
    );
}

#[test]
fn two_drivers_of_a_class_with_one_are_reported() {
    let edit = [(
        "[timer.arm-generic]",
        "[interrupt-controller.«gic-v2»]\ndistributor = { base = 0x0 }\n\
         cpu-interface = { base = 0x1_0000 }\n\n[timer.arm-generic]",
    )];
    only(
        &edit,
        Code::OneDriver,
        "[interrupt-controller] needs exactly one driver, but has two",
    );
    assert_eq!(other_places(&edit), ["gic-v3"]);
}

#[test]
fn a_driver_with_the_properties_of_another_is_reported_once() {
    only(
        &[(
            "[interrupt-controller.gic-v3]",
            "[interrupt-controller.«gic-v2»]",
        )],
        Code::OtherDriver,
        "[interrupt-controller.gic-v2] has the properties of `gic-v3`",
    );
}

#[test]
fn a_driver_without_its_class_is_reported_once() {
    only(
        &[("[interrupt-controller.gic-v3]", "[«gic-v3»]")],
        Code::UnknownKey,
        "unknown key `gic-v3` in the board",
    );
}

#[test]
fn ram_without_a_name_is_reported_once() {
    only(
        &[("[memory.ram.main]", "«[memory.ram]»")],
        Code::WrongType,
        "[memory.ram] contains an entry without a name",
    );
}

#[test]
fn properties_without_a_driver_are_reported_once() {
    only(
        &[("[console.pl011]", "«[console]»")],
        Code::OneDriver,
        "[console] names no driver",
    );
}

#[test]
fn an_invalid_address_is_reported() {
    only(
        &[("base = 0x2000_0000", "base = «20000000»")],
        Code::BadAddress,
        "`console.pl011.base` must be written in hexadecimal",
    );
    only(
        &[("base = 0x2000_0000", "base = «-1»")],
        Code::BadAddress,
        "`console.pl011.base` is negative",
    );
    only(
        &[("\"0x6000_0000\"", "«\"somewhere\"»")],
        Code::BadAddress,
        "`somewhere` is not an address",
    );
}

#[test]
fn a_size_or_frequency_without_its_unit_is_reported() {
    only(
        &[("memory = \"64 MiB\"", "memory = «64»")],
        Code::BadQuantity,
        "`qemu.memory` has no unit",
    );
    only(
        &[("clock = \"24 MHz\"", "clock = «\"24 Mhz\"»")],
        Code::BadQuantity,
        "`console.pl011.clock` must be a frequency, such as \"62.5 MHz\"",
    );
    only(
        &[("clock = \"24 MHz\"", "clock = «24000000»")],
        Code::BadQuantity,
        "`console.pl011.clock` has no unit",
    );
}

#[test]
fn an_interrupt_names_one_input() {
    only(
        &[("{ spi = 1 }", "«33»")],
        Code::BadInterrupt,
        "`console.pl011.interrupt` has a number without an interrupt space",
    );
    only(
        &[("{ spi = 1 }", "{ spi = 1, «ppi» = 1 }")],
        Code::BadInterrupt,
        "`console.pl011.interrupt` names more than one interrupt",
    );
    only(
        &[("{ spi = 1 }", "«{ trigger = \"edge\" }»")],
        Code::BadInterrupt,
        "`console.pl011.interrupt` names no interrupt",
    );
}

#[test]
fn a_number_outside_its_range_is_reported() {
    only(
        &[("count = 8", "count = «0»")],
        Code::BadNumber,
        "`virtio-mmio.count` must be a number from 1 to 1024",
    );
    only(
        &[("buses = 16", "buses = «257»")],
        Code::BadNumber,
        "`pci.ecam.buses` must be a number from 1 to 256",
    );
}

#[test]
fn text_that_would_end_its_line_is_reported() {
    only(
        &[("title = \"A toy\"", "title = «\"A\\ntoy\"»")],
        Code::BadText,
        "`board.title` must be a line of text",
    );
    only(
        &[(
            "reason = \"firmware keeps its state here\"",
            "reason = «\"\"»",
        )],
        Code::BadText,
        "`memory.reserved.firmware.reason` must be a line of text",
    );
    only(
        &[("tested = [\"7.2\"]", "tested = [«\"seven\"»]")],
        Code::BadText,
        "`qemu.tested[0]` is not a version of QEMU",
    );
    only(
        &[
            ("[memory.ram.main]", "[memory.ram.«Main_RAM»]"),
            (
                "[memory.reserved.firmware]\nbase = 0x83F0_0000\nsize = \"64 KiB\"\nreason = \"firmware keeps its state here\"\n",
                "[memory.ram.good]\nbase = 0x8000_0000\n",
            ),
        ],
        Code::BadText,
        "`Main_RAM` is not a name",
    );
}

#[test]
fn a_board_has_the_name_of_its_file() {
    only(
        &[("name = \"toy\"", "name = «\"tøy\"»")],
        Code::BadText,
        "`tøy` is not a name",
    );
    only(
        &[("name = \"toy\"", "name = «\"toi\"»")],
        Code::NameMismatch,
        "the board's name differs from its file's name, `toy`",
    );
}

#[test]
fn the_order_of_tables_means_nothing() {
    let swapped = fine(&[(
        "[power.semihosting]\n[power.psci]\nconduit = \"hvc\"",
        "[power.psci]\nconduit = \"hvc\"\n[power.semihosting]",
    )]);
    assert_eq!(swapped, fine(&[]));
}

#[test]
fn a_default_may_be_stated() {
    let said = fine(&[(
        "interrupt = { ppi = 11 }",
        "interrupt = { ppi = 11, trigger = \"level\" }\ncounter = \"virtual\"",
    )]);
    assert_eq!(said, fine(&[]));
}

#[test]
fn a_word_at_the_end_of_a_longer_one_is_suggested() {
    for (right, wrong, meant) in [
        (
            "system = \"aarch64\"",
            "system = \"qemu-system-aarch64\"",
            "aarch64",
        ),
        ("msi = \"its\"", "msi = \"gic-v2m\"", "v2m"),
    ] {
        let text = Toy::with(&[(right, wrong)]).load().unwrap_err().to_string();
        assert!(
            text.contains(&format!("did you mean \"{meant}\"?")),
            "{text}"
        );
    }
}

#[test]
fn a_name_with_other_separators_is_suggested() {
    let extends = "schema = 1\nextends = \"Virt_Arm64\"";
    let text = Toy::with(&[("schema = 1", extends)])
        .load()
        .unwrap_err()
        .to_string();
    assert!(text.contains("help: write virt-arm64"), "{text}");
}

#[test]
fn a_number_in_quotes_gets_its_unit() {
    let clock = "clock = \"24 MHz\"";
    let text = Toy::with(&[(clock, "clock = \"3686400\"")])
        .load()
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("if Hz are meant, write \"3686400 Hz\""),
        "{text}"
    );
}

#[test]
fn options_that_other_keys_or_run_write_are_reported() {
    let arguments = "arguments = [\"-semihosting-config\", \"enable=on\"";
    let wrong = |option: &str| format!("{arguments}, «\"{option}\"»");
    for option in ["-M", "-machine", "--machine"] {
        only(
            &[(arguments, &wrong(option))],
            Code::BadText,
            "`qemu.arguments[2]` contradicts `qemu.machine`",
        );
    }
    for option in ["-kernel", "-append", "-nographic"] {
        only(
            &[(arguments, &wrong(option))],
            Code::BadText,
            "`qemu.arguments[2]` is an option of `run`",
        );
    }
}
