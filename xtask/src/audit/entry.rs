//! Checks the entry point, and the header that the loader reads.

use object::Object as _;
use vmos_codegen::Board;
use vmos_codegen::board::{Architecture, ImageForm, Reset};

use super::Audit;
use super::elf::Elf;

pub(super) fn check(board: &Board, elf: &Elf<'_>, audit: &mut Audit) {
    let (machine, is_64) = match board.architecture {
        Architecture::Aarch64 => (object::Architecture::Aarch64, true),
        Architecture::Arm | Architecture::ArmV6M | Architecture::ArmV7M | Architecture::ArmV8M => {
            (object::Architecture::Arm, false)
        }
        Architecture::X86_64 => (object::Architecture::X86_64, true),
        Architecture::Riscv64 => (object::Architecture::Riscv64, true),
        Architecture::Riscv32 => (object::Architecture::Riscv32, false),
    };
    let key = Some("board.architecture");
    let found = elf.file.architecture();
    audit.holds(found == machine && elf.file.is_64() == is_64, key, || {
        format!(
            "the file is for {found:?} with {} bits; expected {}",
            8 * elf.word(),
            board.architecture
        )
    });
    audit.holds(elf.file.is_little_endian(), key, || {
        String::from("the file is big-endian; the board's processor is little-endian")
    });
    audit.holds(
        elf.file.kind() == object::ObjectKind::Executable,
        None,
        || {
            format!(
                "the type of the file is {:?}; expected an executable with fixed addresses",
                elf.file.kind()
            )
        },
    );

    let start = elf.symbol("_start");
    let entry = elf.file.entry();
    audit.holds(start == Some(entry), None, || match start {
        Some(start) => format!("the entry is {entry:#x}; expected `_start`, {start:#x}"),
        None => String::from("the symbol `_start` is missing; the entry must be there"),
    });
    let segment = elf.segment(entry, 4);
    audit.holds(
        segment.is_some_and(|segment| segment.access.execute),
        None,
        || format!("the entry {entry:#x} is in no executable segment"),
    );
    // A flat image for arm64 has the header of the Linux boot protocol.
    if board.boot.form == ImageForm::Flat && board.architecture == Architecture::Aarch64 {
        arm64_header(board, elf, board.boot.load_address, audit);
    }
    if let Some(Reset { address, key }) = board.boot.reset {
        let jump = elf.segment(address, 4);
        audit.holds(
            jump.is_some_and(|segment| segment.access.execute),
            Some(key),
            || format!("the processor starts at {address:#x}, which is in no executable segment"),
        );
    }
}

/// Checks the header of a Linux image for arm64 (Linux, Documentation/arch/arm64/booting.rst).
fn arm64_header(board: &Board, elf: &Elf<'_>, load_address: u64, audit: &mut Audit) {
    let ram = board.memory.ram.iter().find(|ram| {
        load_address
            .checked_sub(ram.base)
            .is_some_and(|offset| offset < ram.expected_size)
    });
    let from_ram = load_address - ram.map_or(load_address, |ram| ram.base);
    let size = elf
        .symbol("__image_end")
        .zip(elf.symbol("__image_start"))
        .and_then(|(end, start)| end.checked_sub(start));
    let load_key = "boot.linux-image.load-address";
    let fields = [
        ("text_offset", 8, 8, Some(from_ram), Some(load_key)),
        ("image_size", 16, 8, size, None),
        // Bit 0: little-endian; bits 1-2: pages of 4 KiB; bit 3 clear: near the start of RAM.
        ("flags", 24, 8, Some(0b0010), None),
        ("reserved", 32, 8, Some(0), None),
        ("reserved", 40, 8, Some(0), None),
        ("reserved", 48, 8, Some(0), None),
        ("magic", 56, 4, Some(0x644d_5241), None),
    ];
    for (name, offset, bytes, expected, key) in fields {
        let at = load_address + offset;
        let found = elf.number(at, bytes);
        audit.holds(found.is_some() && found == expected, key, || {
            let show = |number: Option<u64>| {
                number.map_or(String::from("nothing"), |number| format!("{number:#x}"))
            };
            format!(
                "`{name}` in the image header is {}; expected {} ({})",
                show(found),
                show(expected),
                elf.place(at)
            )
        });
    }
}
