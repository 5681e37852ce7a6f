//! Lists the files on the shared folder (`--share`) or else on the first disk, which has a FAT16 or
//! FAT32 file system, and prints the one that `--append "file=PATH"` names, such as `file=deep/page.txt`.
//! A name with spaces is written in its short form (`ALONGN~1.TXT`).
//!
//! The disk is only read: embedded-sdmmc 0.10 frees no clusters when it deletes a file, and writes
//! behind the end of a volume that is full.

#![cfg_attr(target_os = "none", no_std, no_main)]

extern crate alloc;

mod volume;

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::ControlFlow;

use embedded_sdmmc::{
    Directory, LfnBuffer, Mode, ShortFileName, TimeSource, Timestamp, VolumeIdx, VolumeManager,
};
use vmos::{Error, Kernel, Result, Spawner, println};

use volume::Volume;

/// The serial number of the disk that `cargo xtask run --share` adds.
const SHARE: &str = "vmos-share";
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
    let volume = manager.open_volume(VolumeIdx(0)).map_err(explained)?;
    let root = volume.open_root_dir()?;
    let wanted = kernel.command_line().value("file");
    if let Some((folder, name)) = list(&root, wanted)? {
        let file = open(&root, &folder)?.open_file_in_dir(name, Mode::ReadOnly)?;
        let mut text = vec![0; file.length().min(PRINTED) as usize];
        let length = file.read(&mut text)?;
        for line in String::from_utf8_lossy(&text[..length]).lines() {
            println!("{line}");
        }
    } else if let Some(wanted) = wanted {
        return Err(Error::new(format!("there is no file {wanted}")));
    }
    println!("everything is listed: stopping");
    Ok(())
}

/// Says what to do about a disk without a file system.
fn explained(error: embedded_sdmmc::Error<volume::Error>) -> Error {
    match error {
        embedded_sdmmc::Error::FormatError(what) => Error::new(format!(
            "the disk has no FAT file system ({what}): `cargo xtask run --share FOLDER` adds a disk that has one"
        )),
        other => other.into(),
    }
}

/// The short names that lead from the root to a folder.
type Way = Vec<ShortFileName>;

/// Opens a folder. Its parents are closed again, since few folders can be open at a time.
fn open<'a>(root: &Folder<'a>, way: &Way) -> Result<Folder<'a>> {
    let mut folder = root.open_dir(ShortFileName::this_dir())?;
    for name in way {
        folder.change_dir(*name)?;
    }
    Ok(folder)
}

/// A folder that is listed later.
struct Later<'a> {
    way: Way,
    path: String,
    /// The path of the wanted file in this folder, if it is there.
    wanted: Option<&'a str>,
}

/// Prints the files of all folders, each with its size. Returns where the file `wanted` is: its folder and
/// its short name.
fn list(root: &Folder<'_>, wanted: Option<&str>) -> Result<Option<(Way, ShortFileName)>> {
    let mut found = None;
    let mut buffer = [0; NAME];
    let mut names = LfnBuffer::new(&mut buffer);
    // The folders of a damaged disk may contain each other.
    let mut seen = BTreeSet::new();
    let mut left = vec![Later {
        way: Way::new(),
        path: String::new(),
        wanted: wanted.map(|path| path.trim_start_matches('/')),
    }];
    while let Some(Later { way, path, wanted }) = left.pop() {
        if !way.is_empty() {
            println!("    folder {path}");
        }
        let first = left.len();
        open(root, &way)?.iterate_dir_lfn(&mut names, |entry, long| {
            let short = format!("{}", entry.name);
            let name = long.unwrap_or(&short);
            let is_it = |wanted: &str| {
                let mut both = [name, &short].into_iter();
                both.any(|name| name.eq_ignore_ascii_case(wanted))
            };
            if entry.attributes.is_directory() {
                if name != "." && name != ".." && seen.insert(entry.cluster) {
                    let inside = wanted.and_then(|wanted| wanted.split_once('/'));
                    left.push(Later {
                        way: way.iter().cloned().chain([entry.name]).collect(),
                        path: format!("{path}/{name}"),
                        wanted: inside
                            .filter(|(folder, _)| is_it(folder))
                            .map(|(_, rest)| rest),
                    });
                }
            } else if !entry.attributes.is_volume() {
                println!("{:>10} {path}/{name}", entry.size);
                if wanted.is_some_and(is_it) {
                    found = Some((way.clone(), entry.name));
                }
            }
            ControlFlow::Continue(())
        })?;
        left[first..].reverse();
    }
    Ok(found)
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
