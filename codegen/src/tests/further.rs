//! Boards with several interrupt controllers of a kind.

use super::{Toy, riscv};
use crate::Board;
use crate::diagnostic::Code;

const SOURCES: &str = "sources = 40";
const FURTHER: &str = "sources = 40
further.east = { base = 0x1100_0000, size = \"4 MiB\", sources = 20, first-hart = 2 }
further.west = { base = 0x1200_0000, size = \"4 MiB\", sources = 20, first-hart = 4 }";

/// The RISC-V board with two further PLICs and other changes.
fn with(changes: &[(&str, &str)]) -> Toy {
    let mut all = vec![(SOURCES, FURTHER)];
    all.extend(changes);
    riscv::with(&all)
}

fn fine(changes: &[(&str, &str)]) -> Board {
    with(changes).load().unwrap_or_else(|told| panic!("{told}"))
}

#[test]
fn each_controller_has_its_own_numbers() {
    let board = fine(&[
        ("{ plic = 1 }", "{ plic = 10, controller = \"east\" }"),
        (
            "{ plic = 32 }",
            "{ plic = 10, controller = \"west\", trigger = \"edge\" }",
        ),
    ]);
    let numbers = board.interrupts.iter().map(|claim| claim.what.number);
    assert_eq!(numbers.collect::<Vec<_>>(), [10, 2048 + 10, 4096 + 10]);
    let driver = &board.interrupt_controller.part.code.driver;
    assert_eq!(driver, "Plics<Mmio, P, 3>");
}

#[test]
fn a_board_with_one_controller_has_the_driver_of_one() {
    let board = riscv::with(&[]).load().unwrap();
    let driver = &board.interrupt_controller.part.code.driver;
    assert_eq!(driver, "Plic<Mmio, P>");
}

#[test]
fn the_range_of_numbers_is_that_of_the_named_controller() {
    with(&[("{ plic = 1 }", "«{ plic = 15, controller = \"east\" }»")]).has_only(
        Code::InterruptOutOfRange,
        "there is no interrupt `plic = 22, controller = \"east\"`",
    );
    let told = with(&[("{ plic = 10 }", "{ plic = 41 }")])
        .load()
        .unwrap_err();
    let text = told.to_string();
    assert!(text.contains("`plic` goes from 1 to 40"), "{text}");
    with(&[("{ plic = 10 }", "«{ plic = 0, controller = \"west\" }»")]).has_only(
        Code::InterruptOutOfRange,
        "there is no interrupt `plic = 0, controller = \"west\"`",
    );
}

#[test]
fn an_interrupt_is_claimed_twice_only_within_one_controller() {
    fine(&[("{ plic = 1 }", "{ plic = 10, controller = \"east\" }")]);
    with(&[
        ("{ plic = 10 }", "{ plic = 3, controller = \"east\" }"),
        ("{ plic = 1 }", "«{ plic = 1, controller = \"east\" }»"),
    ])
    .has_only(
        Code::InterruptTwice,
        "interrupt `plic = 3, controller = \"east\"` is claimed twice",
    );
}

#[test]
fn the_number_of_a_further_controller_is_not_taken_for_that_of_another() {
    let twice = [
        ("{ plic = 10 }", "{ plic = 3, controller = \"east\" }"),
        ("{ plic = 1 }", "{ plic = 1, controller = \"east\" }"),
    ];
    let far = [("{ plic = 10 }", "{ plic = 25, controller = \"east\" }")];
    for wrong in [&twice[..], &far] {
        let text = with(wrong).load().unwrap_err().to_string();
        assert!(!text.contains("the controller's own number"), "{text}");
    }
}

#[test]
fn a_wrong_space_is_told_with_each_word_once() {
    let wrong = [("{ plic = 10 }", "{ spi = 10 }")];
    let text = with(&wrong).load().unwrap_err().to_string();
    assert!(text.contains("it has `plic`\n"), "{text}");
    assert!(text.contains("write { plic = 10 }"), "{text}");
}

#[test]
fn an_unknown_controller_is_told_with_the_known_ones() {
    let wrong = [("{ plic = 10 }", "«{ plic = 10, controller = \"esat\" }»")];
    let title = "`interrupt-controller.plic` has no further controller `esat`";
    with(&wrong).has_only(Code::BadInterrupt, title);
    let text = with(&wrong).load().unwrap_err().to_string();
    assert!(text.contains("did you mean `east`?"), "{text}");
    assert!(text.contains("write { plic = 10 }"), "{text}");
    riscv::with(&wrong).has_only(Code::BadInterrupt, title);
    let text = riscv::with(&wrong).load().unwrap_err().to_string();
    assert!(
        text.contains("the board describes one controller"),
        "{text}"
    );
}

#[test]
fn the_name_of_a_controller_must_be_a_name() {
    with(&[("{ plic = 10 }", "{ plic = 10, controller = «1» }")]).has_only(
        Code::WrongType,
        "`console.ns16550.interrupt.controller` must be a name in quotes",
    );
}

#[test]
fn two_controllers_of_one_hart_are_reported() {
    let text = FURTHER.replace("first-hart = 4", "first-hart = «2»");
    riscv::with(&[(SOURCES, &text)]).has_only(Code::BadNumber, "two sockets start with hart 2");
}

#[test]
fn a_hart_that_qemu_does_not_start_is_reported() {
    let started = |smp: &str, first: &str| {
        let memory = "memory = \"64 MiB\"";
        let arguments = format!("{memory}\narguments = [\"-smp\", \"{smp}\"]");
        let further = FURTHER.replace("first-hart = 4", &format!("first-hart = {first}"));
        riscv::with(&[(memory, &arguments), (SOURCES, &further)])
    };
    started("5", "4").load().unwrap();
    let wrong = started("4,sockets=2", "«4»");
    wrong.has_only(Code::BadNumber, "QEMU does not start hart 4");
    let text = wrong.load().unwrap_err().to_string();
    assert!(text.contains("this starts harts 0 to 3"), "{text}");
}

#[test]
fn a_second_table_of_a_controller_is_offered_as_a_further_one() {
    let second = "[interrupt-controller.plic]\nbase = 0x1100_0000\n\n[timer.sstc]";
    let text = riscv::with(&[("[timer.sstc]", second)])
        .load()
        .unwrap_err()
        .to_string();
    let further = "in the first [interrupt-controller.plic], write \
                   `further.NAME = { base = ..., sources = ..., first-hart = ... }`";
    assert!(text.contains(further), "{text}");
    // A board has one console.
    let second = "[console.ns16550]\nbase = 0x1100_0000\n\n[timer.sstc]";
    let text = riscv::with(&[("[timer.sstc]", second)])
        .load()
        .unwrap_err()
        .to_string();
    assert!(!text.contains("further"), "{text}");
}

#[test]
fn controllers_may_not_overlap() {
    let text = FURTHER.replace("0x1200_0000", "«0x1130_0000»");
    riscv::with(&[(SOURCES, &text)]).has_only(
        Code::Overlap,
        "`interrupt-controller.plic.further.west` overlaps `interrupt-controller.plic.further.east`",
    );
}

const EAST: &str = "first-hart = 2 }";
const WEST: &str = "first-hart = 4 }";
const EAST_MSIP: &str = "first-hart = 2, msip = 0x0202_0000 }";
const WEST_MSIP: &str = "first-hart = 4, msip = 0x0204_0000 }";

const PAYLOAD: &str = "[boot.sbi-payload]\nload-address = 0x8020_0000";
const OUT_OF_RESET: &str = "[boot.machine-mode]\nentry = 0x8000_0000";
const CLINT: &str = "[timer.clint]\nbase = 0x0200_0000";
const ACLINT: &str =
    "[timer.aclint]\nmsip = 0x0200_0000\nmtimecmp = 0x0200_4000\nmtime = 0x0200_bff8";

/// The RISC-V board out of reset, with this timer and these further PLICs.
fn in_m_mode(boot: &str, timer: &str, further: &str) -> Toy {
    riscv::with(&[
        (SOURCES, further),
        (PAYLOAD, boot),
        ("[timer.sstc]", timer),
        ("[power.sbi]", ""),
    ])
}

/// The further PLICs, with the software interrupts of their harts.
fn with_msip() -> String {
    FURTHER.replace(EAST, EAST_MSIP).replace(WEST, WEST_MSIP)
}

#[test]
fn a_kernel_in_m_mode_needs_the_software_interrupts_of_all_sockets() {
    let without = FURTHER
        .replace("{ base = 0x1100_0000", "«{ base = 0x1100_0000")
        .replace(EAST, "first-hart = 2 }»")
        .replace(WEST, WEST_MSIP);
    in_m_mode(OUT_OF_RESET, CLINT, &without).has_only(
        Code::MissingKey,
        "[interrupt-controller.plic.further.east] needs `msip`",
    );
    // An image for both modes needs them too.
    let both = "[boot.machine-mode]\nentry = 0x8000_0000\nload-address = 0x8020_0000";
    let clint = format!("{CLINT}\nsupervisor = \"sbi\"");
    in_m_mode(both, &clint, &without).has_only(
        Code::MissingKey,
        "[interrupt-controller.plic.further.east] needs `msip`",
    );
    let aclint = ACLINT.replace("[timer.aclint]\nmsip = 0x0200_0000", "«[timer.aclint]»");
    in_m_mode(OUT_OF_RESET, &aclint, &with_msip())
        .has_only(Code::MissingKey, "[timer.aclint] needs `msip`");
    // Without other sockets, it needs none.
    let aclint = aclint.replace(['«', '»'], "");
    let one = in_m_mode(OUT_OF_RESET, &aclint, SOURCES).load();
    assert!(one.is_ok_and(|board| board.interrupt_controller.relays.is_empty()));
}

#[test]
fn firmware_raises_the_software_interrupts_in_s_mode() {
    let used = FURTHER.replace(EAST, "first-hart = 2, msip = «0x0202_0000» }");
    riscv::with(&[(SOURCES, &used)]).has_only(
        Code::WrongMode,
        "`interrupt-controller.plic.further.east.msip` is never used",
    );
}

#[test]
fn the_software_interrupts_of_two_sockets_may_not_overlap() {
    let same = with_msip().replace("0x0204_0000", "«0x0202_2000»");
    in_m_mode(OUT_OF_RESET, CLINT, &same).has_only(
        Code::Overlap,
        "`interrupt-controller.plic.further.west.msip` overlaps \
         `interrupt-controller.plic.further.east.msip`",
    );
}

#[test]
fn the_first_hart_of_every_other_socket_is_a_relay_in_m_mode() {
    for timer in [CLINT, ACLINT] {
        for (hart, kernel, relays) in [
            (0, 0x0200_0000, [(2, 0x0202_0000), (4, 0x0204_0000)]),
            (1, 0x0200_0004, [(2, 0x0202_0000), (4, 0x0204_0000)]),
            (3, 0x0202_0004, [(0, 0x0200_0000), (4, 0x0204_0000)]),
        ] {
            let boot = format!("{OUT_OF_RESET}\nhart = {hart}");
            let board = in_m_mode(&boot, timer, &with_msip()).load();
            let board = board.unwrap_or_else(|told| panic!("{told}"));
            let all = board.interrupt_controller.relays.iter();
            let all: Vec<_> = all.map(|one| (one.hart, one.msip, one.kernel)).collect();
            assert_eq!(all, relays.map(|(hart, msip)| (hart, msip, kernel)));
            let entry = crate::emit::assembly::entry(&board).expect("the entry code");
            for (hart, msip) in relays {
                let lines = format!(
                    "    li      t0, {hart}\n    li      a1, {msip:#x}\n    li      a2, {kernel:#x}\n"
                );
                assert!(entry.text.contains(&lines), "{}", entry.text);
            }
        }
    }
}

#[test]
fn the_entry_code_parks_all_other_harts_without_other_sockets() {
    let board = in_m_mode(OUT_OF_RESET, CLINT, SOURCES).load();
    let board = board.unwrap_or_else(|told| panic!("{told}"));
    let entry = crate::emit::assembly::entry(&board).expect("the entry code");
    assert!(!entry.text.contains("vmos_relay"), "{}", entry.text);
}

#[test]
fn the_hart_of_the_kernel_must_be_started_by_qemu() {
    let memory = "memory = \"64 MiB\"";
    let started = format!("{memory}\narguments = [\"-smp\", \"2\"]");
    let boot = "[boot.sbi-payload]\nload-address = 0x8020_0000";
    let on = |hart: &str| {
        let machine = format!("[boot.machine-mode]\nentry = 0x8000_0000\nhart = {hart}");
        riscv::with(&[
            (memory, &started),
            (boot, &machine),
            ("[timer.sstc]", "[timer.clint]\nbase = 0x0200_0000"),
            ("[power.sbi]", ""),
        ])
    };
    let board = on("1").load().unwrap_or_else(|told| panic!("{told}"));
    let entry = crate::emit::assembly::entry(&board)
        .expect("the entry code")
        .text;
    assert!(entry.contains("    li      t0, 0x1  "), "{entry}");
    on("«2»").has_only(Code::BadNumber, "QEMU does not start hart 2");
}

#[test]
fn a_board_has_at_most_64_further_controllers() {
    let sockets = |count: u32| {
        let lines = (1..=count).map(|nth| {
            let base = 0x1_0000_0000 + 0x40_0000 * u64::from(nth);
            let name = match nth {
                65 => "«s65»".to_owned(),
                nth => format!("s{nth}"),
            };
            format!(
                "\nfurther.{name} = {{ base = {base:#x}, size = \"4 MiB\", sources = 20, first-hart = {nth} }}"
            )
        });
        let all: String = std::iter::once(SOURCES.to_owned()).chain(lines).collect();
        riscv::with(&[(SOURCES, &all)])
    };
    let board = sockets(64).load().unwrap_or_else(|told| panic!("{told}"));
    let driver = &board.interrupt_controller.part.code.driver;
    assert_eq!(driver, "Plics<Mmio, P, 65>");
    sockets(65).has_only(
        Code::BadNumber,
        "a board has at most 64 further interrupt controllers",
    );
}
