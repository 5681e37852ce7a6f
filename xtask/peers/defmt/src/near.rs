//! Reads an image whose texts are not at address 1, where the decoder expects them, but behind the
//! image: see `templates/defmt.ld`.

use std::error::Error;

use object::read::elf::{ElfFile32, ElfFile64};
use object::{Endianness, File, Object as _, ObjectSection as _, ObjectSymbol as _};

/// The section of the texts.
const SECTION: &str = ".defmt";

/// Reduces the address of each text to the low 16 bits, which its messages contain. Does nothing if
/// the image has no texts.
pub(super) fn reduce_addresses(image: &mut [u8]) -> Result<(), Box<dyn Error>> {
    let places = match File::parse(&*image)? {
        File::Elf32(file) => places_32(&file),
        File::Elf64(file) => places_64(&file),
        _ => return Err("the image is no ELF file".into()),
    };
    for (place, width) in places {
        // Little-endian, as every board: the bytes behind the first two are the high bits.
        let high = image.get_mut(place + 2..place + width);
        high.ok_or("the table of symbols is cut off")?.fill(0);
    }
    Ok(())
}

/// Returns the offset and the size of the address of each symbol in the section.
macro_rules! places {
    ($name:ident, $file:ident, $entry:expr, $at:expr, $width:expr) => {
        fn $name(file: &$file<'_, Endianness>) -> Vec<(usize, usize)> {
            let table = file.section_by_name(".symtab");
            let table = table.and_then(|section| section.file_range());
            let section = file.section_by_name(SECTION);
            let (Some((start, _)), Some(section)) = (table, section) else {
                return Vec::new();
            };
            let its = file.symbols().filter(|symbol| {
                symbol.section_index() == Some(section.index()) && symbol.address() > 0xffff
            });
            its.map(|symbol| (start as usize + symbol.index().0 * $entry + $at, $width))
                .collect()
        }
    };
}

// The size of an entry, and the offset and size of its address (ELF-32 and ELF-64, `Elf_Sym`).
places!(places_32, ElfFile32, 16, 4, 4);
places!(places_64, ElfFile64, 24, 8, 8);
