//! Finds folders that do not fit on the FAT16 disk of `--share`.

use std::fs;
use std::path::Path;

use crate::failure::Failure;

/// The largest size of all files, in bytes; QEMU's disk has 504 MiB.
const MOST: u64 = 500 << 20;
/// The number of entries of the root folder of QEMU's disk.
const ENTRIES: usize = 512;
/// The number of UTF-16 units of a long name that an entry holds.
const UNITS: usize = 13;

/// Rejects a shared folder that is no folder, or too large for the disk. The image of a folder that the
/// machine can write has room for more names.
pub(super) fn check_share(folder: &Path, is_writable: bool) -> Result<(), Failure> {
    let refuse = |why: &str| {
        let shown = folder.display();
        Err(Failure::usage(format!("--share {shown}: {why}")))
    };
    if !folder.is_dir() {
        return refuse("there is no such folder");
    }
    if size_of_files(folder, MOST) > MOST {
        return refuse("its files have more than 500 MiB; share a smaller folder");
    }
    if !is_writable && entries(folder) > ENTRIES {
        return refuse(
            "it has too many files for the root folder of a FAT16 disk; move them to a folder in it",
        );
    }
    Ok(())
}

/// Returns the size of all files in a folder and below, in bytes; stops counting above `most`.
fn size_of_files(folder: &Path, most: u64) -> u64 {
    let mut size = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        size += match entry.metadata() {
            Ok(data) if data.is_dir() => size_of_files(&entry.path(), most),
            Ok(data) => data.len(),
            Err(_) => 0,
        };
        if size > most {
            break;
        }
    }
    size
}

/// Returns how many entries the root folder has on QEMU's disk: one with the disk's name, and for each file
/// one and those with its long name, which QEMU writes even where a short one would do.
fn entries(folder: &Path) -> usize {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = files.map(|file| file.file_name());
    let of_names = names.map(|name| {
        let units = name.to_string_lossy().encode_utf16().count();
        1 + units.div_ceil(UNITS)
    });
    1 + of_names.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_folder_has_room_for_255_short_names_or_170_longer_ones() {
        for (most, length) in [(255, 13), (170, 14)] {
            let folder = tempfile::tempdir().unwrap();
            let add = |number: usize| {
                fs::write(folder.path().join(format!("{number:0length$}")), "").unwrap();
            };
            (0..most).for_each(add);
            assert!(check_share(folder.path(), false).is_ok());
            add(most);
            let error = check_share(folder.path(), false).unwrap_err().to_string();
            assert!(
                error.contains("too many files for the root folder"),
                "{error}"
            );
            assert!(check_share(folder.path(), true).is_ok());
        }
    }
}
