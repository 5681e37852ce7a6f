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

/// Returns the sleep type of the state S5, soft off: the first element of the package `_S5_`
/// (7.4.2.6), which is a name, the package's opcode, its length in one byte, the number of elements,
/// and a number in AML (20.2.3).
pub(super) fn soft_off(code: &[u8]) -> Option<u32> {
    const NAME: &[u8] = b"_S5_\x12";
    let at = code.windows(NAME.len()).position(|bytes| bytes == NAME)?;
    match *code.get(at + NAME.len() + 2..)? {
        [0x00, ..] => Some(0),
        [0x01, ..] => Some(1),
        [0x0A, kind, ..] => Some(kind.into()),
        _ => None,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sleep_type_of_soft_off_is_found() {
        let package = |element: &[u8]| [b"\x08_S5_\x12\x06\x04", element, &[0, 0, 0]].concat();
        assert_eq!(soft_off(&package(&[0x0A, 5])), Some(5));
        assert_eq!(soft_off(&package(&[0])), Some(0));
        assert_eq!(soft_off(&package(&[1])), Some(1));
        assert_eq!(soft_off(&package(&[0x5C])), None);
        assert_eq!(soft_off(b"_S5_\x12"), None);
        assert_eq!(soft_off(b""), None);
    }
}
