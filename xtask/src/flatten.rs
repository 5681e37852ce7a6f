//! Converts an ELF file to a flat image: its bytes as they are in memory.

use core::error::Error;
use core::fmt;
use core::ops::Range;

use object::elf::{FileHeader32, FileHeader64, PT_LOAD, PT_NULL};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, FileKind};

/// The bytes that an ELF file loads into memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlatImage {
    /// The load address of the first byte.
    pub base: u64,
    /// The bytes, without trailing zeros (`.bss`).
    pub bytes: Vec<u8>,
}

/// The largest flat image, in bytes. A larger one means that a segment has a wrong address.
const LIMIT: u64 = 256 << 20;

/// Places the loadable segments of an ELF file at their physical addresses.
pub fn flatten(elf: &[u8]) -> Result<FlatImage, FlattenError> {
    let segments = match FileKind::parse(elf).map_err(malformed)? {
        FileKind::Elf32 => segments::<FileHeader32<Endianness>>(elf)?,
        FileKind::Elf64 => segments::<FileHeader64<Endianness>>(elf)?,
        _ => return Err(FlattenError::Malformed("not an ELF file".to_owned())),
    };
    let base = segments.iter().map(|segment| segment.address).min();
    let base = base.ok_or(FlattenError::Empty)?;
    let mut image = FlatImage {
        base,
        bytes: Vec::new(),
    };
    for segment in segments {
        let start = segment.address - base;
        let end = start
            .checked_add(segment.bytes.len() as u64)
            .filter(|&end| end <= LIMIT);
        let end = end.ok_or(FlattenError::FarApart {
            low: base,
            high: segment.address,
        })?;
        let place = to_index(start)..to_index(end);
        if image.bytes.len() < place.end {
            image.bytes.resize(place.end, 0);
        }
        image.bytes[place].copy_from_slice(segment.bytes);
    }
    Ok(image)
}

/// Returns the ELF file without the loadable segments below a physical address; a loader skips
/// them.
pub fn without_segments_below(elf: &[u8], address: u64) -> Result<Vec<u8>, FlattenError> {
    match FileKind::parse(elf).map_err(malformed)? {
        FileKind::Elf32 => drop_below::<FileHeader32<Endianness>>(elf, address),
        FileKind::Elf64 => drop_below::<FileHeader64<Endianness>>(elf, address),
        _ => Err(FlattenError::Malformed("not an ELF file".to_owned())),
    }
}

fn drop_below<H>(elf: &[u8], address: u64) -> Result<Vec<u8>, FlattenError>
where
    H: FileHeader<Endian = Endianness>,
{
    let header = H::parse(elf).map_err(malformed)?;
    let endian = header.endian().map_err(malformed)?;
    let headers = header.program_headers(endian, elf).map_err(malformed)?;
    let (first, size) = (
        to_index(header.e_phoff(endian).into()),
        usize::from(header.e_phentsize(endian)),
    );
    let mut remaining = elf.to_vec();
    for (index, program_header) in headers.iter().enumerate() {
        let is_below = program_header.p_paddr(endian).into() < address;
        if program_header.p_type(endian) == PT_LOAD && is_below {
            // In both classes, a program header starts with its type.
            let place = first + index * size;
            remaining[place..place + 4].copy_from_slice(&PT_NULL.0.to_ne_bytes());
        }
    }
    Ok(remaining)
}

struct Segment<'data> {
    address: u64,
    bytes: &'data [u8],
}

fn segments<H>(elf: &[u8]) -> Result<Vec<Segment<'_>>, FlattenError>
where
    H: FileHeader<Endian = Endianness>,
{
    let header = H::parse(elf).map_err(malformed)?;
    let endian = header.endian().map_err(malformed)?;
    let mut segments = Vec::new();
    for program_header in header.program_headers(endian, elf).map_err(malformed)? {
        if program_header.p_type(endian) != PT_LOAD {
            continue;
        }
        let bytes = program_header.data(endian, elf);
        let bytes = bytes.map_err(|()| FlattenError::Malformed("a segment is truncated".into()))?;
        if !bytes.is_empty() {
            segments.push(Segment {
                address: program_header.p_paddr(endian).into(),
                bytes,
            });
        }
    }
    Ok(segments)
}

fn malformed(error: object::Error) -> FlattenError {
    FlattenError::Malformed(error.to_string())
}

/// Converts an offset, which is at most [`LIMIT`].
fn to_index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

impl FlatImage {
    /// Returns the addresses that the image occupies.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.base..self.base + self.bytes.len() as u64
    }
}

/// Why an ELF file cannot be converted to a flat image.
#[derive(Debug, PartialEq, Eq)]
pub enum FlattenError {
    /// The ELF file is malformed.
    Malformed(String),
    /// The ELF file has no loadable segment.
    Empty,
    /// The segments of the ELF file are too far apart for one image.
    FarApart {
        /// The lowest address of any segment.
        low: u64,
        /// The address of the segment that is too far away.
        high: u64,
    },
}

impl fmt::Display for FlattenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => formatter.write_str(what),
            Self::Empty => formatter.write_str(
                "it has no loadable segment; the linker script kept no section of the program",
            ),
            Self::FarApart { low, high } => write!(
                formatter,
                "its segments at {low:#x} and {high:#x} are too far apart for one flat image"
            ),
        }
    }
}

impl Error for FlattenError {}

#[cfg(test)]
mod tests;
