//! Tests mistakes planted into a board file: the diagnostic of each, its location, and its help.
//!
//! One row is one mistake. It must cause exactly one diagnostic, at its line and column, that
//! contains the words in the last column. All mistakes together must be reported in one run as
//! well.

use vmos_codegen::source::InMemory;
use vmos_codegen::{Diagnostics, load_from};

/// The board to which the examples of `explain` are added.
const BOARD: &str = include_str!("../src/diagnostic/explain/base.toml");

/// A planted mistake: its name, the replaced text, the replacement, the code, the line and column,
/// and words that the help must contain.
type Planted = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    (usize, usize),
    &'static str,
);

#[rustfmt::skip]
const MISTAKES: &[Planted] = &[
    ("a misspelt key",
        "count = 8", "cuont = 8",
        "E0010", (49, 1), "did you mean `count`?"),
    ("an underscore for a hyphen",
        "load-address = 0x8008_0000", "load_address = 0x8008_0000",
        "E0010", (17, 1), "did you mean `load-address`?"),
    ("the word of a device tree",
        "base = 0x2000_0000", "reg = 0x2000_0000",
        "E0010", (38, 1), "did you mean `base`?"),
    ("a misspelt table",
        "[virtio-mmio]", "[virtio-mimo]",
        "E0010", (46, 2), "did you mean `virtio-mmio`?"),
    ("a driver without its class",
        "[console.pl011]", "[pl011]",
        "E0010", (37, 2), "did you mean `console.pl011`?"),
    ("RAM outside of the memory",
        "[memory.ram.main]", "[memory.main]",
        "E0010", (22, 9), "did you mean `ram.main`?"),
    ("a key under another header",
        "cpu = \"cortex-a72\"", "cpu = \"cortex-a72\"\nstack = \"64 KiB\"",
        "E0010", (12, 1), "this belongs in [memory]"),
    ("a file's own key below a header",
        "name = \"base\"", "name = \"base\"\nextends = \"other\"",
        "E0010", (5, 1), "this belongs at the top of the file, before the first table"),
    ("a key left out",
        "clock = \"24 MHz\"\n", "",
        "E0011", (37, 1), "`clock` is a frequency, such as \"62.5 MHz\""),
    ("a table left out",
        "[timer.arm-generic]\ninterrupt = { ppi = 11 }\n", "",
        "E0011", (3, 1), "add [timer.arm-generic]"),
    ("no version of the schema",
        "schema = 1\n", "",
        "E0011", (2, 1), "needs `schema`"),
    ("a newer version of the schema",
        "schema = 1", "schema = 2",
        "E0005", (1, 10), "the file is newer than this workspace: update the workspace"),
    ("text for a number",
        "count = 8", "count = \"8\"",
        "E0012", (49, 9), "write it without quotes: 8"),
    ("a fraction for a number",
        "count = 8", "count = 8.5",
        "E0012", (49, 9), "this is a number with a fraction"),
    ("a number beyond its range",
        "buses = 16", "buses = 512",
        "E0019", (54, 9), "outside the range 1 to 256"),
    ("a list of tables for a table",
        "[console.pl011]", "[[console.pl011]]",
        "E0012", (37, 1), "a table has single brackets: [console.pl011]"),
    ("a value for a table",
        "distributor = { base = 0x1000_0000 }", "distributor = 0x1000_0000",
        "E0012", (30, 15), "this is an integer"),
    ("text for a list",
        "tested = [\"7.2\"]", "tested = \"7.2\"",
        "E0012", (13, 10), "write it in brackets: [\"7.2\"]"),
    ("a number for text",
        "tested = [\"7.2\"]", "tested = [7.2]",
        "E0012", (13, 11), "write it in quotes"),
    ("text that is empty",
        "machine = \"virt\"", "machine = \"\"",
        "E0020", (10, 11), "write one line of plain text, not empty"),
    ("a word that is not one of the choices",
        "conduit = \"hvc\"", "conduit = \"hcv\"",
        "E0013", (44, 11), "did you mean \"hvc\"?"),
    ("an architecture by another name",
        "architecture = \"aarch64\"", "architecture = \"arm64\"",
        "E0013", (6, 16), "did you mean \"aarch64\"?"),
    ("a decimal address",
        "base = 0x2000_0000", "base = 536870912",
        "E0016", (38, 8), "536870912 in hexadecimal is 0x2000_0000"),
    ("an address in quotes",
        "base = 0x2000_0000", "base = \"0x2000_0000\"",
        "E0012", (38, 8), "write it without quotes: 0x2000_0000"),
    ("an address as an assembler has it",
        "base = 0x2000_0000", "base = 2000_0000h",
        "E0002", (38, 8), "if it is hexadecimal, write 0x2000_0000"),
    ("an address of 65 bits",
        "base = 0x2000_0000", "base = 0x1_0000_0000_0000_0000",
        "E0016", (38, 8), "an address has at most 64 bits"),
    ("a size without a unit",
        "memory = \"64 MiB\"", "memory = 64",
        "E0017", (12, 10), "if bytes are meant, write \"64 bytes\" or 0x40; units: bytes, KiB, MiB, GiB, TiB"),
    ("a size in decimal units",
        "memory = \"64 MiB\"", "memory = \"64 MB\"",
        "E0017", (12, 10), "`MB` is not a unit: did you mean `MiB`?"),
    ("a frequency without a space",
        "clock = \"24 MHz\"", "clock = \"24MHz\"",
        "E0017", (40, 9), "write \"24 MHz\""),
    ("a frequency in the wrong case",
        "clock = \"24 MHz\"", "clock = \"24 mhz\"",
        "E0017", (40, 9), "`mhz` is not a unit: did you mean `MHz`?"),
    ("an interrupt that is only a number",
        "{ spi = 1 }", "33",
        "E0018", (39, 13), "if 33 is the controller's own number, write { spi = 1 }"),
    ("an interrupt of two numbers",
        "{ spi = 1 }", "{ spi = 1, ppi = 1 }",
        "E0018", (39, 24), "keep the one that the manual of the machine gives"),
    ("an interrupt of an unknown space",
        "{ spi = 1 }", "{ line = 33 }",
        "E0010", (39, 15), "not a known key"),
    ("an interrupt beyond the last",
        "{ spi = 1 }", "{ spi = 1020 }",
        "E0041", (39, 13), "`spi` goes from 0 to 987"),
    ("a private interrupt of a shared device",
        "{ spi = 1 }", "{ ppi = 1 }",
        "E0042", (39, 13), "all processors share this interrupt: did you mean `spi`?"),
    ("an interrupt of another device",
        "{ spi = 1 }", "{ spi = 17 }",
        "E0040", (50, 13), "if this is intended, add:"),
    ("an unknown driver",
        "[console.pl011]", "[console.pl01l]",
        "E0014", (37, 10), "did you mean `pl011`?"),
    ("a missing driver",
        "[console.pl011]", "[console]",
        "E0015", (37, 1), "write [console.pl011]"),
    ("a second driver",
        "[timer.arm-generic]", "[interrupt-controller.gic-v2]\ndistributor = { base = 0x0100_0000 }\ncpu-interface = { base = 0x0101_0000 }\n[timer.arm-generic]",
        "E0015", (34, 23), "keep the one that the machine has"),
    ("one driver with the keys of another",
        "[interrupt-controller.gic-v3]", "[interrupt-controller.gic-v2]",
        "E0022", (29, 23), "did you mean `gic-v3`?"),
    ("a base off its page",
        "base = 0x2000_0000", "base = 0x2000_0010",
        "E0031", (38, 8), "the nearest multiples are 0x2000_0000 and 0x2000_1000"),
    ("a base in another's range",
        "base = 0x2000_0000", "base = 0x1010_0000",
        "E0033", (38, 8), "if this is intended, add:"),
    ("a base beyond the address space",
        "base = 0x2000_0000", "base = 0x2000_0000_0000_0000",
        "E0032", (38, 8), "give it a lower base or a smaller size"),
    ("an empty range",
        "size = \"256 MiB\"", "size = \"0 MiB\"",
        "E0030", (58, 41), "remove it if the machine does not have it"),
    ("a stride smaller than a slot",
        "stride = 0x200", "stride = 0x100",
        "E0035", (48, 10), "a virtio-mmio slot takes 0x200 bytes"),
    ("reserved memory beyond the RAM",
        "base = 0x83F0_0000", "base = 0x8400_0000",
        "E0034", (25, 8), "only RAM can be reserved; remove this entry: the kernel uses no other memory"),
    ("reserved memory under the image",
        "base = 0x83F0_0000", "base = 0x8010_0000",
        "E0054", (25, 8), "`memory.reserved.firmware` begins at 0x8010_0000"),
    ("an image outside of the RAM",
        "load-address = 0x8008_0000", "load-address = 0x4008_0000",
        "E0055", (17, 16), "not in RAM"),
    ("more RAM than QEMU gives",
        "base = 0x8000_0000", "base = 0x8000_0000\nsize = \"128 MiB\"",
        "E0056", (12, 10), "the ranges of RAM add up to \"128 MiB\""),
    ("a 32-bit window beyond 32 bits",
        "base = 0x5000_0000", "base = 0xF800_0000",
        "E0053", (58, 21), "give it a lower base or a smaller size; `memory64` may be anywhere"),
    ("messages that the controller does not deliver",
        "msi = \"its\"", "msi = \"v2m\"",
        "E0051", (56, 7), "the interrupt controller does not support this"),
    ("a conduit that does not reach firmware",
        "exception-level = \"el1\"", "exception-level = \"el2\"",
        "E0058", (44, 11), "write conduit = \"smc\""),
    ("QEMU without semihosting",
        "arguments = [\"-semihosting-config\", \"enable=on\"]\n", "",
        "E0057", (41, 1), "write arguments = [\"-semihosting-config\", \"enable=on,target=native\"] in [qemu]"),
    ("an emulator of another architecture",
        "system = \"aarch64\"", "system = \"riscv64\"",
        "E0050", (9, 10), "only for \"riscv64\""),
    ("a baud rate that is not possible with the clock",
        "clock = \"24 MHz\"", "clock = \"24 MHz\"\nbaud = 3000000",
        "E0059", (41, 8), "the divisor would be 0, outside the range 1 to 65535"),
    ("a board by another file's name",
        "name = \"base\"", "name = \"bass\"",
        "E0021", (4, 8), "did you mean \"base\"?"),
    ("a name with capitals",
        "[memory.ram.main]", "[memory.ram.Main]",
        "E0020", (22, 13), "a name has lower-case letters, digits and single hyphens, a letter first"),
    ("a missing parent",
        "schema = 1", "schema = 1\nextends = \"bsae\"",
        "E0006", (2, 11), "did you mean `base`?"),
    ("a key to remove that is not inherited",
        "schema = 1", "schema = 1\nwithout = [\"pci\"]",
        "E0008", (2, 12), "`without` lists paths of inherited tables and keys, such as \"pci\""),
    ("an address both described and left out",
        "\"0x6000_0000\"", "\"0x2000_0000\"",
        "E0062", (61, 1), "remove it"),
    ("an address left out twice",
        "\"0x6000_0000\" = \"a clock\"", "\"0x6000_0000\" = \"a clock\"\n\"0x60000000\" = \"a clock\"",
        "E0003", (62, 1), "keep one of the two"),
    ("an unused waiver",
        "[undescribed]", "[waiver.spare]\nbetween = [\"console.pl011\", \"virtio-mmio\"]\nreason = \"one day\"\n[undescribed]",
        "E0060", (60, 1), "remove it"),
    ("a waiver for an unknown key",
        "[undescribed]", "[waiver.spare]\nbetween = [\"console\", \"virtio-mmio\"]\nreason = \"one day\"\n[undescribed]",
        "E0061", (61, 12), "did you mean `console.pl011`?"),
    ("a key twice",
        "count = 8", "count = 8\ncount = 9",
        "E0003", (50, 1), "keep one of the two"),
    ("a header twice",
        "[undescribed]", "[undescribed]\n[undescribed]",
        "E0003", (61, 2), "keep one of the two"),
    ("a unit outside of the quotes",
        "clock = \"24 MHz\"", "clock = 24 MHz",
        "E0002", (40, 12), "if text is meant, write \"24 MHz\""),
    ("text without quotes that begins as `inf` does",
        "msi = \"its\"", "msi = its",
        "E0002", (56, 7), "write \"its\""),
    ("text without quotes",
        "conduit = \"hvc\"", "conduit = hvc",
        "E0002", (44, 11), "write \"hvc\""),
    ("quotes that are not closed",
        "conduit = \"hvc\"", "conduit = \"hvc",
        "E0002", (44, 15), "expected `\"`"),
    ("a bracket that is not closed",
        "interrupt = { ppi = 11 }", "interrupt = { ppi = 11",
        "E0002", (35, 13), "opened here"),
    ("a header without its end",
        "[timer.arm-generic]", "[timer.arm-generic",
        "E0002", (34, 19), "expected `]`"),
    ("a colon for an equals sign",
        "count = 8", "count: 8",
        "E0002", (49, 6), "write `=`"),
    ("a comma left out",
        "{ base = 0x1010_0000, size", "{ base = 0x1010_0000 size",
        "E0002", (31, 39), "expected a comma or the end of the line before this"),
    ("a leading zero",
        "count = 8", "count = 08",
        "E0002", (49, 9), "a number must not start with 0, except for 0x"),
    ("a number in the wrong space",
        "{ spi = 1 }", "{ intid = 33 }",
        "E0010", (39, 15), "if 33 is the controller's own number, write { spi = 1 }"),
    ("an INTID for an SPI",
        "{ spi = 1 }", "{ spi = 1019 }",
        "E0041", (39, 13), "if 1019 is the controller's own number, write { spi = 987 }"),
    ("an INTID for a private interrupt",
        "{ ppi = 11 }", "{ ppi = 27 }",
        "E0041", (35, 13), "if 27 is the controller's own number, write { ppi = 11 }"),
    ("an address without its 0x",
        "base = 0x2000_0000", "base = 2000_0000",
        "E0016", (38, 8), "if 0x was left out, write 0x2000_0000"),
    ("a size without its 0x",
        "stride = 0x200", "stride = 200",
        "E0017", (48, 10), "if 0x was left out, write 0x200"),
    ("an address that is left out, without its 0x",
        "\"0x6000_0000\"", "\"6000_0000\"",
        "E0016", (61, 1), "write \"0x6000_0000\""),
    ("a size of zero",
        "stride = 0x200", "stride = 0",
        "E0017", (48, 10), "write a size greater than 0, with its unit"),
    ("a no-break space before a unit",
        "clock = \"24 MHz\"", "clock = \"24\u{a0}MHz\"",
        "E0017", (40, 9), "after `\"24` there is U+00A0 NO-BREAK SPACE, which looks like a space"),
    ("a no-break space between a key and its value",
        "count = 8", "count\u{a0}= 8",
        "E0002", (49, 6), "after `count` there is U+00A0 NO-BREAK SPACE, which looks like a space"),
    ("quotes of a word processor",
        "conduit = \"hvc\"", "conduit = \u{201c}hvc\u{201d}",
        "E0002", (44, 11), "U+201C LEFT DOUBLE QUOTATION MARK, which looks like `\"`"),
    ("a dash in the name of a driver",
        "[timer.arm-generic]", "[timer.\"arm\u{2010}generic\"]",
        "E0014", (34, 8), "U+2010 HYPHEN, which looks like `-`"),
    ("a dash in a machine's options",
        "machine = \"virt\"", "machine = \"virt,gic\u{2011}version=3\"",
        "E0020", (10, 11), "U+2011 NON-BREAKING HYPHEN, which looks like `-`"),
    ("a letter of another alphabet",
        "conduit = \"hvc\"", "conduit = \"hv\u{0441}\"",
        "E0013", (44, 11), "U+0441 CYRILLIC SMALL LETTER ES, which looks like `c`"),
    ("a file for a parent",
        "schema = 1", "schema = 1\nextends = \"virt-arm64.toml\"",
        "E0020", (2, 11), "write \"virt-arm64\""),
    ("base and size swapped",
        "memory32 = { base = 0x5000_0000, size = \"256 MiB\" }", "memory32 = { base = 0x1000_0000, size = 0x5000_0000 }",
        "E0033", (58, 21), "base and size of `pci.ecam.windows.memory32` seem to be swapped: base = 0x5000_0000, size = \"256 MiB\""),
    ("a window over RAM",
        "base = 0x5000_0000", "base = 0x8000_0000",
        "E0033", (58, 21), "an address belongs either to RAM or to the bus"),
    ("a window over its own configuration space",
        "memory32 = { base = 0x5000_0000, size = \"256 MiB\" }", "memory64 = { base = 0x40_0000_0000, size = \"16 MiB\" }",
        "E0033", (58, 21), "a bridge uses each address only once"),
    ("a driver of another architecture",
        "[timer.arm-generic]\ninterrupt = { ppi = 11 }\n", "[timer.aclimt]\n",
        "E0014", (34, 8), "drivers for aarch64: `arm-generic`"),
    ("a part that has no driver",
        "[console.pl011]", "[console.cdns-uart]",
        "E0014", (37, 10), "docs/new-driver.md shows how to write a driver"),
    ("an architecture that has no port",
        "architecture = \"aarch64\"", "architecture = \"loongarch64\"",
        "E0013", (6, 16), "docs/new-architecture.md shows how to add an architecture"),
    ("a comment of another language",
        "[undescribed]", "// left out\n[undescribed]",
        "E0002", (60, 1), "a comment begins with `#`"),
];

