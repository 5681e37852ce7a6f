//! Measures how many bytes of an image are loaded, and which crates and functions they come from.

mod ram;

use core::error::Error;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use addr2line::Loader;
use object::elf::{FileHeader32, FileHeader64, PT_LOAD, SHF_ALLOC, SHF_WRITE};
use object::read::elf::{FileHeader, ProgramHeader as _};
use object::{
    Endianness, FileKind, Object as _, ObjectSection as _, ObjectSymbol as _, SectionFlags,
    SectionKind,
};

pub use ram::Ram;

/// The size limit of the demo on every board, in loaded bytes.
pub const BUDGET: u64 = 200 * 1024;

/// The name for code that belongs to no crate: entry code and vectors.
const ASSEMBLY: &str = "(assembly)";
/// The name for data without a symbol: strings, panic locations, tables that the compiler
/// generates.
const CONSTANTS: &str = "(texts and tables)";

/// The loaded bytes of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Bytes in the file that are to be in memory: the sum of `p_filesz` of the `PT_LOAD` segments.
    pub loadable: u64,
    /// The loaded sections and their sizes in bytes, in file order.
    pub sections: Vec<(String, u64)>,
    /// The sections that the image writes and their sizes in bytes, in file order: stacks and
    /// variables. Those without contents are not loaded.
    pub writable: Vec<(String, u64)>,
    /// The bytes of each crate, the largest first.
    pub crates: Vec<Share>,
    /// The functions and their sizes in bytes, the largest first.
    pub functions: Vec<(String, u64)>,
}

/// The bytes of a crate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// The crate's name; for the workspace's own crates, the folder.
    pub name: String,
    /// Bytes of code from this crate's source, wherever it was inlined, and of `core` and `alloc`
    /// code that was inlined into it.
    pub code: u64,
    /// Bytes of data with a symbol.
    pub data: u64,
}

impl Footprint {
    /// Measures an ELF file. Sources below `root` count as the workspace's own.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not an ELF file.
    pub fn of(elf: &Path, root: &Path) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let bytes =
            fs::read(elf).map_err(|error| format!("cannot read {}: {error}", elf.display()))?;
        let file = object::File::parse(&*bytes)?;
        let lines = Loader::new(elf).map_err(|error| error.to_string())?;
        let mut shares = Shares::default();
        let mut footprint = Self {
            loadable: loadable(&bytes)?,
            ..Self::default()
        };
        for section in file.sections() {
            if section.size() > 0 && is_writable(section.flags()) {
                let name = section.name()?.to_owned();
                footprint.writable.push((name, section.size()));
            }
            let Some((offset, size)) = section.file_range() else {
                continue;
            };
            let is_loaded = loads(&bytes, offset)?;
            if size == 0 || !is_loaded {
                continue;
            }
            footprint.sections.push((section.name()?.to_owned(), size));
            if section.kind() == SectionKind::Text {
                shares.add_code(&lines, section.address(), size, root)?;
            } else {
                let named = shares.add_data(&file, &section);
                shares.of(CONSTANTS).data += size.saturating_sub(named);
            }
        }
        footprint.crates = shares.largest_first();
        footprint.functions = functions(&file);
        Ok(footprint)
    }

    /// Returns the number of loaded bytes that belong to no section.
    #[must_use]
    pub fn padding(&self) -> u64 {
        let sections: u64 = self.sections.iter().map(|(_, size)| size).sum();
        self.loadable.saturating_sub(sections)
    }
}

fn is_writable(flags: SectionFlags) -> bool {
    let wanted = SHF_ALLOC | SHF_WRITE;
    matches!(flags, SectionFlags::Elf { sh_flags, .. } if sh_flags & wanted == wanted)
}

#[derive(Default)]
struct Shares(BTreeMap<String, Share>);

impl Shares {
    fn of(&mut self, name: &str) -> &mut Share {
        let share = self.0.entry(name.to_owned()).or_default();
        if share.name.is_empty() {
            name.clone_into(&mut share.name);
        }
        share
    }

