//! Lists the files on the shared folder (`--share`) or else on the first disk, which has a FAT16 or
//! FAT32 file system, and prints the one that `--append "file=NAME"` names in the root directory,
//! in its short form.
//!
//! The disk is only read: embedded-sdmmc 0.10 frees no clusters when it deletes a file, and writes
//! behind the end of a volume that is full.

#![cfg_attr(target_os = "none", no_std, no_main)]

extern crate alloc;

mod volume;

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::ControlFlow;

use embedded_sdmmc::{
    Directory, LfnBuffer, Mode, ShortFileName, TimeSource, Timestamp, VolumeIdx, VolumeManager,
};
use vmos::{Kernel, Result, Spawner, println};

use volume::Volume;

/// The serial number of the disk that `cargo xtask run --share` adds.
const SHARE: &str = "vmos-share";
/// The deepest folder that is listed. A further folder is open at the same time.
const DEEPEST: usize = 3;
/// The longest name, in bytes.
const NAME: usize = 256;
/// The largest number of bytes that are printed of a file, in bytes.
const PRINTED: u32 = 4096;

type Folder<'a> = Directory<'a, Volume, NoTime, 4, 4, 1>;

#[vmos::main]
async fn main(kernel: Kernel, _spawner: Spawner) -> Result<()> {
    let disk = match kernel.disk_by_serial(SHARE).await {
        Some(shared) => shared,
        None => kernel.disk(0)?,
    };
    let disk = Volume::new(kernel.blocking(disk))?;
    let manager = VolumeManager::new(disk, NoTime);
    let volume = manager.open_volume(VolumeIdx(0))?;
    let root = volume.open_root_dir()?;
    list(&root, "", DEEPEST)?;
    if let Some(name) = kernel.command_line().value("file") {
        let file = root.open_file_in_dir(name, Mode::ReadOnly)?;
        let mut text = vec![0; file.length().min(PRINTED) as usize];
        let length = file.read(&mut text)?;
        for line in String::from_utf8_lossy(&text[..length]).lines() {
            println!("{line}");
        }
    }
    println!("everything is listed: stopping");
    Ok(())
}

/// Prints the files of a folder and of the folders in it, each with its size.
fn list(folder: &Folder<'_>, path: &str, depth: usize) -> Result<()> {
    let mut buffer = [0; NAME];
    let mut names = LfnBuffer::new(&mut buffer);
    let mut folders: Vec<(ShortFileName, String)> = Vec::new();
    folder.iterate_dir_lfn(&mut names, |entry, long| {
        let name = long.map_or_else(|| format!("{}", entry.name), String::from);
        if entry.attributes.is_directory() {
            if name != "." && name != ".." {
                folders.push((entry.name, name));
            }
        } else if !entry.attributes.is_volume() {
            println!("{:>10} {path}/{name}", entry.size);
        }
        ControlFlow::Continue(())
    })?;
    for (short, name) in folders {
        let path = format!("{path}/{name}");
        println!("    folder {path}");
        if depth > 0 {
            list(&folder.open_dir(short)?, &path, depth - 1)?;
        }
    }
    Ok(())
}

/// The timestamp of changes to files, which this app never makes.
struct NoTime;

impl TimeSource for NoTime {
    fn get_timestamp(&self) -> Timestamp {
        Timestamp {
            year_since_1970: 0,
            zero_indexed_month: 0,
            zero_indexed_day: 0,
            hours: 0,
            minutes: 0,
            seconds: 0,
        }
    }
}
