//! An image held against the description of its board.
//!
//! What should be in the image is worked out here from the resolved description, and from nothing
//! that the generator wrote; what is in it is read from the linked ELF file. So a mistake of the
//! generator, of a template, of the linker, or of whatever happened to the file afterwards, shows.

mod elf;
mod entry;
mod firmware;
mod layout;
mod table;
mod text;

use core::ops::Range;

use vmos_codegen::Board;

use elf::Elf;

/// Something in an image that is not as described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The key of the description that says otherwise; none where it is no key's business.
    pub key: Option<String>,
    /// What is wrong: what is expected, what was found, and where.
    pub text: String,
}

/// What came of an audit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// What is not as described.
    pub findings: Vec<Finding>,
    /// How many facts were looked at.
    pub checked: usize,
    /// Where in the file the entries of the tables lie, each part with the key of its entry.
    pub table: Vec<(String, Range<usize>)>,
}

impl Audit {
    /// Holds the linked ELF file `bytes` against `board`.
    #[must_use]
    pub fn of(board: &Board, bytes: &[u8]) -> Self {
        let mut audit = Self::default();
        match Elf::read(bytes) {
            Ok(elf) => {
                entry::check(board, &elf, &mut audit);
                layout::check(board, &elf, &mut audit);
                table::check(board, &elf, &mut audit);
                firmware::check(board, &elf, &mut audit);
            }
            Err(error) => audit.wrong(None, format!("this is no ELF file: {error}")),
        }
        audit
    }

    /// Looks at a fact; `text` says what is wrong where it does not hold.
    fn holds(&mut self, holds: bool, key: Option<&str>, text: impl FnOnce() -> String) {
        self.checked += 1;
        if !holds {
            self.wrong(key, text());
        }
    }

    /// Notes what is wrong.
    fn wrong(&mut self, key: Option<&str>, text: String) {
        self.findings.push(Finding {
            key: key.map(str::to_owned),
            text,
        });
    }
}
