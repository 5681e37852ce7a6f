//! Compares a linked image with the description of its board.
//!
//! The expected content is derived from the resolved description alone, never from generated files.
//! The actual content is read from the linked ELF file. So an audit finds errors of the generator,
//! the templates and the linker, and later changes to the file.

mod elf;
mod entry;
mod firmware;
mod frames;
mod layout;
mod table;
mod text;

use core::ops::Range;

use vmos_codegen::Board;

use elf::Elf;

/// Returns a message for each function of the linked ELF file `bytes` whose frame could step over the
/// guard below the stack, so that a stack overflow would not be a fault.
#[must_use]
pub fn too_large_frames(board: &Board, bytes: &[u8]) -> Vec<String> {
    Elf::read(bytes).map_or_else(|_| Vec::new(), |elf| frames::too_large(board, &elf))
}

/// A difference between an image and the description of its board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The key of the description that sets the expected value; `None` if no key does.
    pub key: Option<String>,
    /// The message: what was expected, what was found, and where.
    pub text: String,
}

/// The result of an audit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// The differences between the image and the description.
    pub findings: Vec<Finding>,
    /// The number of facts that were compared.
    pub checked: usize,
    /// The byte ranges of the file that hold the entries of the tables, each with the key of its
    /// entry.
    pub table: Vec<(String, Range<usize>)>,
}

impl Audit {
    /// Compares the linked ELF file `bytes` with `board`.
    #[must_use]
    pub fn of(board: &Board, bytes: &[u8]) -> Self {
        let mut audit = Self::default();
        match Elf::read(bytes) {
            Ok(elf) => {
                entry::check(board, &elf, &mut audit);
                layout::check(board, &elf, &mut audit);
                frames::check(board, &elf, &mut audit);
                table::check(board, &elf, &mut audit);
                firmware::check(board, &elf, &mut audit);
            }
            Err(error) => audit.wrong(None, format!("not an ELF file: {error}")),
        }
        audit
    }

    /// Counts a fact, and records the message `text` for `key` unless it holds.
    fn holds(&mut self, holds: bool, key: Option<&str>, text: impl FnOnce() -> String) {
        self.checked += 1;
        if !holds {
            self.wrong(key, text());
        }
    }

    /// Records a difference.
    fn wrong(&mut self, key: Option<&str>, text: String) {
        self.findings.push(Finding {
            key: key.map(str::to_owned),
            text,
        });
    }
}
