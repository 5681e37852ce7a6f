//! The commands that show the content of disks.

use alloc::string::String;
use core::fmt::Write;

use vmos::block::SECTOR_SIZE;
use vmos::{Error, Kernel, Result};

/// The largest number of sectors shown at a time.
const MOST: usize = 64;

pub(super) fn describe(kernel: Kernel, index: usize, answer: &mut String) -> Result<()> {
    let disk = kernel.disk(index)?;
    let access = if disk.is_read_only() {
        ", read-only"
    } else {
        ""
    };
    let (sectors, block) = (disk.sectors(), disk.logical_block_size());
    writeln!(
        answer,
        "{sectors} sectors, {} KiB; blocks of {block} bytes{access}",
        sectors / 2
    )?;
    Ok(())
}

pub(super) async fn dump(
    kernel: Kernel,
    sector: u64,
    count: usize,
    answer: &mut String,
) -> Result<()> {
    if count > MOST {
        return Err(Error::new("at most 64 sectors can be shown at a time"));
    }
    let disk = kernel.disk(0)?;
    let bytes = disk
        .read(sector, kernel.buffer(count * SECTOR_SIZE)?)
        .await?;
    let mut place = sector.saturating_mul(SECTOR_SIZE as u64);
    for row in bytes.chunks(16) {
        if row.iter().any(|byte| *byte != 0) {
            write_row(place, row, answer)?;
        }
        place += row.len() as u64;
    }
    writeln!(answer, "{count} sectors; rows of zeros are omitted")?;
    Ok(())
}

fn write_row(place: u64, row: &[u8], answer: &mut String) -> core::fmt::Result {
    write!(answer, "{place:08x} ")?;
    for byte in row {
        write!(answer, " {byte:02x}")?;
    }
    answer.write_str("  ")?;
    for byte in row {
        let is_text = byte.is_ascii_graphic() || *byte == b' ';
        answer.push(if is_text { char::from(*byte) } else { '.' });
    }
    answer.write_str("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_offset_bytes_and_text() {
        let mut text = String::new();
        write_row(512, b"VMOS\x00\xff ok", &mut text).unwrap();
        assert_eq!(text, "00000200  56 4d 4f 53 00 ff 20 6f 6b  VMOS.. ok\n");
    }
}
