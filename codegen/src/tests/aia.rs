//! Tests of the interrupt controllers of the RISC-V Advanced Interrupt Architecture.

use super::Toy;
use super::riscv::RISCV;
use crate::Board;
use crate::diagnostic::Code;

const PLIC: &str =
    "[interrupt-controller.plic]\nbase = 0x1000_0000\nsize = \"4 MiB\"\nsources = 40";
const APLIC: &str =
    "[interrupt-controller.aplic]\nsupervisor = { base = 0x1000_0000 }\nsources = 40";

const PAYLOAD: &str = "[boot.sbi-payload]\nload-address = 0x8020_0000";
const EITHER: &str = "[boot.machine-mode]\nentry = 0x8000_0000\nload-address = 0x8020_0000";
const SSTC: &str = "[timer.sstc]";
const CLINT: &str = "[timer.clint]\nbase = 0x0200_0000\nsupervisor = \"sbi\"";

/// The board with an APLIC, and with some of its text replaced.
fn with(edits: &[(&str, &str)]) -> Toy {
    let text = RISCV.replace(PLIC, APLIC).replace("{ plic", "{ aplic");
    let text = edits.iter().fold(text, |text, (old, new)| {
        assert_eq!(text.matches(old).count(), 1, "{old:?} is not there once");
        text.replace(old, new)
    });
    Toy::from(&text)
}

fn fine(edits: &[(&str, &str)]) -> Board {
    with(edits).load().unwrap_or_else(|told| panic!("{told}"))
}

fn only(edits: &[(&str, &str)], code: Code, title: &str) {
    with(edits).has_only(code, title);
}

#[test]
fn sources_of_an_aplic_keep_their_numbers_and_take_any_trigger() {
    let low = "{ aplic = 10, trigger = \"level-low\" }";
    let board = fine(&[("{ aplic = 10 }", low)]);
    let numbers: Vec<(u32, u32)> = board
        .interrupts
        .iter()
        .map(|claim| (claim.what.number, claim.what.count))
        .collect();
    assert_eq!(numbers, [(1, 8), (10, 1), (32, 4)]);
}

#[test]
fn an_aplic_has_a_domain_for_each_mode_that_the_kernel_may_be_entered_in() {
    let missing = "«[interrupt-controller.aplic]»\nsources = 40";
    only(
        &[(APLIC, missing)],
        Code::MissingKey,
        "[interrupt-controller.aplic] needs `supervisor`",
    );
    let header = "[interrupt-controller.aplic]\n";
    only(
        &[
            (PAYLOAD, EITHER),
            (SSTC, CLINT),
            (header, "«[interrupt-controller.aplic]»\n"),
        ],
        Code::MissingKey,
        "[interrupt-controller.aplic] needs `machine`",
    );
    let both = format!("{header}machine = {{ base = 0x1100_0000 }}\n");
    fine(&[(PAYLOAD, EITHER), (SSTC, CLINT), (header, &both)]);
    let unused = format!("{header}machine = «{{ base = 0x1100_0000 }}»\n");
    only(
        &[(header, &unused)],
        Code::WrongMode,
        "`interrupt-controller.aplic.machine` is never used",
    );
}

#[test]
fn a_domain_has_room_for_its_deliveries() {
    only(
        &[(
            "{ base = 0x1000_0000 }",
            "{ base = 0x1000_0000, size = «\"16 KiB\"» }",
        )],
        Code::BlockTooSmall,
        "`interrupt-controller.aplic.supervisor` is too small for an APLIC's domain",
    );
}

#[test]
fn an_aplic_has_no_source_0_and_none_above_its_last() {
    only(
        &[("{ aplic = 10 }", "«{ aplic = 0 }»")],
        Code::InterruptOutOfRange,
        "there is no interrupt `aplic = 0`",
    );
    only(
        &[("{ aplic = 10 }", "«{ aplic = 41 }»")],
        Code::InterruptOutOfRange,
        "there is no interrupt `aplic = 41`",
    );
    only(
        &[("{ aplic = 10 }", "«{ plic = 10 }»")],
        Code::WrongSpace,
        "`interrupt-controller.aplic` has no `plic` interrupts",
    );
}

const IMSIC: &str = "[interrupt-controller.imsic]\n\
                     supervisor = { files = 0x1800_0000, aplic = { base = 0x1000_0000 } }\n\
                     identities = 127\nsources = 40";
const INTX: &str = "intx = { aplic = 32 }";
const MSI: &str = "intx = { aplic = 32 }\nmsi = \"imsic\"";

