//! Counts the starts of the machine in the first sector of its disk, and checks that the write
//! worked.

use vmos::block::{Disk, SECTOR_SIZE};
use vmos::devices::DeviceKind;
use vmos::{Error, Kernel, Result, println};

/// The first bytes of the sector after the demo has written it.
const MAGIC: &[u8; 8] = b"VMOSDEMO";

/// Reads the count, increments it, writes it back and reads it again.
pub(crate) async fn count(kernel: Kernel) {
    let Ok(disk) = kernel.disk(0) else {
        println!("     disk: none, so boots are not counted");
        return;
    };
    let read_only = if disk.is_read_only() {
        ", read-only"
    } else {
        ""
    };
    println!(
        "     disk: {}; {} KiB{read_only}",
        crate::report::place(kernel, DeviceKind::BLK),
        disk.sectors() / 2
    );
    match next_count(kernel, disk).await {
        Ok(count) if disk.is_read_only() => {
            println!("           boot count so far: {count}");
        }
        Ok(count) => println!("           boot count: {count}, written and read back"),
        Err(error) => println!("           {error}"),
    }
}

async fn next_count(kernel: Kernel, disk: Disk) -> Result<u64> {
    let length = SECTOR_SIZE.max(disk.logical_block_size());
    let mut sector = disk.read(0, kernel.buffer(length)?).await?;
    let previous = count_in(&sector);
    if disk.is_read_only() {
        return Ok(previous);
    }
    let count = previous + 1;
    sector[..8].copy_from_slice(MAGIC);
    sector[8..16].copy_from_slice(&count.to_le_bytes());
    let sector = disk.write(0, sector).await?;
    disk.flush().await?;
    let again = disk.read(0, kernel.buffer(length)?).await?;
    if *again != *sector {
        return Err(Error::new(
            "sector 0 of the disk differs from what was written",
        ));
    }
    Ok(count)
}

fn count_in(sector: &[u8]) -> u64 {
    match sector.split_at_checked(8) {
        Some((magic, rest)) if magic == MAGIC => rest
            .first_chunk()
            .map_or(0, |bytes| u64::from_le_bytes(*bytes)),
        _ => 0,
    }
}
