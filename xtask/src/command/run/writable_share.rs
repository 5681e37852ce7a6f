//! A folder of this host as a disk that the machine writes: a copy of the folder in a disk image, from
//! which the changes are copied back when the machine has ended.
//!
//! QEMU's own FAT disk is shared for reading only: it stops answering when it is written (7.2 to 11.1).

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::failure::{Failure, FileError};
use crate::install::{self, FAT_COPY, FAT_FOLDER, MAKE_FAT};

/// The size of the image in bytes, as of QEMU's own FAT16 disk. The image is sparse.
const SIZE: u64 = 504 << 20;
/// The number of entries of its root folder; a file has one, and one for each 13 characters of its name.
const ROOT: &str = "16384";
/// The characters that no name on a FAT disk has.
const FORBIDDEN: &[char] = &['"', '*', ':', '<', '>', '?', '\\', '|'];
/// The end of the name of the machine's file if this host has changed the file, too.
const OTHER: &str = ".machine";

/// A folder, and its copy for a machine. The copy is removed with this value.
#[derive(Debug)]
pub(super) struct WritableShare {
    folder: PathBuf,
    /// Contains the image, and the files as they were in it before the machine started.
    place: TempDir,
}

impl WritableShare {
    /// Makes a place for the image in the folder `target`.
    pub(super) fn new(folder: &Path, target: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(target).map_err(FileError::at("create the folder", target))?;
        let place = TempDir::with_prefix_in("share-", target);
        Ok(Self {
            folder: folder.to_owned(),
            place: place.map_err(FileError::at("create a folder in", target))?,
        })
    }

    /// Copies the files of the folder to the image.
    pub(super) fn fill(&self) -> Result<(), Failure> {
        install::fat_tools()?;
        let folder = &self.folder;
        let contents = Contents::of(folder)?;
        let image = self.image();
        let file = File::create_new(&image).and_then(|file| file.set_len(SIZE));
        file.map_err(FileError::at("create the disk image", &image))?;
        run(Command::new(MAKE_FAT)
            .args(["-F", "16", "-r", ROOT])
            .arg(&image))?;
        for inner in &contents.folders {
            if inner != Path::new("") {
                let mut make = Command::new(FAT_FOLDER);
                run(make.arg("-i").arg(&image).arg(on_disk(inner)))?;
            }
            let files = contents.files.iter();
            let files = files.filter(|file| file.parent() == Some(inner));
            let files: Vec<_> = files.map(|file| folder.join(file)).collect();
            if !files.is_empty() {
                let mut copy = Command::new(FAT_COPY);
                copy.arg("-i").arg(&image).args(["-m", "-Q", "--"]);
                run(copy.args(files).arg(on_disk(inner)))?;
            }
        }
        self.extract(&self.before())
    }

    /// Returns the path of the image.
    pub(super) fn image(&self) -> PathBuf {
        self.place.path().join("share.img")
    }

    fn before(&self) -> PathBuf {
        self.place.path().join("before")
    }

    /// Copies all files of the image to a new folder.
    fn extract(&self, to: &Path) -> Result<(), Failure> {
        fs::create_dir(to).map_err(FileError::at("create the folder", to))?;
        let mut copy = Command::new(FAT_COPY);
        copy.arg("-i")
            .arg(self.image())
            .args(["-s", "-m", "-n", "::/"]);
        run(copy.arg(to))
    }

    /// Copies what the machine has changed to the folder, and says what it was.
    pub(super) fn copy_back(self) -> Result<(), Failure> {
        let shown = self.folder.display().to_string();
        match self.changes() {
            Ok(changes) => {
                for change in changes {
                    eprintln!("xtask: {shown}: {change}");
                }
                Ok(())
            }
            Err(error) => {
                let place = self.place.keep();
                let image = place.join("share.img");
                Err(format!(
                    "cannot copy the machine's changes to {shown}: {error}\n  the image is kept: {}",
                    image.display()
                )
                .into())
            }
        }
    }

    /// Copies the changes; returns what was done, a line for each file.
    fn changes(&self) -> Result<Vec<String>, Failure> {
        let after = self.place.path().join("after");
        self.extract(&after)?;
        let [old, new] = [Contents::of(&self.before())?, Contents::of(&after)?];
        let mut done = Vec::new();
        for path in &new.folders {
            let to = self.folder.join(path);
            if to.is_symlink() && !path.as_os_str().is_empty() {
                // It leads to a place that was not shared.
                let shown = path.display();
                return Err(format!("{shown} is a link here, and a folder on the disk").into());
            }
            fs::create_dir_all(&to).map_err(FileError::at("create the folder", &to))?;
        }
        for path in &new.files {
            let written = read(&after.join(path))?;
            let earlier = read_if_there(&self.before().join(path))?;
            let mut to = self.folder.join(path);
            let here = read_if_there(&to)?;
            let shown = path.display();
            if earlier.as_ref() == Some(&written) || here.as_ref() == Some(&written) {
                continue;
            }
            if here == earlier {
                done.push(format!("the machine has written {shown}"));
            } else {
                let mut name = to.into_os_string();
                name.push(OTHER);
                to = name.into();
                done.push(format!(
                    "the machine and this host have changed {shown}; what the machine has written is \
                     {shown}{OTHER}"
                ));
            }
            fs::write(&to, written).map_err(FileError::at("write", &to))?;
        }
        let removed = old.files.iter().filter(|path| !new.files.contains(path));
        done.extend(removed.map(|path| {
            let shown = path.display();
            format!("the machine has removed {shown}; delete it here if that is right")
        }));
        Ok(done)
    }
}

