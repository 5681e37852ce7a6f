//! Measures how many bytes of RAM an image in flash takes, and what they are for.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use object::{Object as _, ObjectSection as _, ObjectSymbol as _};
use vmos_codegen::Board;

use super::{folder_of_crate, is_writable};

/// The name for variables without a symbol, and for the space that aligns variables.
const UNNAMED: &str = "(alignment)";
/// The section with the stacks.
const STACKS: &str = ".stack";
/// A symbol of images that use an Ethernet controller: such an image may have a larger stack, and its heap
/// gets the rest of RAM.
const USES_ETHERNET: &str = "__vmos_ethernet";

/// The RAM that an image in flash takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ram {
    /// The stacks and the heap, then the variables of each crate, the largest first; each with its size
    /// in bytes.
    pub shares: Vec<(String, u64)>,
    /// Whether the heap gets the rest of RAM, so that it is not in `shares`.
    pub heap_is_the_rest: bool,
}

impl Ram {
    /// Measures an ELF file; returns `None` if the board's images are loaded into RAM.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not an ELF file.
    pub fn of(elf: &Path, board: &Board) -> Result<Option<Self>, Box<dyn Error + Send + Sync>> {
        if board.memory.flash_at(board.boot.load_address).is_none() {
            return Ok(None);
        }
        let bytes =
            fs::read(elf).map_err(|error| format!("cannot read {}: {error}", elf.display()))?;
        let file = object::File::parse(&*bytes)?;
        let fault_stack = board.memory.fault_stack;
        let stacks = file.section_by_name(STACKS).map_or(0, |one| one.size());
        let uses_ethernet = file.symbol_by_name(USES_ETHERNET).is_some();
        let heap = board.memory.heap.filter(|_| !uses_ethernet);
        let mut shares = vec![
            ("stack".to_owned(), stacks.saturating_sub(fault_stack)),
            ("fault stack".to_owned(), fault_stack),
        ];
        shares.extend(heap.map(|heap| ("heap".to_owned(), heap)));
        shares.extend(variables(&file));
        Ok(Some(Self {
            shares,
            heap_is_the_rest: heap.is_none(),
        }))
    }

    /// Returns the number of bytes; without the heap, if that gets the rest of RAM.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.shares.iter().map(|(_, size)| size).sum()
    }
}

/// Returns the size of the variables of each crate, the largest first.
fn variables(file: &object::File<'_>) -> Vec<(String, u64)> {
    let mut crates = BTreeMap::new();
    for section in file.sections() {
        if !is_writable(section.flags()) || section.name() == Ok(STACKS) {
            continue;
        }
        let mut unnamed = section.size();
        let symbols = file.symbols();
        for symbol in symbols.filter(|one| one.section_index() == Some(section.index())) {
            let name = addr2line::demangle_auto(symbol.name().unwrap_or_default().into(), None);
            if let Some((first, _)) = name.trim_start_matches(['<', '&']).split_once("::") {
                *crates.entry(folder_of_crate(first)).or_insert(0) += symbol.size();
                unnamed = unnamed.saturating_sub(symbol.size());
            }
        }
        *crates.entry(UNNAMED.to_owned()).or_insert(0) += unnamed;
    }
    let mut crates: Vec<_> = crates.into_iter().filter(|(_, size)| *size > 0).collect();
    crates.sort_by_key(|(_, size)| core::cmp::Reverse(*size));
    crates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_those_of_crates() {
        let bytes = fs::read(std::env::current_exe().unwrap()).unwrap();
        let file = object::File::parse(&*bytes).unwrap();
        let writable = file
            .sections()
            .filter(|section| is_writable(section.flags()));
        let all: u64 = writable.map(|section| section.size()).sum();
        let variables = variables(&file);
        assert!(
            variables.iter().any(|(name, _)| name == "std"),
            "{variables:?}"
        );
        assert_eq!(variables.iter().map(|(_, size)| size).sum::<u64>(), all);
    }

    #[test]
    fn the_total_is_the_sum() {
        let ram = Ram {
            shares: vec![("stack".to_owned(), 2048), ("kernel".to_owned(), 100)],
            heap_is_the_rest: true,
        };
        assert_eq!(ram.total(), 2148);
    }
}
