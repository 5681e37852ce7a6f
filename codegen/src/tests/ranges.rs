//! Tests ranges of addresses in board files.

use super::{Toy, fine, only, other_places};
use crate::diagnostic::Code;

#[test]
fn an_empty_range_is_reported() {
    only(
        &[(
            "{ base = 0x1000_0000 }",
            "{ base = 0x1000_0000, size = «0x0» }",
        )],
        Code::EmptyRange,
        "`interrupt-controller.gic-v3.distributor` is empty",
    );
    only(
        &[("size = \"256 MiB\"", "size = «\"0 MiB\"»")],
        Code::EmptyRange,
        "`pci.ecam.windows.memory32` is empty",
    );
    only(
        &[("\nstack = \"64 KiB\"", "\nstack = «\"0 KiB\"»")],
        Code::EmptyRange,
        "the stack is empty",
    );
}

#[test]
fn a_range_smaller_than_its_registers_is_reported() {
    only(
        &[(
            "{ base = 0x1020_0000 }",
            "{ base = 0x1020_0000, size = «\"64 KiB\"» }",
        )],
        Code::BlockTooSmall,
        "`interrupt-controller.gic-v3.its` is too small for an ITS",
    );
    only(
        &[("stride = 0x200", "stride = «0x100»")],
        Code::BlockTooSmall,
        "the stride is smaller than a slot's registers",
    );
    only(
        &[("\nstack = \"64 KiB\"", "\nstack = «\"4 KiB\"»")],
        Code::BlockTooSmall,
        "the stack is too small",
    );
    only(
        &[(
            "size = \"1 MiB\"",
            "size = \"1 MiB\", stride = «\"64 KiB\"»",
        )],
        Code::BlockTooSmall,
        "`interrupt-controller.gic-v3.redistributors.stride` is not the size of a redistributor",
    );
}

#[test]
fn each_driver_sets_the_alignment_of_its_range() {
    for (old, new, title) in [
        (
            "base = 0x2000_0000",
            "base = «0x2000_0800»",
            "`console.pl011.base` is not a multiple of 4 KiB",
        ),
        (
            "base = 0x1000_0000",
            "base = «0x1000_1000»",
            "`interrupt-controller.gic-v3.distributor.base` is not a multiple of 64 KiB",
        ),
        (
            "base = 0x40_0000_0000",
            "base = «0x40_0080_0000»",
            "`pci.ecam.base` is not a multiple of 16 MiB",
        ),
        (
            "base = 0x3000_0000",
            "base = «0x3000_0100»",
            "`virtio-mmio.base` is not a multiple of 512 bytes",
        ),
        (
            "size = \"256 MiB\"",
            "size = «0x1000_0800»",
            "the size of `pci.ecam.windows.memory32` is not a multiple of 4 KiB",
        ),
        (
            "stack = \"64 KiB\"\n[",
            "stack = «\"65 bytes\"»\n[",
            "the size of the stack is not a multiple of 4 KiB",
        ),
        (
            "size = \"1 MiB\"",
            "size = «\"192 KiB\"»",
            "`interrupt-controller.gic-v3.redistributors.size` is not a multiple of 128 KiB",
        ),
        (
            "load-address = 0x8008_0000",
            "load-address = «0x8008_0010»",
            "`boot.linux-image.load-address` is not a multiple of 4 KiB",
        ),
        (
            "stride = 0x200",
            "stride = «0x201»",
            "`virtio-mmio.stride` is not a multiple of 4 bytes",
        ),
    ] {
        only(&[(old, new)], Code::Misaligned, title);
    }
}

#[test]
fn a_range_beyond_the_address_space_is_reported() {
    only(
        &[("base = 0x2000_0000", "base = «0x1_0000_0000_0000»")],
        Code::OutsideAddressSpace,
        "`console.pl011` goes beyond what 48 bits can address",
    );
}

#[test]
fn a_range_beyond_64_bits_is_reported() {
    only(
        &[("base = 0x2000_0000", "base = «0xFFFF_FFFF_FFFF_F000»")],
        Code::OutsideAddressSpace,
        "`console.pl011` goes beyond what 48 bits can address",
    );
}

#[test]
fn a_range_may_include_the_last_byte_of_the_address_space() {
    fine(&[("base = 0x2000_0000", "base = 0xFFFF_FFFF_F000")]);
}

#[test]
fn two_ranges_that_overlap_are_reported_with_both_locations() {
    // Of two equal claims, the later one in the file is reported.
    let edit = [("base = 0x3000_0000", "base = «0x2000_0000»")];
    only(
        &edit,
        Code::Overlap,
        "`virtio-mmio` overlaps `console.pl011`",
    );
    assert_eq!(other_places(&edit), ["0x2000_0000"]);
}

#[test]
fn ranges_that_touch_do_not_overlap() {
    fine(&[("base = 0x2000_0000", "base = 0x2FFF_F000")]);
}

#[test]
fn one_byte_is_an_overlap() {
    // 8 slots of 0x200 end where the console begins, and then 4 bytes later.
    fine(&[("base = 0x3000_0000", "base = 0x1FFF_F000")]);
    only(
        &[(
            "base = 0x3000_0000\nstride = 0x200",
            "base = «0x1FFF_F200»\nstride = 0x200",
        )],
        Code::Overlap,
        "`virtio-mmio` overlaps `console.pl011`",
    );
}

