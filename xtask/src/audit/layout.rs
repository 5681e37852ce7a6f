//! Checks segments, sections, stacks and vectors.

use object::{Object as _, ObjectSymbol as _};
use vmos_codegen::Board;
use vmos_codegen::board::{Architecture, STACK_GUARD};

use super::Audit;
use super::elf::{Access, Elf};

/// The smallest page size of the supported processors, in bytes.
const PAGE: u64 = 0x1000;

/// The smallest emergency stack, in bytes: it must hold the registers, the cause and a backtrace.
const LEAST_EMERGENCY_STACK: u64 = 0x1000;

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
    bounds(elf, audit);
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

/// Checks that no segment is both writable and executable, and that every segment is in free RAM.
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
        audit.holds(
            is_in_ram || is_reset(board, segment.address),
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

/// Checks that the symbols by which the kernel maps memory are page-aligned, in order, and bound
/// memory with the right permissions.
fn bounds(elf: &Elf<'_>, audit: &mut Audit) {
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
    let mut last = elf.symbol("__image_start").unwrap_or_default();
    for (start, end, access) in parts {
        for name in [start, end] {
            let address = elf.symbol(name);
            audit.holds(address.is_some(), None, || {
                format!("the symbol `{name}` is missing")
            });
            let Some(address) = address else { continue };
            audit.holds(address.is_multiple_of(PAGE), None, || {
                format!("`{name}` is {address:#x}, which is not page-aligned")
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
            first + size <= end.next_multiple_of(PAGE)
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
    audit.holds(emergency >= LEAST_EMERGENCY_STACK, None, || {
        format!(
            "the emergency stack has {emergency:#x} bytes, and needs {LEAST_EMERGENCY_STACK:#x}"
        )
    });
}

/// Checks the alignment and permissions of the vectors.
fn vectors(board: &Board, elf: &Elf<'_>, audit: &mut Audit) {
    let key = Some("board.architecture");
    let alignment = match board.architecture {
        // VBAR_EL1 holds bits 63 to 11 (Arm ARM, D23.2).
        Architecture::Aarch64 => 0x800,
        // VBAR holds bits 31 to 5 (Arm ARM for v7-A, B4.1.156).
        Architecture::Arm => 0x20,
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