#[test]
fn interrupt_files_receive_the_messages_of_functions_and_an_aplic_alone_does_not() {
    let board = fine(&[(APLIC, IMSIC), (INTX, MSI)]);
    let msi = board.pci.and_then(|pci| pci.msi).expect("messages");
    assert_eq!(msi.word, "imsic");
    only(
        &[(INTX, "intx = { aplic = 32 }\nmsi = «\"imsic\"»")],
        Code::MsiMismatch,
        "the interrupt controller does not deliver these messages",
    );
    only(
        &[
            (APLIC, IMSIC),
            (INTX, "intx = { aplic = 32 }\nmsi = «\"its\"»"),
        ],
        Code::MsiMismatch,
        "the interrupt controller does not deliver these messages",
    );
}

#[test]
fn the_words_for_messages_are_those_of_all_controllers_each_once() {
    let edits = [(INTX, "intx = { aplic = 32 }\nmsi = «\"its2\"»")];
    only(
        &edits,
        Code::UnknownChoice,
        "`pci.ecam.msi` cannot be \"its2\"",
    );
    let crate::language::schema::Kind::Choice(words) =
        <crate::board::Msi as crate::language::Read>::KIND
    else {
        panic!("not a choice");
    };
    let words: Vec<&str> = words.iter().map(|choice| choice.word).collect();
    assert_eq!(words, ["v2m", "its", "local-apic", "imsic"]);
}

#[test]
fn interrupt_files_are_there_for_each_mode_that_the_kernel_may_be_entered_in() {
    let level = "supervisor = { files = 0x1800_0000, aplic = { base = 0x1000_0000 } }\n";
    let missing = IMSIC.replace(level, "");
    let missing = missing.replace(
        "[interrupt-controller.imsic]",
        "«[interrupt-controller.imsic]»",
    );
    only(
        &[(APLIC, &missing)],
        Code::MissingKey,
        "[interrupt-controller.imsic] needs `supervisor`",
    );
    let unused = "machine = «{ files = 0x1400_0000, aplic = { base = 0x1100_0000 } }»\nidentities";
    only(
        &[(APLIC, &IMSIC.replace("identities", unused))],
        Code::WrongMode,
        "`interrupt-controller.imsic.machine` is never used",
    );
}

#[test]
fn each_source_of_an_imsic_has_an_identity_of_its_own() {
    let many = IMSIC.replace("127\nsources = 40", "63\nsources = «64»");
    only(
        &[(APLIC, &many)],
        Code::BadNumber,
        "`interrupt-controller.imsic.sources` is more than the identities of an interrupt file",
    );
}

#[test]
fn interrupt_files_are_a_power_of_two_apart() {
    for stride in ["\"12 KiB\"", "\"2 KiB\"", "\"1 MiB\""] {
        let wrong = format!("stride = «{stride}»\nidentities");
        only(
            &[(APLIC, &IMSIC.replace("identities", &wrong))],
            Code::Misaligned,
            "`interrupt-controller.imsic.stride` is not the distance between interrupt files",
        );
    }
}

#[test]
fn interrupt_files_overlap_nothing() {
    let near = IMSIC.replace("files = 0x1800_0000", "files = «0x1000_1000»");
    assert!(with(&[(APLIC, &near)]).load().is_err());
}

const FURTHER_APLIC: &str = "sources = 40\nfurther.east = { supervisor = { base = 0x1100_0000 }, \
                             sources = 20, first-hart = 2 }";

#[test]
fn the_aplic_of_another_socket_has_numbers_of_its_own() {
    let board = fine(&[
        ("sources = 40", FURTHER_APLIC),
        ("{ aplic = 1 }", "{ aplic = 10, controller = \"east\" }"),
    ]);
    let numbers = board.interrupts.iter().map(|claim| claim.what.number);
    assert_eq!(numbers.collect::<Vec<_>>(), [10, 32, 2048 + 10]);
    let driver = &board.interrupt_controller.part.code.driver;
    assert_eq!(driver, "Aplics<Mmio, P, 2>");
    let keys = board.interrupt_controller.part.registers.iter();
    let keys: Vec<&str> = keys.map(|block| block.key.as_str()).collect();
    let table = "interrupt-controller.aplic";
    let supervisor = format!("{table}.supervisor");
    let further = format!("{table}.further.east.supervisor");
    assert_eq!(keys, [supervisor, further]);
}