#[test]
fn registers_overlap_ram_whose_size_comes_from_firmware() {
    only(
        &[("base = 0x2000_0000", "base = «0x8100_0000»")],
        Code::Overlap,
        "`console.pl011` overlaps `memory.ram.main`",
    );
}

#[test]
fn a_range_that_overlaps_many_is_reported_once() {
    let edit = [(
        "{ base = 0x5000_0000, size = \"256 MiB\" }",
        "{ base = «0x1000_0000», size = 0x2500_0000 }",
    )];
    only(
        &edit,
        Code::Overlap,
        "`pci.ecam.windows.memory32` overlaps 5 other ranges",
    );
    assert_eq!(
        other_places(&edit),
        [
            "0x1000_0000",
            "0x1010_0000",
            "0x1020_0000",
            "0x2000_0000",
            "0x3000_0000"
        ]
    );
}

#[test]
fn reserved_memory_lies_in_ram() {
    only(
        &[("base = 0x83F0_0000", "base = «0x83FF_F000»")],
        Code::ReservedOutsideRam,
        "`memory.reserved.firmware` does not lie in RAM",
    );
    // The overlap with registers has the same cause.
    only(
        &[("base = 0x83F0_0000", "base = «0x2000_0000»")],
        Code::ReservedOutsideRam,
        "`memory.reserved.firmware` does not lie in RAM",
    );
}

#[test]
fn two_reserved_ranges_do_not_overlap() {
    only(
        &[(
            "[interrupt-controller.gic-v3]",
            "[memory.reserved.more]\nbase = «0x83F0_F000»\nsize = \"8 KiB\"\nreason = \"x\"\n\n\
             [interrupt-controller.gic-v3]",
        )],
        Code::Overlap,
        "`memory.reserved.more` overlaps `memory.reserved.firmware`",
    );
}

#[test]
fn a_32_bit_window_is_below_4_gib() {
    only(
        &[("base = 0x5000_0000", "base = «0x1_0000_0000»")],
        Code::WindowAbove4GiB,
        "`pci.ecam.windows.memory32` goes beyond what 32 bits can address",
    );
    only(
        &[("base = 0x5000_0000", "base = «0xF000_1000»")],
        Code::WindowAbove4GiB,
        "`pci.ecam.windows.memory32` goes beyond what 32 bits can address",
    );
}

#[test]
fn a_waiver_allows_the_overlap_that_it_names() {
    let board = fine(&[
        ("base = 0x2000_0000", "base = 0x3000_0000"),
        (
            "[undescribed]",
            "[waiver.shared-page]\nbetween = [\"console.pl011\", \"virtio-mmio\"]\n\
             reason = \"the toy decodes them by width\"\n\n[undescribed]",
        ),
    ]);
    assert_eq!(board.waivers[0].name, "shared-page");
}

#[test]
fn an_unused_waiver_is_reported() {
    only(
        &[(
            "[undescribed]",
            "«[waiver.shared-page]»\nbetween = [\"console.pl011\", \"virtio-mmio\"]\n\
             reason = \"the toy decodes them by width\"\n\n[undescribed]",
        )],
        Code::UnusedWaiver,
        "`waiver.shared-page` is not needed",
    );
}

#[test]
fn a_waiver_must_name_existing_claims() {
    only(
        &[(
            "[undescribed]",
            "[waiver.shared-page]\nbetween = [«\"console.pl01l\"», \"virtio-mmio\"]\n\
             reason = \"the toy decodes them by width\"\n\n[undescribed]",
        )],
        Code::WaiverUnknownKey,
        "`console.pl01l` claims no range and no interrupt",
    );
    only(
        &[(
            "[undescribed]",
            "[waiver.shared-page]\nbetween = «[\"virtio-mmio\"]»\n\
             reason = \"the toy decodes them by width\"\n\n[undescribed]",
        )],
        Code::WaiverUnknownKey,
        "`waiver.shared-page.between` must contain two different paths",
    );
}

#[test]
fn a_waiver_has_a_reason() {
    only(
        &[
            ("base = 0x2000_0000", "base = 0x3000_0000"),
            (
                "[undescribed]",
                "«[waiver.shared-page]»\nbetween = [\"console.pl011\", \"virtio-mmio\"]\n\n[undescribed]",
            ),
        ],
        Code::MissingKey,
        "missing key `reason` in [waiver.shared-page]",
    );
}

#[test]
fn a_described_address_cannot_be_undescribed() {
    only(
        &[("\"0x6000_0000\"", "«\"0x2000_0FFF\"»")],
        Code::UndescribedIsDescribed,
        "0x2000_0FFF is both described and left out",
    );
}

#[test]
fn the_base_is_checked_even_if_the_size_is_invalid() {
    let toy = Toy::with(&[(
        "base = 0x2000_0000\n",
        "base = 0x2000_0010\nsize = \"4 KB\"\n",
    )]);
    let told = toy.load().unwrap_err();
    let codes: Vec<Code> = told.iter().map(|one| one.code).collect();
    assert_eq!(codes, [Code::Misaligned, Code::BadQuantity], "{told}");
}
