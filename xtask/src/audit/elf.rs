//! The parts of an ELF file that an audit reads.

use core::ops::Range;
use std::collections::BTreeMap;

use object::{Object as _, ObjectSection as _, ObjectSegment as _, ObjectSymbol as _};

/// A linked ELF file.
pub(super) struct Elf<'d> {
    /// The ELF file as parsed by the crate `object`.
    pub(super) file: object::File<'d>,
    /// The loadable segments of the file.
    pub(super) segments: Vec<Segment<'d>>,
    /// The sections that occupy memory.
    pub(super) sections: Vec<Section>,
    symbols: BTreeMap<String, u64>,
}

/// A loadable segment.
pub(super) struct Segment<'d> {
    /// The first address of the segment.
    pub(super) address: u64,
    /// The size of the segment in memory, in bytes.
    pub(super) size: u64,
    /// The access permissions of the segment.
    pub(super) access: Access,
    data: &'d [u8],
    offset: u64,
}

/// A section that occupies memory.
pub(super) struct Section {
    /// The name of the section, such as `.rodata.board`.
    pub(super) name: String,
    /// The first address of the section.
    pub(super) address: u64,
    /// The size of the section in memory, in bytes.
    pub(super) size: u64,
    /// The access permissions of the section.
    pub(super) access: Access,
    /// Whether the section takes no space in the file, as `.bss` does.
    pub(super) is_zero: bool,
}

/// Access permissions of memory. Reading is always allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Access {
    /// Whether writing is allowed.
    pub(super) write: bool,
    /// Whether execution is allowed.
    pub(super) execute: bool,
}

impl Access {
    pub(super) fn text(self) -> &'static str {
        match (self.write, self.execute) {
            (false, false) => "read-only",
            (false, true) => "executable",
            (true, false) => "writable",
            (true, true) => "writable and executable",
        }
    }
}

impl<'d> Elf<'d> {
    pub(super) fn read(bytes: &'d [u8]) -> Result<Self, object::Error> {
        let file = object::File::parse(bytes)?;
        let mut segments = Vec::new();
        for segment in file.segments() {
            let object::SegmentFlags::Elf { p_flags, .. } = segment.flags() else {
                continue;
            };
            segments.push(Segment {
                address: segment.address(),
                size: segment.size(),
                access: Access {
                    write: p_flags.0 & object::elf::PF_W.0 != 0,
                    execute: p_flags.0 & object::elf::PF_X.0 != 0,
                },
                data: segment.data()?,
                offset: segment.file_range().0,
            });
        }
        let mut sections = Vec::new();
        for section in file.sections() {
            let object::SectionFlags::Elf { sh_flags, .. } = section.flags() else {
                continue;
            };
            let has = |flag: object::elf::SectionFlags| sh_flags.0 & flag.0 != 0;
            if !has(object::elf::SHF_ALLOC) || section.size() == 0 {
                continue;
            }
            sections.push(Section {
                name: section.name()?.to_owned(),
                address: section.address(),
                size: section.size(),
                access: Access {
                    write: has(object::elf::SHF_WRITE),
                    execute: has(object::elf::SHF_EXECINSTR),
                },
                is_zero: section.kind() == object::SectionKind::UninitializedData,
            });
        }
        let symbols = file.symbols().filter(|symbol| !symbol.is_undefined());
        let symbols = symbols.filter_map(|symbol| {
            let name = symbol.name().ok()?;
            Some((name.to_owned(), symbol.address()))
        });
        let symbols = symbols.collect();
        Ok(Self {
            file,
            segments,
            sections,
            symbols,
        })
    }

    /// Returns the address of a symbol.
    pub(super) fn symbol(&self, name: &str) -> Option<u64> {
        self.symbols.get(name).copied()
    }

    /// Returns the symbols whose names start with `prefix`, with their addresses.
    pub(super) fn symbols_with(&self, prefix: &str) -> impl Iterator<Item = (&str, u64)> {
        let symbols = self.symbols.iter();
        symbols
            .filter(move |(name, _)| name.starts_with(prefix))
            .map(|(name, address)| (name.as_str(), *address))
    }

    /// Returns the size of an address in bytes: 4 or 8.
    pub(super) fn word(&self) -> u64 {
        if self.file.is_64() { 8 } else { 4 }
    }

    /// Returns the segment that contains the whole range.
    pub(super) fn segment(&self, address: u64, size: u64) -> Option<&Segment<'d>> {
        self.segments.iter().find(|segment| {
            let offset = address.checked_sub(segment.address);
            offset.is_some_and(|offset| offset <= segment.size && size <= segment.size - offset)
        })
    }

    /// Returns the content of a range, if the file holds all of it.
    pub(super) fn bytes(&self, address: u64, size: u64) -> Option<&'d [u8]> {
        let segment = self.segment(address, size)?;
        let start = usize::try_from(address - segment.address).ok()?;
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        segment.data.get(start..end)
    }

    /// Reads an unsigned integer of `size` bytes (at most 8) at an address.
    pub(super) fn number(&self, address: u64, size: u64) -> Option<u64> {
        let bytes = self.bytes(address, size)?;
        let mut number = 0;
        let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        if self.file.is_little_endian() {
            for byte in bytes.iter().rev() {
                number = add(number, byte);
            }
        } else {
            for byte in bytes {
                number = add(number, byte);
            }
        }
        Some(number)
    }

    /// Returns where in the file the content of a memory range is.
    pub(super) fn file_range(&self, address: u64, size: u64) -> Option<Range<usize>> {
        let segment = self.segment(address, size)?;
        let start = segment.offset + (address - segment.address);
        let start = usize::try_from(start).ok()?;
        Some(start..start + usize::try_from(size).ok()?)
    }

    /// Formats an address for a message, with its offset in the file.
    pub(super) fn place(&self, address: u64) -> String {
        match self.segment(address, 1) {
            Some(segment) => format!(
                "at {address:#x}, byte {:#x} of the file",
                segment.offset + (address - segment.address)
            ),
            None => format!("at {address:#x}"),
        }
    }
}
