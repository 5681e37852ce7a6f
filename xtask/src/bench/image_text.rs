//! Finds the addresses of an image's code.

use core::ops::Range;
use std::fs;
use std::path::Path;

use object::{Object as _, ObjectSection as _, SectionKind};

use crate::failure::FileError;
use crate::guest::outcome::Outcome;

/// Returns the address range of the executable sections of an ELF file.
///
/// # Errors
/// The file cannot be read, or has no code.
pub fn of(elf: &Path) -> Outcome<Range<u64>> {
    let bytes = fs::read(elf).map_err(FileError::at("read the image", elf))?;
    let file = object::File::parse(&*bytes)?;
    let code = file
        .sections()
        .filter(|section| section.kind() == SectionKind::Text)
        .map(|section| section.address()..section.address() + section.size());
    code.reduce(|all, one| all.start.min(one.start)..all.end.max(one.end))
        .ok_or_else(|| format!("{} has no code", elf.display()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_this_test_is_found() {
        let text = of(&std::env::current_exe().unwrap()).unwrap();
        assert!(!text.is_empty());
    }
}
