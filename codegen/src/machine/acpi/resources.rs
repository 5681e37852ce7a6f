//! Resource descriptors (ACPI 6.5, 6.4) in the code of a DSDT. The code is not run; descriptors are
//! recognised by their first bytes and their consistency.

use super::{kind_of, number};
use crate::board::Range;
use crate::machine::device::WindowKind;

/// Returns fixed ranges of 32 bits (6.4.3.4) that are directly followed by an extended interrupt
/// (6.4.3.6): the first address and the input.
pub(super) fn with_interrupts(code: &[u8]) -> Vec<(u64, u32)> {
    const MEMORY: &[u8] = &[0x86, 9, 0];
    const INTERRUPT: &[u8] = &[0x89, 6, 0];
    let mut found = Vec::new();
    for start in 0..code.len() {
        let rest = &code[start..];
        let is_one = rest.starts_with(MEMORY)
            && rest
                .get(12..)
                .is_some_and(|next| next.starts_with(INTERRUPT))
            && rest.get(16) == Some(&1);
        if let (true, Some(base), Some(input)) = (is_one, number(rest, 4, 4), number(rest, 17, 4))
            && let Ok(input) = u32::try_from(input)
        {
            found.push((base, input));
        }
    }
    found
}

/// Returns the windows of a bridge in memory: address space descriptors of 32 and of 64 bits
/// (6.4.3.5.2 and 6.4.3.5.1). Those in the first MiB, such as the legacy display, are ignored.
pub(super) fn windows(code: &[u8]) -> Vec<(WindowKind, Range)> {
    let mut found = Vec::new();
    for start in 0..code.len() {
        let rest = &code[start..];
        let width = match rest {
            [0x87, 0x17, 0, 0, ..] => 4,
            [0x8A, 0x2B, 0, 0, ..] => 8,
            _ => continue,
        };
        let field = |nth: usize| number(rest, 6 + nth * width, width);
        let (Some(least), Some(greatest), Some(size)) = (field(1), field(2), field(4)) else {
            continue;
        };
        let is_whole = greatest.checked_sub(least) == size.checked_sub(1);
        if is_whole && size > 0 && least >= 1 << 20 {
            let range = Range { base: least, size };
            found.push((kind_of(range), range));
        }
    }
    found
}
