//! Tests the mistakes of newcomers in the boards of this repository.

mod mistakes;

use mistakes::{Planted, planted, replaced, told};
use vmos_codegen::load_from;
use vmos_codegen::source::InMemory;

const ARM: &str = "virt-arm64";
const ARM32: &str = "virt-arm32";
const RISC_V: &str = "virt-rv64";
const PC: &str = "q35-x64";

const MISTAKES: &[Planted] = &[
    planted(
        "an INTID of a private interrupt as an SPI",
        ARM,
        ["{ ppi = 11 }", "{ spi = 27 }", "{ ppi = 11 }"],
        "E0042",
        "if 27 is the controller's own number, write { ppi = 11 }",
    ),
    planted(
        "the cells of a device tree for an interrupt",
        ARM,
        [
            "interrupt = { spi = 1 }",
            "interrupt = [0, 1, 4]",
            "interrupt = { spi = 1 }",
        ],
        "E0012",
        "if these are the cells of a device tree, write { spi = 1 }",
    ),
    planted(
        "the only cell of a PLIC's interrupt",
        RISC_V,
        ["{ plic = 10 }", "[10]", "{ plic = 10 }"],
        "E0012",
        "if these are the cells of a device tree, write { plic = 10 }",
    ),
    planted(
        "an SPI on RISC-V",
        RISC_V,
        ["{ plic = 10 }", "{ spi = 10 }", "{ plic = 10 }"],
        "E0042",
        "if the number is right, write { plic = 10 }",
    ),
    planted(
        "source 0 of a PLIC",
        RISC_V,
        ["{ plic = 10 }", "{ plic = 0 }", "{ plic = 10 }"],
        "E0041",
        "sources are numbered from 1 on",
    ),
    planted(
        "an address in units of size",
        ARM,
        [
            "base = 0x4000_0000",
            "base = \"1 GiB\"",
            "base = 0x4000_0000",
        ],
        "E0012",
        "if it is that far from address 0, write 0x4000_0000",
    ),
    planted(
        "the offset of the last byte for a size",
        ARM,
        [
            "size = 0x2EFF_0000",
            "size = 0x2EFE_FFFF",
            "size = 0x2EFF_0000",
        ],
        "E0031",
        "if this is the offset of the last byte, write size = 0x2EFF_0000",
    ),
    planted(
        "a size that is not a number of pages",
        ARM,
        [
            "size = 0x2EFF_0000",
            "size = 0x2EFE_F010",
            "size = 0x2EFE_F000",
        ],
        "E0031",
        "the nearest multiples are 0x2EFE_F000 and 0x2EFF_0000",
    ),
    planted(
        "the end of a window for its size",
        ARM,
        [
            "size = 0x2EFF_0000",
            "end = 0x3EFF_0000",
            "size = 0x2EFF_0000",
        ],
        "E0010",
        "the size of a range is stated instead of its end: write size = 0x2EFF_0000",
    ),
    planted(
        "the last byte of a window for its size",
        ARM,
        [
            "size = 0x2EFF_0000",
            "last = 0x3EFE_FFFF",
            "size = 0x2EFF_0000",
        ],
        "E0010",
        "write size = 0x2EFF_0000",
    ),
    planted(
        "the option in front of a machine's name",
        ARM,
        [
            "\"virt,gic-version=3\"",
            "\"-M virt,gic-version=3\"",
            "\"virt,gic-version=3\"",
        ],
        "E0020",
        "write \"virt,gic-version=3\"",
    ),
    planted(
        "the option in front of a processor's name",
        ARM,
        ["\"cortex-a72\"", "\"-cpu cortex-a72\"", "\"cortex-a72\""],
        "E0020",
        "write \"cortex-a72\"",
    ),
    planted(
        "an option and its value in one string",
        ARM,
        [
            "\"-semihosting-config\", \"enable=on,target=native\"",
            "\"-semihosting-config enable=on,target=native\"",
            "\"-semihosting-config\", \"enable=on,target=native\"",
        ],
        "E0020",
        "write \"-semihosting-config\", \"enable=on,target=native\"",
    ),
    planted(
        "the amount of memory among the arguments",
        ARM,
        [
            "[\"-semihosting",
            "[\"-m\", \"-semihosting",
            "[\"-semihosting",
        ],
        "E0020",
        "write the value as `memory` in [qemu]",
    ),
    planted(
        "a range that is left out",
        ARM,
        [
            "\"0x0000_0000\" =",
            "\"0x0000_0000-0x03FF_FFFF\" =",
            "\"0x0000_0000\" =",
        ],
        "E0016",
        "write \"0x0000_0000\"",
    ),
    planted(
        "a timer of another architecture, with its keys",
        RISC_V,
        [
            "[timer.sstc]",
            "[timer.arm-generic]\ninterrupt = { ppi = 11 }",
            "[timer.sstc]",
        ],
        "E0050",
        "drivers for riscv64: `sp804`, `clint`, `aclint`, `sbi`, `sstc`",
    ),
    planted(
        "a timer of another architecture, without its keys",
        RISC_V,
        ["[timer.sstc]", "[timer.arm-generic]", "[timer.sstc]"],
        "E0050",
        "drivers for riscv64: `sp804`, `clint`, `aclint`, `sbi`, `sstc`",
    ),
    planted(
        "a port of a PC as an address",
        PC,
        ["port = 0x3F8", "base = 0x3F8", "port = 0x3F8"],
        "E0016",
        "write port = 0x3F8 in place of `base`",
    ),
    planted(
        "the rest of a misspelt range",
        PC,
        ["rest-of = \"low\"", "rest-of = \"lo\"", "rest-of = \"low\""],
        "E0011",
        "did you mean \"low\"?",
    ),
    planted(
        "the emulator of 64 bits for 32 bits",
        ARM32,
        [
            "system = \"arm\"",
            "system = \"aarch64\"",
            "system = \"arm\"",
        ],
        "E0050",
        "write \"arm\"",
    ),
    planted(
        "an exception level on 32-bit Arm",
        ARM32,
        [
            "[boot.linux-image]                 # r2 has the address of the device tree\n",
            "exception-level = \"el1\"\n",
            "exception-level = \"svc\"\n",
        ],
        "E0050",
        "on arm it is one of \"svc\", \"hyp\", \"secure-svc\"",
    ),
    planted(
        "a mode of 32-bit Arm on 64-bit Arm",
        ARM,
        ["\"el1\"", "\"svc\"", "\"el1\""],
        "E0050",
        "on aarch64 it is one of \"el1\", \"el2\", \"el3\"",
    ),
    planted(
        "a semicolon after a value",
        ARM,
        [
            "clock = \"24 MHz\"",
            "clock = \"24 MHz\";",
            "clock = \"24 MHz\"",
        ],
        "E0002",
        "remove `;`",
    ),
    planted(
        "the letter O in an address",
        ARM,
        [
            "base = 0x0900_0000",
            "base = 0xO900_0000",
            "base = 0x0900_0000",
        ],
        "E0002",
        "this is the letter O: write the digit 0",
    ),
    planted(
        "the letter l for a number",
        ARM,
        ["{ spi = 1 }", "{ spi = l }", "{ spi = 1 }"],
        "E0002",
        "write the digit 1, not a letter",
    ),
    planted(
        "a comma before decimals",
        ARM,
        ["\"24 MHz\"", "\"24,5 MHz\"", "\"24.5 MHz\""],
        "E0017",
        "write \"24.5 MHz\"",
    ),
    planted(
        "an offset in RAM for a load address",
        ARM,
        ["0x4008_0000", "0x8_0000", "0x4008_0000"],
        "E0055",
        "if this is the offset from the start of RAM, write 0x4008_0000",
    ),
    planted(
        "a dotted key under another header",
        ARM,
        [
            "clock = \"24 MHz\"",
            "clock = \"24 MHz\"\nboard.title = \"mine\"",
            "clock = \"24 MHz\"",
        ],
        "E0010",
        "write it under [board]",
    ),
    planted(
        "another word for a trigger",
        PC,
        [
            "trigger = \"edge\"",
            "trigger = \"rising\"",
            "trigger = \"edge\"",
        ],
        "E0013",
        "did you mean \"edge\"?",
    ),
    planted(
        "two ranges of RAM at the same addresses",
        ARM,
        [
            "ram.main = { base = 0x4000_0000 }",
            "ram.main = { base = 0x4000_0000, size = \"64 MiB\" }\nram.more = { base = 0x4200_0000, size = \"64 MiB\" }",
            "ram.main = { base = 0x4000_0000, size = \"64 MiB\" }\nram.more = { base = 0x4400_0000, size = \"64 MiB\" }",
        ],
        "E0033",
        "write base = 0x4400_0000",
    ),
];

#[test]
fn each_mistake_is_reported_once_at_its_line_and_obeying_solves_it() {
    let wrong = mistakes::faults(MISTAKES);
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn no_waiver_is_offered_or_accepted_for_ram_against_ram() {
    let mistake = MISTAKES.last().expect("a mistake");
    let text = told(mistake, mistake.wrong).expect("an error").to_string();
    assert!(!text.contains("[waiver."), "{text}");
    let waiver =
        "\n[waiver.it]\nbetween = [\"memory.ram.main\", \"memory.ram.more\"]\nreason = \"x\"\n";
    let board = replaced(mistake, mistake.wrong) + waiver;
    let sources = InMemory::new().with(ARM, board);
    let told = load_from(&sources, ARM).expect_err("an error");
    assert!(told.to_string().contains("no waiver allows this"), "{told}");
}