    /// Adds the code of a section to the crates that its lines come from. Inlined code of Rust's
    /// standard library counts for the crate that uses it.
    fn add_code(
        &mut self,
        lines: &Loader,
        address: u64,
        size: u64,
        root: &Path,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let end = address + size;
        let mut reached = address;
        let locations = lines
            .find_location_range(address, end)
            .map_err(|error| error.to_string())?;
        for (start, length, location) in locations {
            let (start, stop) = (start.max(reached), (start + length).min(end));
            if start >= stop {
                continue;
            }
            self.of(ASSEMBLY).code += start - reached;
            let written = location.file.and_then(|file| crate_of(file, root));
            let name = match written {
                Some(name) if is_of_rust(&name) => user(lines, start, root)?.unwrap_or(name),
                Some(name) => name,
                None => ASSEMBLY.to_owned(),
            };
            self.of(&name).code += stop - start;
            reached = stop;
        }
        self.of(ASSEMBLY).code += end - reached;
        Ok(())
    }

    /// Adds the symbols of a data section; returns their size in bytes.
    fn add_data(&mut self, file: &object::File<'_>, section: &object::Section<'_, '_>) -> u64 {
        let inside = file
            .symbols()
            .filter(|symbol| symbol.section_index() == Some(section.index()) && symbol.size() > 0);
        let mut named = 0;
        for symbol in inside {
            let name = symbol.name().unwrap_or_default();
            let name = addr2line::demangle_auto(name.into(), None);
            let Some((first, _)) = name.trim_start_matches(['<', '&']).split_once("::") else {
                continue;
            };
            self.of(&folder_of_crate(first)).data += symbol.size();
            named += symbol.size();
        }
        named
    }

    fn largest_first(self) -> Vec<Share> {
        let mut shares: Vec<_> = self.0.into_values().collect();
        shares.retain(|share| share.code + share.data > 0);
        shares.sort_by_key(|share| core::cmp::Reverse(share.code + share.data));
        shares
    }
}

/// Returns whether a crate is part of Rust's standard library.
fn is_of_rust(name: &str) -> bool {
    matches!(name, "core" | "alloc" | "std" | "compiler-builtins")
}

/// Returns the crate that the code at `address` was inlined into: the nearest one outside Rust's
/// standard library.
fn user(
    lines: &Loader,
    address: u64,
    root: &Path,
) -> Result<Option<String>, Box<dyn Error + Send + Sync>> {
    let mut frames = lines
        .find_frames(address)
        .map_err(|error| error.to_string())?;
    while let Some(frame) = frames.next().map_err(|error| error.to_string())? {
        let file = frame.location.and_then(|location| location.file);
        let name = file.and_then(|file| crate_of(file, root));
        if name.as_ref().is_some_and(|name| !is_of_rust(name)) {
            return Ok(name);
        }
    }
    Ok(None)
}

/// Returns the crate that a source file belongs to.
fn crate_of(file: &str, root: &Path) -> Option<String> {
    if let Ok(ours) = Path::new(file).strip_prefix(root) {
        let ours = ours.to_string_lossy();
        let (folder, _) = ours.split_once("/src/").or_else(|| ours.split_once('/'))?;
        return Some(folder.to_owned());
    }
    if let Some((_, inside)) = file.split_once("/registry/src/") {
        let package = inside.split('/').nth(1)?;
        return Some(match package.rsplit_once('-') {
            Some((name, _version)) => name.to_owned(),
            None => package.to_owned(),
        });
    }
    let (_, inside) = file.split_once("/library/")?;
    Some(inside.split('/').next()?.to_owned())
}

/// Returns the folder of a workspace crate; other crates keep the names of their packages.
fn folder_of_crate(name: &str) -> String {
    match name {
        "vmos" => "kernel".to_owned(),
        "vmos_board" => "generated".to_owned(),
        other => match other.strip_prefix("vmos_") {
            Some(folder) => folder.to_owned(),
            None => other.replace('_', "-"),
        },
    }
}

fn functions(file: &object::File<'_>) -> Vec<(String, u64)> {
    let mut functions: Vec<_> = file
        .symbols()
        .filter(|symbol| symbol.kind() == object::SymbolKind::Text && symbol.size() > 0)
        .map(|symbol| {
            let name = symbol.name().unwrap_or_default();
            let name = addr2line::demangle_auto(name.into(), None);
            (
                crate::symbolise::without_hash(&name).to_owned(),
                symbol.size(),
            )
        })
        .collect();
    functions.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    functions
}

