//! Tests the mistakes of newcomers with microcontrollers, several controllers of a kind, and other
//! parts.

mod mistakes;

use mistakes::{Planted, planted};

const MICRO: &str = "mps2-an385";
const MICROBIT: &str = "microbit";
const A9: &str = "vexpress-a9";
const ARM: &str = "virt-arm64";
const RISC_V: &str = "virt-rv64";
const PC: &str = "q35-x64";

const MISTAKES: &[Planted] = &[
    planted(
        "an interrupt controller of another architecture",
        MICRO,
        [
            "[interrupt-controller.nvic]\ninterrupts = 32",
            "[interrupt-controller.plic]\nbase = 0x5000_0000\nsources = 32",
            "[interrupt-controller.nvic]\ninterrupts = 32",
        ],
        "E0050",
        "drivers for armv7-m: `nvic`",
    ),
    planted(
        "an empty further controller without its table",
        RISC_V,
        [
            "sources = 95",
            "sources = 95\nsocket1 = {}",
            "sources = 95\nfurther.socket1 = { base = 0x0C60_0000, size = 0x60_0000, sources = 95, first-hart = 1 }",
        ],
        "E0010",
        "did you mean `further.socket1`?",
    ),
    planted(
        "a further controller with a wrong key without its table",
        RISC_V,
        [
            "sources = 95",
            "sources = 95\nsocket1 = { base = 0x0C60_0000, size = 0x60_0000, sources = 95, hart = 1 }",
            "sources = 95\nfurther.socket1 = { base = 0x0C60_0000, size = 0x60_0000, sources = 95, first-hart = 1 }",
        ],
        "E0010",
        "did you mean `further.socket1`?",
    ),
    planted(
        "further controllers as an array",
        RISC_V,
        [
            "[timer.sstc]",
            "[[interrupt-controller.plic.further]]\nbase = 0x0C60_0000\nsize = 0x60_0000\nsources = 95\nfirst-hart = 1\n[timer.sstc]",
            "[interrupt-controller.plic.further.some-name]\nbase = 0x0C60_0000\nsize = 0x60_0000\nsources = 95\nfirst-hart = 1\n[timer.sstc]",
        ],
        "E0012",
        "write a header with a name for each: [interrupt-controller.plic.further.some-name]",
    ),
    planted(
        "a misspelt architecture, with small stacks",
        MICRO,
        [
            "architecture = \"armv7-m\"",
            "architecture = \"armv7m\"",
            "architecture = \"armv7-m\"",
        ],
        "E0013",
        "did you mean \"armv7-m\"?",
    ),
    planted(
        "a vector table in RAM",
        MICRO,
        [
            "base = 0x0000_0000",
            "base = 0x2000_0000",
            "base = 0x0000_0000",
        ],
        "E0055",
        "`memory.ram.main`: 0x2000_0000 to 0x203F_FFFF",
    ),
    planted(
        "flash described as RAM",
        MICRO,
        ["flash.code", "ram.code", "flash.code"],
        "E0055",
        "write flash.code in place of ram.code",
    ),
    planted(
        "flash without its size",
        MICRO,
        [
            "flash.code = { base = 0x0000_0000, size = \"4 MiB\" }",
            "flash.code = { base = 0x0000_0000 }",
            "flash.code = { base = 0x0000_0000, size = \"4 MiB\" }",
        ],
        "E0011",
        "missing key `size`",
    ),
    planted(
        "flash without a name",
        MICRO,
        ["flash.code = {", "flash = {", "flash.some-name = {"],
        "E0012",
        "write [memory.flash.some-name]",
    ),
    planted(
        "a microcontroller's RAM without its size",
        MICRO,
        [
            "ram.main = { base = 0x2000_0000, size = \"4 MiB\" }",
            "ram.main = { base = 0x2000_0000 }",
            "ram.main = { base = 0x2000_0000, size = \"4 MiB\" }",
        ],
        "E0011",
        "no firmware reports the size",
    ),
    planted(
        "RAM with a limit that nothing exceeds",
        MICRO,
        [
            "ram.main = { base = 0x2000_0000, size = \"4 MiB\" }",
            "ram.main = { base = 0x2000_0000, limit = \"4 MiB\" }",
            "ram.main = { base = 0x2000_0000, size = \"4 MiB\" }",
        ],
        "E0011",
        "write `size` in place of `limit`",
    ),
    planted(
        "no interrupts",
        MICRO,
        ["interrupts = 32", "interrupts = 0", "interrupts = 32"],
        "E0019",
        "outside the range 1 to 153",
    ),
    planted(
        "a processor of a later architecture",
        MICRO,
        ["\"cortex-m3\"", "\"cortex-m33\"", "\"cortex-m4\""],
        "E0050",
        "an Armv8-M processor",
    ),
    planted(
        "a microcontroller's processor on a machine for Linux",
        A9,
        ["\"cortex-a9\"", "\"cortex-m3\"", "\"cortex-a9\""],
        "E0050",
        "for \"armv7-m\"",
    ),
    planted(
        "a processor with 32 bits",
        RISC_V,
        ["\"rv64\"", "\"rv32,h=false\"", "\"rv64,h=false\""],
        "E0050",
        "for \"riscv32\"",
    ),
    planted(
        "an UART's only interrupt where it has two",
        MICRO,
        [
            "receive = { irq = 0 }",
            "interrupt = { irq = 0 }",
            "receive = { irq = 0 }",
        ],
        "E0010",
        "an interrupt is `receive` or `transmit` here",
    ),
    planted(
        "QEMU's arguments in one string",
        PC,
        [
            "[\"-device\", \"isa-debug-exit,iobase=0xf4,iosize=4\"]",
            "\"-device isa-debug-exit,iobase=0xf4,iosize=4\"",
            "[\"-device\", \"isa-debug-exit,iobase=0xf4,iosize=4\"]",
        ],
        "E0012",
        "write [\"-device\", \"isa-debug-exit,iobase=0xf4,iosize=4\"]",
    ),
    planted(
        "a space between QEMU's options",
        RISC_V,
        ["\"virt\"", "\"virt, aclint=on\"", "\"virt,aclint=on\""],
        "E0020",
        "write \"virt,aclint=on\"",
    ),
    planted(
        "a version without its minor number",
        RISC_V,
        [
            "[\"7.2\", \"10.0\", \"11.1\"]",
            "[\"7.2\", \"10\"]",
            "[\"7.2\", \"10.0\"]",
        ],
        "E0020",
        "write \"10.0\"",
    ),
    planted(
        "an interrupt space of another architecture where there are two",
        ARM,
        ["{ spi = 1 }", "{ plic = 1 }", "{ spi = 1 }"],
        "E0042",
        "if the number is right, write { spi = 1 }",
    ),
    planted(
        "a private interrupt in a space of another architecture",
        ARM,
        ["{ ppi = 11 }", "{ irq = 11 }", "{ ppi = 11 }"],
        "E0042",
        "if the number is right, write { ppi = 11 }",
    ),
    planted(
        "a word that is a number",
        PC,
        ["width = \"16\"", "width = 16", "width = \"16\""],
        "E0012",
        "write it in quotes: \"16\"",
    ),
    planted(
        "a hexadecimal number outside its range",
        PC,
        ["century = 0x32", "century = 0x132", "century = 0x32"],
        "E0019",
        "outside the range 0xe to 0x7f",
    ),
    planted(
        "a full-width digit",
        RISC_V,
        ["count = 8", "count = \u{ff18}", "count = 8"],
        "E0002",
        "write 8",
    ),
    planted(
        "a multiplication sign",
        RISC_V,
        [
            "base = 0x0010_0000",
            "base = 0\u{d7}0010_0000",
            "base = 0x0010_0000",
        ],
        "E0002",
        "write 0x0010_0000",
    ),
    planted(
        "a timer that the processor lacks",
        A9,
        [
            "[timer.cortex-a9-global]\nbase = 0x1E00_0200\ninterrupt = { ppi = 11 }\nclock = \"100 MHz\"",
            "[timer.arm-generic]\ninterrupt = { ppi = 11 }",
            "[timer.cortex-a9-global]\nbase = 0x1E00_0200\ninterrupt = { ppi = 11 }\nclock = \"100 MHz\"",
        ],
        "E0050",
        "the processor, cortex-a9, has no generic timer",
    ),
    planted(
        "identities counted from 0",
        "virt-rv64-imsic",
        ["identities = 255", "identities = 256", "identities = 255"],
        "E0019",
        "write 255",
    ),
    planted(
        "a table where an address is expected",
        "virt-rv64-imsic",
        [
            "supervisor.files = 0x2800_0000",
            "supervisor.files = { base = 0x2800_0000, size = \"4 KiB\" }",
            "supervisor.files = 0x2800_0000",
        ],
        "E0012",
        "write only the address: 0x2800_0000",
    ),
    planted(
        "a name with its table",
        PC,
        [
            "rest-of = \"low\"",
            "rest-of = \"ram.low\"",
            "rest-of = \"low\"",
        ],
        "E0020",
        "write \"low\"",
    ),
    planted(
        "the interrupt of another peripheral of an nRF51",
        MICROBIT,
        [
            "interrupt = { irq = 8 }",
            "interrupt = { irq = 24 }",
            "interrupt = { irq = 8 }",
        ],
        "E0018",
        "peripheral 8",
    ),
    planted(
        "an entry where QEMU's reset code does not jump to",
        "virt-rv64-m",
        [
            "entry = 0x8000_0000",
            "entry = 0x8020_0000",
            "entry = 0x8000_0000",
        ],
        "E0055",
        "out of reset, QEMU's machines jump to the start of RAM",
    ),
    planted(
        "semihosting that is disabled",
        MICRO,
        [
            "\"enable=on,target=native\"",
            "\"enable=off,target=native\"",
            "\"enable=on,target=native\"",
        ],
        "E0057",
        "QEMU's arguments disable semihosting",
    ),
    planted(
        "a reset without its key",
        MICRO,
        [
            "value = 0x05FA_0004",
            "value = 0x0000_0004",
            "value = 0x05FA_0004",
        ],
        "E0019",
        "without 0x05FA in its upper half",
    ),
    planted(
        "a reset without its bit",
        MICROBIT,
        [
            "value = 0x05FA_0004",
            "value = 0x05FA_0001",
            "value = 0x05FA_0004",
        ],
        "E0019",
        "bit 2, SYSRESETREQ, is not set",
    ),
    planted(
        "the private timer of a Cortex-A9 for its global one",
        A9,
        [
            "base = 0x1E00_0200",
            "base = 0x1E00_0600",
            "base = 0x1E00_0200",
        ],
        "E0016",
        "write 0x1E00_0200",
    ),
    planted(
        "the interrupt of a Cortex-A9's private timer for that of its global one",
        A9,
        [
            "interrupt = { ppi = 11 }",
            "interrupt = { ppi = 13 }",
            "interrupt = { ppi = 11 }",
        ],
        "E0018",
        "it raises INTID 27",
    ),
];

