//! Checks a string in a table: its address and length are in the entry, its bytes elsewhere.

use super::Audit;
use super::elf::Elf;

/// Compares the string whose address and length are at `at` with `expected`, which comes from `key`
/// of the description.
pub(super) fn check(
    elf: &Elf<'_>,
    what: &str,
    key: &str,
    at: u64,
    expected: &str,
    audit: &mut Audit,
) {
    let word = elf.word();
    let (address, length) = (elf.number(at, word), elf.number(at + word, word));
    audit.holds(length == Some(expected.len() as u64), Some(key), || {
        format!(
            "{what} has the length {}; expected {} ({})",
            length.unwrap_or_default(),
            expected.len(),
            elf.place(at + word)
        )
    });
    let address = address.unwrap_or_default();
    let text = elf.bytes(address, expected.len() as u64);
    audit.holds(
        text == Some(expected.as_bytes()),
        Some(key),
        || match text {
            Some(text) => format!(
                "{what} is `{}`; expected `{expected}` ({}, from the address {})",
                text.escape_ascii(),
                elf.place(address),
                elf.place(at)
            ),
            None => format!(
                "{what} has the address {address:#x}, which is not in the file ({})",
                elf.place(at)
            ),
        },
    );
    // Record where the bytes of the string, of its address and of its length are.
    for (at, size) in [(address, expected.len() as u64), (at, 2 * word)] {
        let range = elf.file_range(at, size);
        audit
            .table
            .extend(range.map(|range| (key.to_owned(), range)));
    }
}
