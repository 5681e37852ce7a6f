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