#[test]
fn the_aplic_of_another_socket_has_a_domain_for_each_mode_of_the_kernel() {
    let header = "[interrupt-controller.aplic]\n";
    let both = format!("{header}machine = {{ base = 0x1200_0000 }}\n");
    let in_either = |further: &str| {
        with(&[
            (PAYLOAD, EITHER),
            (SSTC, CLINT),
            (header, &both),
            ("sources = 40", further),
        ])
    };
    let msip = FURTHER_APLIC.replace("first-hart = 2", "first-hart = 2, msip = 0x0202_0000");
    let marked = msip.replace("{ supervisor = {", "«{ supervisor = {");
    in_either(&format!("{marked}»")).has_only(
        Code::MissingKey,
        "[interrupt-controller.aplic.further.east] needs `machine`",
    );
    let machine = "{ machine = { base = 0x1300_0000 }, supervisor = {";
    let board = in_either(&msip.replace("{ supervisor = {", machine)).load();
    let board = board.unwrap_or_else(|told| panic!("{told}"));
    let relays = board.interrupt_controller.relays.iter();
    let relays: Vec<_> = relays.map(|one| (one.hart, one.msip, one.kernel)).collect();
    assert_eq!(relays, [(2, 0x0202_0000, 0x0200_0000)]);
    only(
        &[(
            "sources = 40",
            &msip.replace("0x0202_0000", "«0x0202_0000»"),
        )],
        Code::WrongMode,
        "`interrupt-controller.aplic.further.east.msip` is never used",
    );
}

#[test]
fn an_aplic_of_another_socket_is_selected_by_its_name() {
    let unknown = "{ aplic = 10, controller = \"west\" }";
    only(
        &[
            ("sources = 40", FURTHER_APLIC),
            ("{ aplic = 10 }", &format!("«{unknown}»")),
        ],
        Code::BadInterrupt,
        "`interrupt-controller.aplic` has no further controller `west`",
    );
}

/// A second socket of the board with interrupt files.
const FURTHER_IMSIC: &str = "sources = 40\nhart-index-bits = 2\nfurther.east = { supervisor = { files = \
     0x1900_0000, aplic = { base = 0x1100_0000 } }, sources = 20, first-hart = 3 }";

/// A third socket, after [`FURTHER_IMSIC`].
const THIRD: &str = "further.west = { supervisor = { files = 0x1a00_0000, aplic = { base = 0x1200_0000 } }, \
     sources = 20, first-hart = 5 }";

/// The board with interrupt files of two sockets, with some of its text replaced.
fn two_sockets(edits: &[(&str, &str)]) -> Toy {
    let imsic = IMSIC.replace("sources = 40", FURTHER_IMSIC);
    let imsic = edits.iter().fold(imsic, |imsic, (old, new)| {
        assert_eq!(imsic.matches(old).count(), 1, "{old:?} is not there once");
        imsic.replace(old, new)
    });
    with(&[(APLIC, &imsic)])
}

#[test]
fn sources_of_all_sockets_have_numbers_and_identities_of_their_own() {
    let imsic = IMSIC.replace("sources = 40", FURTHER_IMSIC);
    let board = fine(&[
        (APLIC, &imsic),
        ("{ aplic = 1 }", "{ aplic = 10, controller = \"east\" }"),
        (INTX, MSI),
    ]);
    let numbers = board.interrupts.iter().map(|claim| claim.what.number);
    assert_eq!(numbers.collect::<Vec<_>>(), [10, 32, 2048 + 10]);
    let part = &board.interrupt_controller.part;
    assert_eq!(part.code.driver, "Imsics<Mmio, P, 2>");
    let config = format!("{:?}", part.code.config);
    // The first hart of socket 1, with two bits for those of a socket.
    assert!(config.contains("(\"first_index\", Decimal(4))"), "{config}");
    assert!(part.card.contains("the first 60 for"), "{}", part.card);
    // The driver uses 1023 identities at most.
    for (identities, own, sources) in [(63, 40, 24), (127, 40, 88), (2047, 600, 600)] {
        let many = imsic.replace("127", &identities.to_string());
        let many = many.replace("sources = 40", &format!("sources = {own}"));
        let many = many.replace("sources = 20", &format!("sources = «{sources}»"));
        only(
            &[(APLIC, &many)],
            Code::BadNumber,
            "the sources of all sockets are more than the identities of an interrupt file",
        );
    }
}

#[test]
fn a_further_socket_of_interrupt_files_works_in_either_mode() {
    let header = "[interrupt-controller.imsic]\n";
    let own = "machine = { files = 0x1400_0000, aplic = { base = 0x1200_0000 } }\n";
    let machine =
        "{ machine = { files = 0x1500_0000, aplic = { base = 0x1300_0000 } }, supervisor =";
    let imsic = IMSIC.replace("sources = 40", FURTHER_IMSIC);
    let imsic = imsic.replace(header, &format!("{header}{own}"));
    let both = imsic.replace("east = { supervisor =", &format!("east = {machine}"));
    fine(&[(APLIC, &both), (PAYLOAD, EITHER), (SSTC, CLINT)]);
    let missing = imsic.replace("east = {", "east = «{");
    let missing = missing.replace("first-hart = 3 }", "first-hart = 3 }»");
    only(
        &[(APLIC, &missing), (PAYLOAD, EITHER), (SSTC, CLINT)],
        Code::MissingKey,
        "[interrupt-controller.imsic.further.east] needs `machine`",
    );
}