/// Returns the number of bytes that the segments of an ELF file load.
///
/// # Errors
///
/// The file is not an ELF file.
pub fn loadable(elf: &[u8]) -> Result<u64, Box<dyn Error + Send + Sync>> {
    Ok(segments(elf)?.iter().map(|(_, size)| size).sum())
}

/// Returns whether the byte at `offset` in the file is loaded.
fn loads(elf: &[u8], offset: u64) -> Result<bool, Box<dyn Error + Send + Sync>> {
    let inside = |&(start, size): &(u64, u64)| (start..start + size).contains(&offset);
    Ok(segments(elf)?.iter().any(inside))
}

/// Returns the offset and the size in the file of each loadable segment.
fn segments(elf: &[u8]) -> Result<Vec<(u64, u64)>, Box<dyn Error + Send + Sync>> {
    fn of<H: FileHeader<Endian = Endianness>>(elf: &[u8]) -> object::Result<Vec<(u64, u64)>> {
        let header = H::parse(elf)?;
        let endian = header.endian()?;
        let segments = header.program_headers(endian, elf)?.iter();
        let loaded = segments.filter(|segment| segment.p_type(endian) == PT_LOAD);
        let range = |segment: &H::ProgramHeader| {
            (
                segment.p_offset(endian).into(),
                segment.p_filesz(endian).into(),
            )
        };
        Ok(loaded.map(range).collect())
    }
    Ok(match FileKind::parse(elf)? {
        FileKind::Elf32 => of::<FileHeader32<Endianness>>(elf)?,
        FileKind::Elf64 => of::<FileHeader64<Endianness>>(elf)?,
        _ => return Err("not an ELF file".into()),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    /// The footprint of this test program. It is measured once, because that takes long.
    fn this_test() -> &'static Footprint {
        static FOOTPRINT: LazyLock<Footprint> = LazyLock::new(|| {
            let elf = std::env::current_exe().unwrap();
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
            Footprint::of(&elf, root).unwrap()
        });
        &FOOTPRINT
    }

    #[test]
    fn sections_and_what_lies_between_them_are_all_that_is_loaded() {
        let footprint = this_test();
        let sections: u64 = footprint.sections.iter().map(|(_, size)| size).sum();
        assert!(sections > 0);
        assert_eq!(sections + footprint.padding(), footprint.loadable);
    }

    #[test]
    fn every_byte_of_a_section_is_some_crates() {
        let footprint = this_test();
        let sections: u64 = footprint.sections.iter().map(|(_, size)| size).sum();
        let crates: u64 = footprint.crates.iter().map(|c| c.code + c.data).sum();
        assert_eq!(crates, sections);
    }

    #[test]
    fn workspace_crates_are_named_after_their_folders() {
        let root = Path::new("/w");
        let of = |file| crate_of(file, root);
        assert_eq!(of("/w/kernel/src/net/stack.rs").as_deref(), Some("kernel"));
        assert_eq!(of("/w/apps/demo/src/main.rs").as_deref(), Some("apps/demo"));
        assert_eq!(
            of("/w/generated/virt/board.rs").as_deref(),
            Some("generated")
        );
    }

    #[test]
    fn other_crates_keep_their_names() {
        let of = |file| crate_of(file, Path::new("/w"));
        let registry =
            "/anywhere/.cargo/registry/src/some-registry-1949cf8c/embassy-time-0.5.1/src/lib.rs";
        assert_eq!(of(registry).as_deref(), Some("embassy-time"));
        let library = "/rustc/59807616e1fa/library/core/src/fmt/mod.rs";
        assert_eq!(of(library).as_deref(), Some("core"));
    }

    #[test]
    fn the_largest_comes_first() {
        let footprint = this_test();
        assert!(
            footprint
                .functions
                .is_sorted_by_key(|(_, size)| core::cmp::Reverse(*size))
        );
        let total = |share: &Share| core::cmp::Reverse(share.code + share.data);
        assert!(footprint.crates.is_sorted_by_key(total));
    }
}
