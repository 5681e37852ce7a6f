//! Values of parts that the machine states in its own way.

use super::*;
use crate::tests::riscv::RISCV;

const MICROCONTROLLER: &str = include_str!("../../tests/arm_m.toml");

/// Returns the diagnostics of a microcontroller's board with other text, on a machine with these
/// numbers of its devices.
fn told_of(old: &str, new: &str) -> String {
    assert_eq!(MICROCONTROLLER.matches(old).count(), 1, "{old:?}");
    let number = |name: &str, number| vec![(name.to_owned(), number)];
    let facts = Facts {
        devices: vec![
            Device {
                numbers: number("num-irq", 16 + 32),
                ..device("armv7m_nvic", &[], &[])
            },
            Device {
                numbers: number("cpuclk", 25_000_000),
                ..device("armv7m_systick", &[], &[])
            },
        ],
        ..Facts::default()
    };
    let text = MICROCONTROLLER.replace(old, new);
    let sources = InMemory::new().with("toy", text);
    verify(&sources, "toy", &facts).map_or_else(|told| told.to_string(), |_| String::new())
}

#[test]
fn the_external_interrupts_of_a_microcontroller_are_compared() {
    let title = "the machine has another value for `interrupt-controller.nvic.interrupts`";
    let interrupts = "interrupts = 32";
    assert!(!told_of(interrupts, interrupts).contains(title));
    let text = told_of(interrupts, "interrupts = 31");
    assert!(text.contains(title) && text.contains("write 32"), "{text}");
}

#[test]
fn a_clock_input_is_compared_within_its_three_digits() {
    let timer = MICROCONTROLLER
        .find("[timer.cmsdk-dual-timer]")
        .expect("a timer");
    let end = MICROCONTROLLER[timer..].find("\n[").expect("another table");
    let timer = MICROCONTROLLER[timer..timer + end].trim_end();
    let systick = |clock: &str| told_of(timer, &format!("[timer.systick]\nclock = \"{clock}\""));
    let title = "the machine has another frequency for `timer.systick.clock`";
    for right in ["25 MHz", "25.03 MHz"] {
        let text = systick(right);
        assert!(!text.contains(title), "{text}");
    }
    let text = systick("24 MHz");
    assert!(
        text.contains(title) && text.contains("write \"25 MHz\""),
        "{text}"
    );
}

/// Returns the diagnostics of a RISC-V board on a machine with one hart.
fn told_of_hart(board: &str, set: &str) -> String {
    let hart = Device {
        words: vec![("riscv,isa".to_owned(), set.to_owned())],
        ..device("riscv", &[], &[])
    };
    let facts = Facts {
        devices: vec![hart, device("riscv,cpu-intc", &[], &[])],
        ..machine()
    };
    let sources = InMemory::new().with("toy", board);
    verify(&sources, "toy", &facts).unwrap_err().to_string()
}

#[test]
fn a_timer_whose_extension_no_hart_has_is_told() {
    let title = "the machine's harts do not have what `timer.sstc` needs";
    assert!(!told_of_hart(RISCV, "rv64imafdc_zicsr_sstc").contains(title));
    let text = told_of_hart(RISCV, "rv64imafdc_zicsr_ssthing");
    assert!(text.contains(title), "{text}");
}

#[test]
fn a_hart_that_the_machine_lacks_is_told() {
    let board = |hart: u32| {
        let machine = format!("[boot.machine-mode]\nentry = 0x8000_0000\nhart = {hart}");
        RISCV
            .replace("[boot.sbi-payload]\nload-address = 0x8020_0000", &machine)
            .replace("[timer.sstc]", "[timer.clint]\nbase = 0x0200_0000")
            .replace("[power.sbi]", "")
    };
    let text = told_of_hart(&board(4), "rv64gc");
    assert!(text.contains("the machine has no hart 4"), "{text}");
    assert!(text.contains("it has hart 0 only"), "{text}");
    let text = told_of_hart(&board(0), "rv64gc");
    assert!(!text.contains("no hart"), "{text}");
}

#[test]
fn a_machine_that_qemu_does_not_start_is_told_at_its_key() {
    let sources = InMemory::new().with("toy", TOY);
    for (said, at) in [
        (
            "qemu-system-aarch64: unsupported machine type\nUse -machine help",
            "machine",
        ),
        (
            "qemu: Property 'virt-7.2-machine.gicversion' not found",
            "machine",
        ),
        ("qemu: unable to find CPU model 'rv64gc'", "cpu"),
        ("qemu: Invalid RAM size, should be 2 GiB", "memory"),
        (
            "qemu: -device wrong: 'wrong' is not a valid device model name",
            "arguments",
        ),
    ] {
        let told = refused(&sources, "toy", said).expect("a board");
        let one = told.iter().next().expect("an error");
        assert_eq!(
            one.title,
            format!("QEMU does not start with this `qemu.{at}`")
        );
        let line = TOY[..one.primary.at.start]
            .lines()
            .last()
            .unwrap_or_default();
        assert!(line.starts_with(at), "{line}");
    }
}