#[test]
fn the_card_of_interrupt_files_has_the_identities_that_the_driver_uses() {
    let most = IMSIC.replace("127", "2047");
    let board = fine(&[(APLIC, &most)]);
    let card = &board.interrupt_controller.part.card;
    assert!(card.starts_with("IMSIC, identities 1 to 1023;"), "{card}");
}

#[test]
fn further_sockets_of_interrupt_files_need_the_number_of_index_bits() {
    two_sockets(&[
        ("hart-index-bits = 2\n", ""),
        (
            "[interrupt-controller.imsic]",
            "«[interrupt-controller.imsic]»",
        ),
    ])
    .has_only(
        Code::MissingKey,
        "[interrupt-controller.imsic] needs `hart-index-bits`",
    );
}

#[test]
fn the_index_bits_number_all_harts_of_a_socket() {
    two_sockets(&[("hart-index-bits = 2", "hart-index-bits = «1»")]).has_only(
        Code::BadNumber,
        "`interrupt-controller.imsic.hart-index-bits` is too small for the harts of a socket",
    );
    let second = [
        ("first-hart = 3 }", &*format!("first-hart = 3 }}\n{THIRD}")),
        ("first-hart = 5", "first-hart = 8"),
        ("hart-index-bits = 2", "hart-index-bits = «2»"),
    ];
    two_sockets(&second).has_only(
        Code::BadNumber,
        "`interrupt-controller.imsic.hart-index-bits` is too small for the harts of a socket",
    );
}

#[test]
fn the_index_bits_number_all_harts_that_qemu_starts() {
    let memory = "memory = \"64 MiB\"";
    let imsic = IMSIC.replace("sources = 40", FURTHER_IMSIC);
    let started = |harts: u32, bits: &str| {
        let imsic = imsic.replace("bits = 2", bits);
        let memory_and_harts = format!("{memory}\narguments = [\"-smp\", \"{harts}\"]");
        with(&[(APLIC, &imsic), (memory, &memory_and_harts)])
    };
    // Socket 1 has the harts from hart 3 on.
    started(7, "bits = 2").load().expect("four harts");
    started(8, "bits = «2»").has_only(
        Code::BadNumber,
        "`interrupt-controller.imsic.hart-index-bits` is too small for the harts of a socket",
    );
}

#[test]
fn the_indices_of_all_sockets_fit_in_a_target() {
    let third = ("first-hart = 3 }", &*format!("first-hart = 3 }}\n{THIRD}"));
    let bits = |bits| ("hart-index-bits = 2", bits);
    for fits in [
        &[bits("hart-index-bits = 13")][..],
        &[third, bits("hart-index-bits = 12")],
    ] {
        let told = two_sockets(fits).load().err();
        assert!(told.is_none(), "{told:?}");
    }
    two_sockets(&[third, bits("hart-index-bits = «13»")]).has_only(
        Code::BadNumber,
        "`interrupt-controller.imsic.hart-index-bits` is too large for 3 sockets",
    );
}

#[test]
fn sockets_of_interrupt_files_are_in_the_order_of_their_harts() {
    let third = format!("first-hart = 3 }}\n{THIRD}");
    two_sockets(&[
        ("first-hart = 3 }", &third),
        ("first-hart = 5", "first-hart = «2»"),
    ])
    .has_only(
        Code::BadNumber,
        "the sockets are not in the order of their harts",
    );
}

#[test]
fn interrupt_files_of_all_harts_of_a_socket_overlap_nothing() {
    for (files, is_fine) in [("0x1800_3000", true), ("0x1800_2000", false)] {
        let near = two_sockets(&[("0x1900_0000", files)]);
        let told = near.load().err();
        let codes = told.iter().flat_map(|told| told.iter().map(|one| one.code));
        let expected = [Code::Overlap];
        let expected = if is_fine { &[][..] } else { &expected };
        assert_eq!(codes.collect::<Vec<_>>(), expected, "{files}");
    }
    // Two harts of a socket have files 8 KiB apart.
    two_sockets(&[
        ("identities", "stride = \"8 KiB\"\nidentities"),
        ("0x1900_0000", "0x1800_6000"),
    ])
    .load()
    .expect("nothing overlaps");
}
