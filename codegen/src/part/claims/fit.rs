//! Checks alignment, size and end of a range.

use super::{Extent, Rule};
use crate::board::{Architecture, PageTables};
use crate::diagnostic::{Code, Diagnostic};
use crate::language::{Address, Located, Size, hexadecimal};
use crate::source::Location;

/// Returns the error in the base address, if any.
pub(super) fn wrong_base(base: &Located<Address>, rule: Rule) -> Option<Diagnostic> {
    let address = base.value.0;
    if address.is_multiple_of(rule.base) {
        return None;
    }
    let below = address - address % rule.base;
    let diagnostic = misaligned(&format!("`{}`", base.path), base.at, rule, rule.base);
    Some(diagnostic.help(match below.checked_add(rule.base) {
        Some(above) => {
            format!(
                "the nearest multiples are {} and {}",
                hexadecimal(below),
                hexadecimal(above)
            )
        }
        None => format!("the nearest multiple is {}", hexadecimal(below)),
    }))
}

/// Returns the error in the size, if any.
pub(super) fn wrong_size(key: &str, size: Extent, rule: Rule) -> Option<Diagnostic> {
    if size.bytes == 0 {
        let title = format!("`{key}` is empty");
        return Some(
            Diagnostic::new(Code::EmptyRange, size.at, title)
                .label("no bytes")
                .help("remove it if the machine does not have it"),
        );
    }
    if size.bytes < rule.least {
        let title = format!("`{key}` is too small for {}", rule.what);
        let label = format!("at least {} are needed", Size(rule.least).written());
        return Some(Diagnostic::new(Code::BlockTooSmall, size.at, title).label(label));
    }
    let is_aligned = size.bytes.is_multiple_of(rule.size);
    (!is_aligned).then(|| {
        let subject = format!("the size of `{key}`");
        let diagnostic = misaligned(&subject, size.at, rule, rule.size);
        let below = size.bytes - size.bytes % rule.size;
        let above = below.checked_add(rule.size);
        // A data sheet may give the last offset.
        if above.is_some_and(|above| above == size.bytes + 1) {
            let right = hexadecimal(size.bytes + 1);
            return diagnostic.help(format!(
                "if this is the offset of the last byte, write size = {right}"
            ));
        }
        let nearest = [Some(below).filter(|below| *below > 0), above];
        let nearest: Vec<String> = nearest.into_iter().flatten().map(hexadecimal).collect();
        diagnostic.help(match nearest.as_slice() {
            [one] => format!("the nearest multiple is {one}"),
            _ => format!("the nearest multiples are {}", nearest.join(" and ")),
        })
    })
}

/// Returns the error for a range that does not fit the address space.
pub(super) fn outside(
    (architecture, page_tables): (Option<Architecture>, PageTables),
    key: &str,
    base: &Located<Address>,
    size: Extent,
    rule: Rule,
) -> Option<Diagnostic> {
    let end = u128::from(base.value.0) + u128::from(size.bytes);
    let bits = match (architecture, rule.mapped_elsewhere) {
        (None, _) => 64,
        (Some(architecture), false) => address_bits(architecture),
        (Some(architecture), true) => physical_bits(architecture, page_tables),
    };
    let (code, bits, what) = if end > 1 << bits {
        let what = match architecture {
            Some(_) if rule.mapped_elsewhere && page_tables == PageTables::Short => {
                "with `memory.page-tables = \"short\"` the kernel addresses".to_owned()
            }
            Some(architecture) if bits < 64 => {
                format!("on {architecture} the kernel addresses")
            }
            _ => "addresses have".to_owned(),
        };
        (Code::OutsideAddressSpace, bits, what)
    } else if rule.below_4_gib && end > 1 << 32 {
        (Code::WindowAbove4GiB, 32, "a 32-bit BAR holds".to_owned())
    } else {
        return None;
    };
    let title = format!("`{key}` goes beyond what {bits} bits can address");
    let last = end - 1;
    Some(
        Diagnostic::new(code, base.at, title)
            .label(match u64::try_from(last) {
                Ok(last) => format!("its last byte is at {}", hexadecimal(last)),
                Err(_) => format!("its last byte is at {last:#x}"),
            })
            .note(format!("{what} {bits} bits"))
            .helps(swapped(base, size, rule, bits))
            .help(match code {
                Code::WindowAbove4GiB => {
                    "give it a lower base or a smaller size; `memory64` may be anywhere"
                }
                _ => "give it a lower base or a smaller size",
            }),
    )
}

/// Returns a help text if base and size would be valid the other way round.
fn swapped(base: &Located<Address>, size: Extent, rule: Rule, bits: u32) -> Option<String> {
    let fits = size.bytes.is_multiple_of(rule.base)
        && base.value.0.is_multiple_of(rule.size)
        && base.value.0 >= rule.least
        && u128::from(base.value.0) + u128::from(size.bytes) <= 1 << bits.min(32)
        && size.at != base.at
        && size.bytes > base.value.0;
    fits.then(|| {
        format!(
            "base and size seem to be swapped: base = {}, size = {}",
            hexadecimal(size.bytes),
            Size(base.value.0).written()
        )
    })
}

/// Returns the error for `subject`, which is not aligned as the rule requires.
fn misaligned(subject: &str, at: Location, rule: Rule, alignment: u64) -> Diagnostic {
    let alignment = Size(alignment).written().replace('"', "");
    Diagnostic::new(
        Code::Misaligned,
        at,
        format!("{subject} is not a multiple of {alignment}"),
    )
    .label(format!("{} must be aligned to {alignment}", rule.what))
}

/// Returns how many bits of a physical address the kernel can use. It maps memory at its own
/// address, so the width of virtual addresses counts too.
fn address_bits(architecture: Architecture) -> u32 {
    match architecture {
        // VMSAv8-64 with a 4 KiB granule and without LPA2: 48 bits (Arm ARM D8.1).
        Architecture::Aarch64 => 48,
        Architecture::Arm
        | Architecture::ArmV6M
        | Architecture::ArmV7M
        | Architecture::ArmV8M
        | Architecture::Riscv32 => 32,
        // The lower half of 48-bit canonical addresses (Intel SDM volume 1, 3.3.7.1).
        Architecture::X86_64 => 47,
        // Sv48's 48 bits are sign-extended; 56 physical bits without a mapping
        // (RISC-V privileged architecture, 4.5).
        Architecture::Riscv64 => 56,
    }
}

/// Returns the largest width of a physical address in bits.
fn physical_bits(architecture: Architecture, page_tables: PageTables) -> u32 {
    match (architecture, page_tables) {
        // The large physical address extension (Arm ARM DDI 0406, B3.6).
        (Architecture::Arm, PageTables::Long) => 40,
        _ => address_bits(architecture),
    }
}
