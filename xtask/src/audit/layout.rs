//! Checks segments, sections, stacks and vectors.

use object::{Object as _, ObjectSymbol as _};
use vmos_codegen::Board;
use vmos_codegen::board::{Architecture, Ram, STACK_GUARD};

use super::Audit;
use super::elf::{Access, Elf};

/// The smallest page size of the supported processors, in bytes.
const PAGE: u64 = 0x1000;

/// The alignment of the parts of an image where there are no pages, in bytes.
const DOUBLE_WORD: u64 = 8;

const EXECUTABLE: Access = Access {
    write: false,
    execute: true,
};
const READ_ONLY: Access = Access {
    write: false,
    execute: false,
};
const WRITABLE: Access = Access {
    write: true,
    execute: false,
};

pub(super) fn check(board: &Board, elf: &Elf<'_>, audit: &mut Audit) {
    segments(board, elf, audit);
    sections(elf, audit);
    bounds(board, elf, audit);
    stack(board, elf, audit);
    vectors(board, elf, audit);
    let open: Vec<&str> = elf
        .file
        .symbols()
        .filter(|symbol| symbol.is_undefined())
        .filter_map(|symbol| symbol.name().ok().filter(|name| !name.is_empty()))
        .collect();
    audit.holds(open.is_empty(), None, || {
        format!("undefined symbols: {}", open.join(", "))
    });
}

/// Checks that no segment is both writable and executable, and that every segment is in free RAM, or in
/// flash if it is not writable.
fn segments(board: &Board, elf: &Elf<'_>, audit: &mut Audit) {
    audit.holds(!elf.segments.is_empty(), None, || {
        String::from("the file has no loadable segment")
    });
    for (number, segment) in elf.segments.iter().enumerate() {
        let range = format!(
            "segment {number}, {:#x} to {:#x},",
            segment.address,
            segment.address + segment.size.saturating_sub(1)
        );
        audit.holds(
            !(segment.access.write && segment.access.execute),
            None,
            || format!("{range} is writable and executable"),
        );
        let is_in_ram = board.memory.ram.iter().any(|ram| {
            let offset = segment.address.checked_sub(ram.base);
            offset.is_some_and(|offset| {
                offset < ram.expected_size && segment.size <= ram.expected_size - offset
            })
        });
        let is_in_flash =
            !segment.access.write && fits_in_flash(board, segment.address, segment.size);
        audit.holds(
            is_in_ram || is_in_flash || is_reset(board, segment.address),
            Some("memory.ram"),
            || format!("{range} is not in RAM"),
        );
        let overlaps = |base: u64, size: u64| {
            segment.address < base.saturating_add(size)
                && base < segment.address.saturating_add(segment.size)
        };
        for reserved in &board.memory.reserved {
            let key = format!("memory.reserved.{}", reserved.name);
            let is_free = !overlaps(reserved.range.base, reserved.range.size);
            audit.holds(is_free, Some(&key), || {
                format!("{range} reaches into `{key}`")
            });
        }
        let others = elf.segments.iter().skip(number + 1);
        for other in others {
            audit.holds(!overlaps(other.address, other.size), None, || {
                format!("{range} overlaps the segment at {:#x}", other.address)
            });
        }
    }
}

/// Returns whether the flash that contains an address contains `size` bytes from there on.
fn fits_in_flash(board: &Board, address: u64, size: u64) -> bool {
    let flash = board.memory.flash_at(address);
    flash.is_some_and(|flash| size <= flash.range.size - (address - flash.range.base))
}

/// Returns whether the image runs in flash.
fn is_in_flash(board: &Board) -> bool {
    board.memory.flash_at(board.boot.load_address).is_some()
}

/// Returns whether an address is the processor's reset vector.
fn is_reset(board: &Board, address: u64) -> bool {
    board
        .boot
        .reset
        .is_some_and(|reset| reset.address == address)
}

/// The section of the texts of defmt's messages: see `templates/defmt.ld`.
const TEXTS: &str = ".defmt";

/// Checks that each section is in a segment with the same access permissions.
fn sections(elf: &Elf<'_>, audit: &mut Audit) {
    for section in &elf.sections {
        let segment = elf.segment(section.address, section.size);
        let found = segment.map(|segment| segment.access);
        if section.name == TEXTS && found.is_none() {
            // Its addresses are numbers for the host; it is not loaded.
            continue;
        }
        audit.holds(found == Some(section.access), None, || match found {
            Some(found) => format!(
                "the section {} is {}, but its segment is {}",
                section.name,
                section.access.text(),
                found.text()
            ),
            None => format!("the section {} is in no segment", section.name),
        });
    }
}