#[test]
fn each_mistake_is_reported_once_at_its_line_and_obeying_solves_it() {
    let wrong = mistakes::faults(MISTAKES);
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Returns the diagnostics of a board with other text.
fn told(board: &'static str, right: &'static str, wrong: &'static str) -> String {
    let mistake = planted("", board, [right, wrong, right], "", "");
    let all = mistakes::told(&mistake, wrong);
    all.map_or_else(String::new, |told| told.to_string())
}

#[test]
fn an_unreadable_further_controller_is_not_reported_as_missing() {
    let wrong = "further.Socket_1 =";
    let text = told("virt-rv64-numa", "further.socket1 =", wrong);
    assert!(text.contains("`Socket_1` is not a name"), "{text}");
    assert!(!text.contains("no further controller"), "{text}");
}

#[test]
fn ram_in_flash_is_neither_swapped_nor_allowed() {
    let right = "ram.main = { base = 0x2000_0000";
    let text = told(MICRO, right, "ram.main = { base = 0x0030_0000");
    assert!(!text.contains("swapped"), "{text}");
    assert!(!text.contains("[waiver."), "{text}");
    assert!(text.contains("either to RAM or to flash"), "{text}");
}

#[test]
fn a_waiver_for_a_class_offers_its_driver() {
    let waiver =
        "[waiver.x]\nbetween = [\"console.ns16550\", \"rtc\"]\nreason = \"x\"\n[virtio-mmio]";
    let text = told(RISC_V, "[virtio-mmio]", waiver);
    assert!(text.contains("did you mean `rtc.goldfish`?"), "{text}");
}

#[test]
fn a_key_of_an_inner_table_names_the_table() {
    let domain = "supervisor = { base = 0x0D00_0000, size = \"32 KiB\" }";
    let text = told("virt-rv64-aplic", domain, "base = 0x0D00_0000");
    assert!(
        text.contains("a key of `machine` or `supervisor`"),
        "{text}"
    );
}