fn planted(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(BOARD.to_owned(), |text, (old, new)| {
        assert_eq!(
            text.matches(old).count(),
            1,
            "{old:?} does not occur exactly once"
        );
        text.replace(old, new)
    })
}

fn told(text: String) -> Diagnostics {
    load_from(&InMemory::new().with("base", text), "base").expect_err("no error reported")
}

/// Returns the code, line and column of each diagnostic.
fn places(told: &Diagnostics) -> Vec<(&'static str, (usize, usize))> {
    let places = told.iter().map(|one| {
        let (_, line, column) = told.position(one.primary.at);
        (one.code.written(), (line, column))
    });
    places.collect()
}

#[test]
fn each_mistake_is_reported_once_at_its_location_with_a_fix() {
    let mut wrong = String::new();
    for (what, old, new, code, at, way_out) in MISTAKES {
        let told = told(planted(&[(old, new)]));
        let text = told.to_string();
        if places(&told) != [(*code, *at)] || !text.contains(way_out) {
            wrong +=
                &format!("{what}: expected {code} at {at:?} with {way_out:?}, got\n{text}\n\n");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Words that the diagnostic of a mistake must not contain, because they name another cause.
const MISLEADING: &[(&str, &str)] = &[
    ("a window over RAM", "[waiver."),
    ("a window over its own configuration space", "[waiver."),
    ("an address without its 0x", "0x0131"),
    ("a size of zero", "TiB\""),
    ("a driver of another architecture", "aclint"),
    ("a table left out", "[timer.clint]"),
    ("a part that has no driver", "did you mean"),
];

#[test]
fn no_diagnostic_names_another_cause() {
    for (what, words) in MISLEADING {
        let row = MISTAKES.iter().find(|(known, ..)| known == what);
        let (_, old, new, ..) = row.unwrap_or_else(|| panic!("{what} is not planted"));
        let text = told(planted(&[(old, new)])).to_string();
        assert!(!text.contains(words), "{what}\n{text}");
    }
}

#[test]
fn no_waiver_lets_a_window_lie_over_ram() {
    let waiver = "[waiver.spare]\nbetween = [\"pci.ecam.windows.memory32\", \"memory.ram.main\"]\n\
                  reason = \"why not\"\n[undescribed]";
    let told = told(planted(&[
        ("base = 0x5000_0000", "base = 0x8000_0000"),
        ("[undescribed]", waiver),
    ]));
    assert_eq!(places(&told), [("E0033", (58, 21))], "\n{told}");
    assert!(told.to_string().contains("no waiver allows this"), "{told}");
}

#[test]
fn an_error_in_an_empty_file_has_a_location() {
    let told = told(String::new());
    assert!(
        told.to_string().contains("--> boards/base.toml:1:1"),
        "{told}"
    );
}

#[test]
fn the_planted_mistakes_are_many_and_distinct() {
    let mut kinds: Vec<_> = MISTAKES.iter().map(|(what, ..)| *what).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert!(kinds.len() == MISTAKES.len() && kinds.len() > 50);
    let mut codes: Vec<_> = MISTAKES.iter().map(|(_, _, _, code, ..)| *code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert!(codes.len() > 35, "{codes:?}");
}

/// Mistakes that are independent of each other and do not move lines, so that they can be planted
/// together.
#[test]
fn many_mistakes_of_one_file_are_reported_in_one_run() {
    let alone = [
        "an underscore for a hyphen",
        "a number beyond its range",
        "a word that is not one of the choices",
        "a decimal address",
        "a size in decimal units",
        "a frequency in the wrong case",
        "a private interrupt of a shared device",
        "a stride smaller than a slot",
        "an empty range",
        "text that is empty",
        "a comma left out",
        "an address both described and left out",
    ];
    let chosen: Vec<&Planted> = MISTAKES
        .iter()
        .filter(|(what, ..)| alone.contains(what))
        .collect();
    assert_eq!(chosen.len(), alone.len());
    let edits: Vec<(&str, &str)> = chosen
        .iter()
        .map(|(_, old, new, ..)| (*old, *new))
        .collect();
    let told = told(planted(&edits));
    let mut expected: Vec<_> = chosen
        .iter()
        .map(|(.., code, at, _)| (*code, *at))
        .collect();
    // An unknown part is not compared with left-out devices.
    expected.retain(|(code, _)| *code != "E0062");
    expected.sort_by_key(|(_, at)| *at);
    assert_eq!(places(&told), expected, "\n{told}");
}