/// The parts of an image: the symbols at their starts and ends, and their permissions.
type Parts<'a> = &'a [(&'a str, &'a str, Access)];

/// The parts of an image that runs in flash, in flash and in RAM.
const IN_FLASH: [Parts<'_>; 2] = [
    &[
        ("__text_start", "__text_end", EXECUTABLE),
        ("__rodata_start", "__rodata_end", READ_ONLY),
    ],
    &[
        ("__stack_bottom", "__stack_top", WRITABLE),
        (
            "__emergency_stack_bottom",
            "__emergency_stack_top",
            WRITABLE,
        ),
        ("__data_start", "__data_initialised", WRITABLE),
        ("__bss_start", "__bss_end", WRITABLE),
    ],
];

/// Checks that the symbols by which the kernel maps memory are page-aligned, in order, and bound
/// memory with the right permissions. Without pages, they are aligned to double words.
fn bounds(board: &Board, elf: &Elf<'_>, audit: &mut Audit) {
    if is_in_flash(board) {
        let [flash, ram] = IN_FLASH;
        bounds_of(flash, DOUBLE_WORD, "__flash_start", elf, audit);
        let end = bounds_of(ram, DOUBLE_WORD, "__image_start", elf, audit);
        end_of_image(end, elf, audit);
        initial_values(board, elf, audit);
        return;
    }
    let parts = [
        ("__text_start", "__text_end", EXECUTABLE),
        ("__rodata_start", "__rodata_end", READ_ONLY),
        ("__data_start", "__data_end", WRITABLE),
        ("__stack_bottom", "__stack_top", WRITABLE),
        (
            "__emergency_stack_bottom",
            "__emergency_stack_top",
            WRITABLE,
        ),
    ];
    let end = bounds_of(&parts, PAGE, "__image_start", elf, audit);
    end_of_image(end, elf, audit);
}

/// Checks that the initial values of variables are in flash, behind the constants.
fn initial_values(board: &Board, elf: &Elf<'_>, audit: &mut Audit) {
    let symbol = |name: &str| elf.symbol(name).unwrap_or_default();
    let (from, constants) = (symbol("__data_load"), symbol("__rodata_end"));
    let size = symbol("__data_initialised").saturating_sub(symbol("__data_start"));
    let key = Some("memory.flash");
    audit.holds(
        from >= constants && (size == 0 || fits_in_flash(board, from, size)),
        key,
        || {
            format!(
                "the initial values of variables, {size:#x} bytes at {from:#x}, are not in flash"
            )
        },
    );
}

/// Checks the symbols of parts that follow each other from `first` on, and returns the last of them.
fn bounds_of(parts: Parts<'_>, unit: u64, first: &str, elf: &Elf<'_>, audit: &mut Audit) -> u64 {
    let mut last = elf.symbol(first).unwrap_or_default();
    for &(start, end, access) in parts {
        for name in [start, end] {
            let address = elf.symbol(name);
            audit.holds(address.is_some(), None, || {
                format!("the symbol `{name}` is missing")
            });
            let Some(address) = address else { continue };
            audit.holds(address.is_multiple_of(unit), None, || {
                let what = if unit == PAGE { "page-" } else { "" };
                format!("`{name}` is {address:#x}, which is not {what}aligned")
            });
            audit.holds(address >= last, None, || {
                format!("`{name}` is {address:#x}, below the symbol before it ({last:#x})")
            });
            last = last.max(address);
        }
        let range = elf.symbol(start).zip(elf.symbol(end));
        let Some((first, size)) =
            range.and_then(|(start, end)| Some((start, end.checked_sub(start)?)))
        else {
            continue;
        };
        // A segment ends with its last byte, but the page that contains this byte is mapped as a
        // whole.
        let segment = elf.segment(first, 1).filter(|segment| {
            let end = segment.address + segment.size;
            first + size <= end.next_multiple_of(unit)
        });
        let found = segment.map(|segment| segment.access);
        audit.holds(size == 0 || found == Some(access), None, || {
            format!(
                "the memory from `{start}` to `{end}` is {1}; expected {0}",
                access.text(),
                found.map_or("in no segment", Access::text)
            )
        });
    }
    last
}

/// Checks the symbols at the ends of the image, whose last part ends at `last`.
fn end_of_image(last: u64, elf: &Elf<'_>, audit: &mut Audit) {
    for name in ["__image_start", "__image_end"] {
        audit.holds(elf.symbol(name).is_some(), None, || {
            format!("the symbol `{name}` is missing")
        });
    }
    let end = elf.symbol("__image_end").unwrap_or_default();
    audit.holds(end >= last, None, || {
        format!("`__image_end` is {end:#x}, below the symbol before it ({last:#x})")
    });
}

