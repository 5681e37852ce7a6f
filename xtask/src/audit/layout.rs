//! Segments, sections, stacks and vectors.

use object::{Object as _, ObjectSymbol as _};
use vmos_codegen::Board;
use vmos_codegen::board::{Architecture, Boot};

use super::Audit;
use super::elf::{Access, Elf};

/// The smallest page that any of the processors maps.
const PAGE: u64 = 0x1000;

/// What the emergency stack must have room for: registers, cause and backtrace.
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
        format!("not defined: {}", open.join(", "))
    });
}

/// Nothing may be both written and executed, and everything must be in RAM that is free for it.
fn segments(board: &Board, elf: &Elf<'_>, audit: &mut Audit) {
    audit.holds(!elf.segments.is_empty(), None, || {
        String::from("nothing is loaded")
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

/// Whether a processor that comes out of reset begins at an address.
fn is_reset(board: &Board, address: u64) -> bool {
    matches!(board.boot, Boot::MachineMode { entry, .. } if entry == address)
}

/// A section must be in a segment with which as much may be done as with it, and no more.
fn sections(elf: &Elf<'_>, audit: &mut Audit) {
    for section in &elf.sections {
        let segment = elf.segment(section.address, section.size);
        let found = segment.map(|segment| segment.access);
        audit.holds(found == Some(section.access), None, || match found {
            Some(found) => format!(
                "the section {} is {}, and lies in a segment that is {}",
                section.name,
                section.access.text(),
                found.text()
            ),
            None => format!("the section {} is in no segment", section.name),
        });
    }
}

/// What the kernel maps memory by must be whole pages of the right kind, in order.
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
                format!("there is no symbol `{name}`")
            });
            let Some(address) = address else { continue };
            audit.holds(address.is_multiple_of(PAGE), None, || {
                format!("`{name}` is {address:#x}, which is no page's beginning")
            });
            audit.holds(address >= last, None, || {
                format!("`{name}` is {address:#x}, below what comes before it ({last:#x})")
            });
            last = last.max(address);
        }
        let range = elf.symbol(start).zip(elf.symbol(end));
        let Some((first, size)) =
            range.and_then(|(start, end)| Some((start, end.checked_sub(start)?)))
        else {
            continue;
        };
        let found = elf.segment(first, size).map(|segment| segment.access);
        audit.holds(size == 0 || found == Some(access), None, || {
            format!(
                "from `{start}` to `{end}` memory should be {}, and is {}",
                access.text(),
                found.map_or("in no segment", Access::text)
            )
        });
    }
    for name in ["__image_start", "__image_end"] {
        audit.holds(elf.symbol(name).is_some(), None, || {
            format!("there is no symbol `{name}`")
        });
    }
    let end = elf.symbol("__image_end").unwrap_or_default();
    audit.holds(end >= last, None, || {
        format!("`__image_end` is {end:#x}, below what comes before it ({last:#x})")
    });
}

/// The stack must be as large as described, with a page below it that nothing is in.
fn stack(board: &Board, elf: &Elf<'_>, audit: &mut Audit) {
    let symbol = |name: &str| elf.symbol(name).unwrap_or_default();
    let key = Some("memory.stack");
    let (bottom, top) = (symbol("__stack_bottom"), symbol("__stack_top"));
    let size = top.saturating_sub(bottom);
    audit.holds(size == board.memory.stack, key, || {
        format!(
            "the stack has {size:#x} bytes, and should have {:#x}",
            board.memory.stack
        )
    });
    let guard = symbol("__stack_guard");
    audit.holds(elf.symbol("__stack_guard").is_some(), None, || {
        String::from("there is no symbol `__stack_guard`")
    });
    audit.holds(guard.is_multiple_of(PAGE) && bottom.checked_sub(guard) == Some(PAGE), None, || {
        format!(
            "the guard at {guard:#x} is not the page below the stack, which begins at {bottom:#x}"
        )
    });
    let is_used = |name: &str, base: u64, size: u64| {
        name != ".stack" && base < guard.saturating_add(PAGE) && guard < base.saturating_add(size)
    };
    for section in &elf.sections {
        let used = is_used(&section.name, section.address, section.size);
        audit.holds(!used, None, || {
            format!(
                "the section {} reaches into the page below the stack",
                section.name
            )
        });
        if section.name == ".stack" || section.name == ".bss" {
            audit.holds(section.is_zero, None, || {
                format!("the section {} takes up room in the file", section.name)
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

/// The vectors must be where the processor can take them.
fn vectors(board: &Board, elf: &Elf<'_>, audit: &mut Audit) {
    let key = Some("board.architecture");
    let alignment = match board.architecture {
        // VBAR_EL1 takes bits 63 to 11 (Arm ARM, D23.2).
        Architecture::Aarch64 => 0x800,
        // VBAR takes bits 31 to 5 (Arm ARM for v7-A, B4.1.156).
        Architecture::Arm => 0x20,
        // The low two bits of mtvec and stvec are the mode (Privileged Architecture, 3.1.7).
        Architecture::Riscv64 | Architecture::Riscv32 => 4,
        // The kernel sets up gates to wherever its handlers are.
        Architecture::X86_64 => return,
    };
    // One table, or an entry for each mode.
    let vectors: Vec<(&str, u64)> = elf.symbols_with("__vector").collect();
    audit.holds(!vectors.is_empty(), key, || {
        String::from("there is no symbol `__vectors` or `__vector_<mode>`")
    });
    for (name, address) in vectors {
        audit.holds(address.is_multiple_of(alignment), key, || {
            format!("`{name}` is {address:#x}, and should be a multiple of {alignment:#x}")
        });
        let found = elf
            .segment(address, alignment)
            .map(|segment| segment.access);
        audit.holds(found == Some(EXECUTABLE), key, || {
            format!(
                "`{name}`, {address:#x}, should be executable and read-only, and is {}",
                found.map_or("in no segment", Access::text)
            )
        });
    }
}