/// The folders and files below a folder, by their paths in it. A folder is in front of what it contains.
#[derive(Debug)]
struct Contents {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Contents {
    /// Lists files and links to files. Other things, such as sockets, have no place on a disk; links to
    /// folders can lead in circles.
    fn of(root: &Path) -> Result<Self, Failure> {
        let mut contents = Self {
            folders: vec![PathBuf::new()],
            files: Vec::new(),
        };
        let mut next = 0;
        while let Some(folder) = contents.folders.get(next).cloned() {
            next += 1;
            let path = root.join(&folder);
            let entries = fs::read_dir(&path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
            let mut entries = entries.map_err(FileError::at("list", &path))?;
            entries.sort_by_key(fs::DirEntry::file_name);
            let mut seen = HashMap::new();
            for entry in entries {
                let inner = folder.join(entry.file_name());
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if !is_folder && !entry.path().is_file() {
                    continue;
                }
                check_name(&entry.file_name(), &path)?;
                let same = entry.file_name().to_string_lossy().to_lowercase();
                if let Some(other) = seen.insert(same, inner.clone()) {
                    return Err(Failure::usage(format!(
                        "{}: `{}` and `{}` are one name on a FAT disk; rename one of them",
                        root.display(),
                        other.display(),
                        inner.display()
                    )));
                }
                match is_folder {
                    true => contents.folders.push(inner),
                    false => contents.files.push(inner),
                }
            }
        }
        Ok(contents)
    }
}

/// Rejects a name that no file on a FAT disk can have.
fn check_name(name: &OsStr, folder: &Path) -> Result<(), Failure> {
    match name.to_str() {
        Some(text) if !text.contains(FORBIDDEN) => Ok(()),
        _ => Err(Failure::usage(format!(
            "{}: a FAT disk cannot have a file called `{}`; rename it, or share the folder read-only",
            folder.display(),
            name.display()
        ))),
    }
}

/// Returns the path of a folder on the disk, in the form of mtools.
fn on_disk(folder: &Path) -> String {
    format!("::/{}", folder.display())
}

fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    fs::read(path).map_err(FileError::at("read", path))
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result.map(Some).map_err(FileError::at("read", path)),
    }
}

/// Runs a program of dosfstools or mtools.
fn run(command: &mut Command) -> Result<(), Failure> {
    let program = command.get_program().display().to_string();
    let output = command
        // mtools reads names as the locale says.
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start {program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program}: {}", said.trim_end()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> TempDir {
        tempfile::tempdir().unwrap()
    }

    /// Writes to the disk as a machine does.
    fn write(share: &WritableShare, text: &str, path: &str) {
        let file = share.place.path().join("written");
        fs::write(&file, text).unwrap();
        let mut copy = Command::new(FAT_COPY);
        copy.arg("-i").arg(share.image()).args(["-D", "o"]);
        run(copy.arg(file).arg(path)).unwrap();
    }

    #[test]
    fn what_the_machine_writes_arrives() {
        let (folder, target) = (folder(), folder());
        let at = |path: &str| folder.path().join(path);
        let text = |path: &str| fs::read_to_string(at(path)).unwrap();
        fs::create_dir_all(at("a folder/deep")).unwrap();
        for path in [
            "kept.txt",
            "a folder/deep/Größe, changed.txt",
            "both.txt",
            "-x",
        ] {
            fs::write(at(path), "old").unwrap();
        }
        let share = WritableShare::new(folder.path(), target.path()).unwrap();
        share.fill().unwrap();
        write(&share, "new", "::/a folder/deep/Größe, changed.txt");
        write(&share, "new", "::/another.txt");
        write(&share, "new", "::/both.txt");
        fs::write(at("both.txt"), "of this host").unwrap();
        let image = share.image();
        let delete = ["-i", image.to_str().unwrap(), "::/-x"];
        run(Command::new("mdel").args(delete)).unwrap();
        run(Command::new(FAT_FOLDER).args(["-i", delete[1], "::/empty"])).unwrap();
        let done = share.changes().unwrap().join("\n");
        assert_eq!(text("a folder/deep/Größe, changed.txt"), "new");
        assert_eq!(text("another.txt"), "new");
        assert_eq!(text("kept.txt"), "old");
        assert_eq!(
            (text("both.txt"), text("both.txt.machine")),
            ("of this host".into(), "new".into())
        );
        assert!(at("empty").is_dir());
        assert!(
            done.contains("the machine has removed -x") && at("-x").is_file(),
            "{done}"
        );
        assert!(!done.contains("kept.txt"), "{done}");
    }

    #[test]
    fn nothing_is_written_where_a_link_leads() {
        let (folder, elsewhere, target) = (folder(), folder(), folder());
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("link")).unwrap();
        let share = WritableShare::new(folder.path(), target.path()).unwrap();
        share.fill().unwrap();
        let image = share.image();
        run(Command::new(FAT_FOLDER)
            .arg("-i")
            .arg(&image)
            .arg("::/link"))
        .unwrap();
        write(&share, "new", "::/link/file");
        let said = share.changes().unwrap_err().to_string();
        assert!(said.contains("link is a link here"), "{said}");
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }

    #[test]
    fn names_that_a_fat_disk_cannot_have_are_refused() {
        for names in [&["a:b"][..], &["same", "SAME"]] {
            let (folder, target) = (folder(), folder());
            for name in names {
                fs::write(folder.path().join(name), "").unwrap();
            }
            let share = WritableShare::new(folder.path(), target.path()).unwrap();
            let said = share.fill().unwrap_err().to_string();
            assert!(
                names.iter().all(|name| said.contains(&format!("`{name}`"))),
                "{said}"
            );
        }
    }
}