/// Checks the size of the stack, and that the guard below it is free.
fn stack(board: &Board, elf: &Elf<'_>, audit: &mut Audit) {
    let symbol = |name: &str| elf.symbol(name).unwrap_or_default();
    let key = Some("memory.stack");
    let (bottom, top) = (symbol("__stack_bottom"), symbol("__stack_top"));
    let size = top.saturating_sub(bottom);
    audit.holds(size == board.memory.stack, key, || {
        format!(
            "the stack has {size:#x} bytes; expected {:#x}",
            board.memory.stack
        )
    });
    let guard = symbol("__stack_guard");
    audit.holds(elf.symbol("__stack_guard").is_some(), None, || {
        String::from("the symbol `__stack_guard` is missing")
    });
    audit.holds(
        guard.is_multiple_of(PAGE) && bottom.checked_sub(guard) == Some(STACK_GUARD),
        None,
        || {
            format!(
                "the guard begins at {guard:#x}; expected {STACK_GUARD:#x} bytes below the stack at \
                 {bottom:#x}"
            )
        },
    );
    let is_used = |name: &str, base: u64, size: u64| {
        name != ".stack"
            && base < guard.saturating_add(STACK_GUARD)
            && guard < base.saturating_add(size)
    };
    for section in &elf.sections {
        let used = is_used(&section.name, section.address, section.size);
        audit.holds(!used, None, || {
            format!(
                "the section {} overlaps the guard below the stack",
                section.name
            )
        });
        if section.name == ".stack" || section.name == ".bss" {
            audit.holds(section.is_zero, None, || {
                format!(
                    "the section {} takes space in the file; expected none",
                    section.name
                )
            });
        }
    }
    let emergency =
        symbol("__emergency_stack_top").saturating_sub(symbol("__emergency_stack_bottom"));
    let expected = board.memory.fault_stack;
    audit.holds(emergency == expected, Some("memory.fault-stack"), || {
        format!("the fault stack has {emergency:#x} bytes; expected {expected:#x}")
    });
    let is_free =
        |ram: &Ram| ram.base >= bottom || ram.base.saturating_add(ram.expected_size) <= guard;
    audit.holds(
        !is_in_flash(board) || board.memory.ram.iter().all(is_free),
        key,
        || {
            format!(
                "the stack at {bottom:#x} is not at the start of RAM: an overflow would be no fault"
            )
        },
    );
}

/// Returns the number of external interrupts of a vector table.
fn external_interrupts(board: &Board) -> u64 {
    let lines = board.interrupt_controller.lines.iter();
    lines.map(|lines| u64::from(lines.count)).sum()
}

/// Checks the alignment and permissions of the vectors.
fn vectors(board: &Board, elf: &Elf<'_>, audit: &mut Audit) {
    let key = Some("board.architecture");
    let alignment = match board.architecture {
        // VBAR_EL1 holds bits 63 to 11 (Arm ARM, D23.2).
        Architecture::Aarch64 => 0x800,
        // VBAR holds bits 31 to 5 (Arm ARM for v7-A, B4.1.156).
        Architecture::Arm => 0x20,
        // VTOR holds bits 31 to 7, and the table is aligned to its size (Arm ARM for v7-M, B3.2.5).
        Architecture::ArmV6M | Architecture::ArmV7M | Architecture::ArmV8M => {
            (4 * (16 + external_interrupts(board))).next_power_of_two()
        }
        // The low two bits of mtvec and stvec are the mode (Privileged Architecture, 3.1.7).
        Architecture::Riscv64 | Architecture::Riscv32 => 4,
        // The kernel builds the interrupt descriptor table at run time, with handlers at any
        // address.
        Architecture::X86_64 => return,
    };
    // There is one table, or one entry for each privilege mode.
    let vectors: Vec<(&str, u64)> = elf.symbols_with("__vector").collect();
    audit.holds(!vectors.is_empty(), key, || {
        String::from("no symbol `__vectors` or `__vector_<mode>` exists")
    });
    for (name, address) in vectors {
        audit.holds(address.is_multiple_of(alignment), key, || {
            format!("`{name}` is {address:#x}; expected a multiple of {alignment:#x}")
        });
        let found = elf
            .segment(address, alignment)
            .map(|segment| segment.access);
        audit.holds(found == Some(EXECUTABLE), key, || {
            format!(
                "`{name}` at {address:#x} is {}; expected executable and read-only",
                found.map_or("in no segment", Access::text)
            )
        });
    }
}
