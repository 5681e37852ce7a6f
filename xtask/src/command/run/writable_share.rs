//! A folder of this host as a disk that the machine writes: a copy of the folder in a disk image, from
//! which the changes are copied back when the machine has ended.
//!
//! QEMU's own FAT disk is shared for reading only: it stops answering when it is written (7.2 to 11.1).

mod changes;
mod contents;

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::failure::{Failure, FileError};
use crate::install::{self, FAT_COPY, FAT_FOLDER, MAKE_FAT};

use changes::Changes;
use contents::Contents;

/// The size of the image in bytes, as of QEMU's own FAT16 disk. The image is sparse.
const SIZE: u64 = 504 << 20;
/// The number of entries of its root folder; a file has one, and one for each 13 characters of its name.
const ROOT: &str = "16384";
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
        contents.check_names(folder)?;
        let image = self.image();
        let mut inside: HashMap<_, Vec<_>> = HashMap::new();
        for file in &contents.files {
            let files = inside.entry(file.parent()).or_default();
            files.push(folder.join(file));
        }
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
            if let Some(files) = inside.get(&Some(inner.as_path())) {
                let mut copy = Command::new(FAT_COPY);
                copy.arg("-i").arg(&image).args(["-m", "-Q", "--"]);
                run(copy.args(files).arg(on_disk(inner)))?;
            }
        }
        self.extract(&self.before())?;
        // mtools changes some names: it leaves out characters above U+FFFF.
        contents.check_same(&Contents::of(&self.before())?, folder)
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

    /// Copies what the machine has changed to the folder, and says what it was. The image is kept if a part
    /// of it could not be copied.
    pub(super) fn copy_back(self) -> Result<(), Failure> {
        let shown = self.folder.display().to_string();
        let failed = match self.changes() {
            Ok(changes) => {
                for change in changes.done {
                    eprintln!("xtask: {shown}: {change}");
                }
                changes.failed
            }
            Err(error) => vec![error.to_string()],
        };
        if failed.is_empty() {
            return Ok(());
        }
        let image = self.place.keep().join("share.img");
        Err(format!(
            "cannot copy all of the machine's changes to {shown}: {}\n  the image is kept: {}",
            failed.join("; "),
            image.display()
        )
        .into())
    }

    fn changes(&self) -> Result<Changes, Failure> {
        let after = self.place.path().join("after");
        self.extract(&after)?;
        Changes::copy(&self.before(), &after, &self.folder)
    }
}

/// Returns the path of a folder on the disk, in the form of mtools.
fn on_disk(folder: &Path) -> String {
    format!("::/{}", folder.display())
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
    let status = output.status;
    Err(format!("{program} ended with {status}: {}", said.trim_end()).into())
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
            "ä.txt",
        ] {
            fs::write(at(path), "old").unwrap();
        }
        let share = WritableShare::new(folder.path(), target.path()).unwrap();
        share.fill().unwrap();
        write(&share, "new", "::/a folder/deep/Größe, changed.txt");
        write(&share, "new", "::/another.txt");
        write(&share, "new", "::/both.txt");
        write(&share, "new", "::/Ä.txt");
        fs::write(at("both.txt"), "of this host").unwrap();
        let image = share.image();
        let delete = ["-i", image.to_str().unwrap(), "::/-x"];
        run(Command::new("mdel").args(delete)).unwrap();
        run(Command::new(FAT_FOLDER).args(["-i", delete[1], "::/empty"])).unwrap();
        let changes = share.changes().unwrap();
        assert!(changes.failed.is_empty(), "{changes:?}");
        let done = changes.done.join("\n");
        assert_eq!(text("a folder/deep/Größe, changed.txt"), "new");
        assert_eq!(text("another.txt"), "new");
        assert_eq!(text("ä.txt"), "new");
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
        let at = |path: &str| folder.path().join(path);
        let link = |name: &str| {
            std::os::unix::fs::symlink(elsewhere.path().join(name), at(name)).unwrap();
        };
        fs::write(elsewhere.path().join("file"), "old").unwrap();
        fs::create_dir(elsewhere.path().join("inside")).unwrap();
        ["file", "inside", "nowhere"].into_iter().for_each(link);
        let share = WritableShare::new(folder.path(), target.path()).unwrap();
        share.fill().unwrap();
        let image = share.image();
        run(Command::new(FAT_FOLDER)
            .arg("-i")
            .arg(&image)
            .args(["::/inside", "::/inside/deep"]))
        .unwrap();
        for path in ["::/inside/new", "::/file", "::/nowhere", "::/plain"] {
            write(&share, "new", path);
        }
        let changes = share.changes().unwrap();
        let failed = changes.failed.join("\n");
        assert!(
            failed.contains("inside is not a folder here"),
            "{changes:?}"
        );
        let text = |path: &str| fs::read_to_string(at(path)).unwrap();
        for name in ["file.machine", "nowhere.machine", "plain"] {
            assert_eq!(text(name), "new");
        }
        assert_eq!(text("file"), "old");
        assert!(!elsewhere.path().join("nowhere").exists());
        let inside = fs::read_dir(elsewhere.path().join("inside")).unwrap();
        assert_eq!(inside.count(), 0);
    }

    #[test]
    fn no_earlier_version_of_the_machine_is_replaced() {
        let (folder, target) = (folder(), folder());
        let at = |path: &str| folder.path().join(path);
        fs::write(at("both"), "old").unwrap();
        fs::write(at("both.machine"), "earlier").unwrap();
        let share = WritableShare::new(folder.path(), target.path()).unwrap();
        share.fill().unwrap();
        write(&share, "new", "::/both");
        fs::write(at("both"), "of this host").unwrap();
        share.changes().unwrap();
        let text = |path: &str| fs::read_to_string(at(path)).unwrap();
        assert_eq!(text("both.machine"), "earlier");
        assert_eq!(text("both.machine.2"), "new");
    }

    #[test]
    fn names_that_a_fat_disk_cannot_have_are_refused() {
        for names in [
            &["a:b"][..],
            &["same", "SAME"],
            &["[1]"],
            &["end."],
            &["con"],
            &["😀"],
        ] {
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
