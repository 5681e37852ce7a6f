//! Text in a table: an address and a length.

use super::Audit;
use super::elf::Elf;

/// Holds the text of which the address and the length are at `at` against `expected`, which comes
/// from `key` of the description.
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
            "{what} has the length {}, and should have {} ({})",
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
                "{what} reads `{}`, and should read `{expected}` ({}, by the address {})",
                text.escape_ascii(),
                elf.place(address),
                elf.place(at)
            ),
            None => format!(
                "{what} should be at {address:#x}, where the file has nothing ({})",
                elf.place(at)
            ),
        },
    );
    // Each byte of the text, of its address and of its length says something.
    for (at, size) in [(address, expected.len() as u64), (at, 2 * word)] {
        let range = elf.file_range(at, size);
        audit
            .table
            .extend(range.map(|range| (key.to_owned(), range)));
    }
}
