//! Finds arguments that QEMU or the kernel would reject, before starting either.

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::forward::Forward;
use crate::memory_size::MemorySize;
use crate::qemu::{Disk, Serial, serial};

use super::identity::Identity;

/// The smallest memory for an app, in MiB.
const LEAST_MEMORY: u64 = 4;

/// Rejects two forwards of the same port of this host.
pub(super) fn check_forwards(forwards: &[Forward]) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    for forward in forwards {
        let Forward { protocol, host, .. } = forward;
        if !seen.insert((protocol.to_string(), host)) {
            return Err(Failure::usage(format!(
                "--forward {forward}: {protocol} port {host} of this host is forwarded twice"
            )));
        }
    }
    Ok(())
}

/// Rejects disks that the user names in a folder that does not exist: it is more often a typing error
/// than the wish for a new folder.
pub(super) fn check_folders(images: &[PathBuf]) -> Result<(), Failure> {
    for image in images {
        let folder = image
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(Failure::usage(format!(
                "--disk {}: the folder {} does not exist; create it, or name a file in another one",
                image.display(),
                folder.display()
            )));
        }
    }
    Ok(())
}

/// Rejects disks that QEMU could not open, and an image given twice that the machine writes.
pub(super) fn check_disks<'a>(disks: impl Iterator<Item = &'a Disk>) -> Result<(), Failure> {
    let mut earlier = Vec::new();
    for Disk { image, read_only } in disks {
        check_disk(image, *read_only)?;
        let file = Identity::of(image);
        let is_twice =
            |(other, is_read): &(Identity, bool)| *other == file && !(*is_read && *read_only);
        if earlier.iter().any(is_twice) {
            return Err(Failure::usage(format!(
                "--disk {}: two disks cannot have the same image, unless they are read-only; name \
                 another file",
                image.display()
            )));
        }
        earlier.push((file, *read_only));
    }
    Ok(())
}

/// The unit in which QEMU opens images, in bytes. It appends zeroes to a file of another size.
const SECTOR: u64 = 512;

/// Rejects a disk that QEMU could not open, such as a folder, or one that another machine writes,
/// and a file that is no disk image, which the machine would overwrite.
fn check_disk(image: &Path, read_only: bool) -> Result<(), Failure> {
    let shown = image.display();
    let refuse = |why: String| Err(Failure::usage(format!("--disk {shown}: {why}")));
    let Ok(data) = fs::metadata(image) else {
        if image.is_symlink() {
            return refuse("this is a link to a file that cannot be found; name another".into());
        }
        // It will be created.
        return Ok(());
    };
    if data.is_dir() {
        return refuse("this is a folder; name a file, which is created if it is missing".into());
    }
    if data.is_file() && data.len() == 0 {
        return refuse("this file is empty; delete it, so that an image is created".into());
    }
    if !data.is_file() && !data.file_type().is_block_device() {
        return refuse("this is neither a file nor a block device; name another".into());
    }
    let opened = OpenOptions::new().read(true).write(!read_only).open(image);
    if let Err(error) = opened {
        let also = if read_only {
            ""
        } else {
            ", or try --read-only"
        };
        return refuse(format!("cannot open it: {error}; name another file{also}"));
    }
    let size = data.len();
    if !read_only && !size.is_multiple_of(SECTOR) {
        return refuse(format!(
            "this is no disk image, as its size of {size} bytes is no multiple of {SECTOR}; name \
             another file, or protect this one with --read-only"
        ));
    }
    if is_locked(image, read_only) {
        return Err(Failure::usage(format!(
            "the disk {shown} is in use by another machine; stop that machine, or use another disk with --disk FILE"
        )));
    }
    Ok(())
}

/// Rejects ports that QEMU could not open, or that an app could not tell apart.
pub(super) fn check_serials(serials: &[Serial]) -> Result<(), Failure> {
    if serials.len() > serial::MOST {
        let most = serial::MOST;
        return Err(Failure::usage(format!(
            "--serial: a console device has at most {most} ports"
        )));
    }
    let mut seen = HashSet::new();
    for Serial { name, socket } in serials {
        let shown = socket.display();
        let refuse = |why| Err(Failure::usage(format!("--serial {name}={shown}: {why}")));
        if !seen.insert(name) {
            return refuse("two ports have this name");
        }
        if serials
            .iter()
            .filter(|other| Identity::of(&other.socket) == Identity::of(socket))
            .count()
            > 1
        {
            return refuse("two ports have this socket");
        }
        let folder = socket
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            return refuse("its folder does not exist");
        }
        if fs::metadata(socket).is_ok_and(|data| !data.file_type().is_socket()) {
            return refuse("there is a file that is no socket; name another path");
        }
        if UnixStream::connect(socket).is_ok() {
            return refuse("another program waits on this socket; name another path");
        }
    }
    Ok(())
}

/// Returns whether a process of this host has locked the file against a machine, according to
/// Linux. QEMU locks its open images, and so does an app that is a process.
fn is_locked(image: &Path, read_only: bool) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(data), Ok(locks)) = (fs::metadata(image), fs::read_to_string("/proc/locks")) else {
        return false;
    };
    let mut locks = locks.lines();
    locks.any(|line| is_in_the_way(line, data.ino(), read_only))
}

/// Returns whether a line of `/proc/locks` is a lock of this file against another machine. A
/// machine that only reads is stopped only by one that writes. An app that is a process locks the
/// whole file (`FLOCK`), for reading or for writing.
fn is_in_the_way(line: &str, inode: u64, read_only: bool) -> bool {
    /// The byte that QEMU locks for writing: `RAW_LOCK_PERM_BASE` in `block/file-posix.c`, and the
    /// bit of `BLK_PERM_WRITE`.
    const WRITING: u64 = 101;
    // 1: OFDLCK ADVISORY READ -1 fe:00:1234 100 101
    let words: Vec<_> = line.split_whitespace().collect();
    let [.., file, start, end] = *words else {
        return false;
    };
    if !file.ends_with(&format!(":{inode}")) {
        return false;
    }
    if words.contains(&"FLOCK") {
        return !read_only || words.contains(&"WRITE");
    }
    // The end may be `EOF`.
    let end = end.parse().unwrap_or(u64::MAX);
    let locks_writing = start
        .parse()
        .is_ok_and(|start: u64| (start..=end).contains(&WRITING));
    words.contains(&"OFDLCK") && (!read_only || locks_writing)
}

/// Rejects memory that is too small for the kernel.
pub(super) fn check_memory(memory: Option<&MemorySize>) -> Result<(), Failure> {
    match memory {
        Some(memory) if memory.mebibytes() < LEAST_MEMORY => Err(Failure::usage(format!(
            "--memory {memory}: too little for the kernel; give it at least {LEAST_MEMORY}M"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(result: Result<(), Failure>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn a_duplicate_port_is_rejected_but_not_with_two_protocols() {
        let forwards = |texts: &[&str]| -> Vec<Forward> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        assert!(check_forwards(&forwards(&["udp:9000:7", "tcp:9000:7"])).is_ok());
        let twice = said(check_forwards(&forwards(&["udp:9000:7", "udp:9000:9"])));
        assert!(twice.contains("udp:9000:9"), "{twice}");
    }

    #[test]
    fn a_folder_is_rejected_as_a_disk() {
        let folder = tempfile::tempdir().unwrap();
        let error = said(check_disk(folder.path(), false));
        assert!(error.contains("this is a folder"), "{error}");
        assert!(check_disk(&folder.path().join("new.img"), false).is_ok());
    }

    #[test]
    fn a_disk_in_a_folder_that_does_not_exist_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let check = |path: &str| check_folders(&[folder.path().join(path)]);
        assert!(check("new.img").is_ok());
        assert!(check_folders(&["new.img".into()]).is_ok());
        let error = said(check("mistyped/new.img"));
        assert!(error.contains("mistyped does not exist"), "{error}");
        assert!(!folder.path().join("mistyped").exists());
    }

    #[test]
    fn a_file_that_is_no_image_or_cannot_be_opened_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (name, size) in [("image", 1024), ("text", 1000), ("empty", 0)] {
            fs::write(path(name), vec![1; size]).unwrap();
        }
        std::os::unix::fs::symlink("circle", path("circle")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        assert!(check_disk(&path("image"), false).is_ok());
        assert!(check_disk(&path("text"), true).is_ok());
        for (name, why) in [
            ("text", "1000 bytes is no multiple of 512"),
            ("empty", "is empty"),
            ("circle", "a link to a file that cannot be found"),
            ("socket", "neither a file nor a block device"),
        ] {
            let error = said(check_disk(&path(name), false));
            assert!(error.contains(why) && error.contains(name), "{error}");
        }
        // A running program cannot be written, by root neither.
        let program = std::env::current_exe().unwrap();
        let error = said(check_disk(&program, false));
        assert!(
            error.contains("busy") && error.contains("--read-only"),
            "{error}"
        );
    }

    #[test]
    fn an_image_given_twice_is_rejected_even_by_another_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["a.img", "b.img"] {
            fs::write(path(name), [0; 512]).unwrap();
        }
        std::os::unix::fs::symlink(path("a.img"), path("link.img")).unwrap();
        let check = |names: &[&str], read_only| {
            let disks = names.iter().map(|name| Disk {
                image: path(name),
                read_only,
            });
            check_disks(disks.collect::<Vec<_>>().iter())
        };
        assert!(check(&["a.img", "b.img", "new.img"], false).is_ok());
        for names in [
            ["a.img", "a.img"],
            ["a.img", "link.img"],
            ["new.img", "new.img"],
            ["new.img", "./new.img"],
        ] {
            let said = said(check(&names, false));
            assert!(said.contains("the same image"), "{said}");
            assert!(check(&names, true).is_ok(), "{names:?}");
        }
    }

    #[test]
    fn a_machine_that_reads_is_stopped_only_by_one_that_writes() {
        let reader = [
            "19: OFDLCK ADVISORY  READ -1 fe:00:77 201 201",
            "20: OFDLCK ADVISORY  READ -1 fe:00:77 100 100",
        ];
        let writer = "1: OFDLCK ADVISORY  READ -1 fe:00:77 100 101";
        for line in reader {
            assert!(is_in_the_way(line, 77, false), "{line}");
            assert!(!is_in_the_way(line, 77, true), "{line}");
        }
        for line in [writer, "2: OFDLCK ADVISORY WRITE -1 fe:00:77 0 EOF"] {
            assert!(is_in_the_way(line, 77, true), "{line}");
            assert!(is_in_the_way(line, 77, false), "{line}");
            assert!(!is_in_the_way(line, 7, false), "{line}");
        }
        // Those of an app that is a process.
        let process = "3: FLOCK  ADVISORY  WRITE 12 fe:00:77 0 EOF";
        assert!(is_in_the_way(process, 77, false) && is_in_the_way(process, 77, true));
        let process = "3: FLOCK  ADVISORY  READ 12 fe:00:77 0 EOF";
        assert!(is_in_the_way(process, 77, false) && !is_in_the_way(process, 77, true));
        let other = "3: POSIX  ADVISORY  WRITE 12 fe:00:77 0 EOF";
        assert!(!is_in_the_way(other, 77, false));
        assert!(!is_in_the_way("", 77, false));
    }

    #[test]
    fn ports_that_qemu_could_not_open_are_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let serials = |texts: &[String]| -> Vec<Serial> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let (a, b) = (format!("a={}", path("a")), format!("b={}", path("b")));
        assert!(check_serials(&serials(&[a.clone(), b])).is_ok());
        let twice = said(check_serials(&serials(&[
            a.clone(),
            format!("a={}", path("c")),
        ])));
        assert!(twice.contains("this name"), "{twice}");
        for same in ["a", "./a"] {
            let twice = [a.clone(), format!("b={}", path(same))];
            let twice = said(check_serials(&serials(&twice)));
            assert!(twice.contains("this socket"), "{twice}");
        }
        let missing = said(check_serials(&serials(&[format!("a={}", path("x/y"))])));
        assert!(missing.contains("folder does not exist"), "{missing}");
        fs::write(folder.path().join("file"), "x").unwrap();
        let file = said(check_serials(&serials(&[format!("a={}", path("file"))])));
        assert!(file.contains("no socket"), "{file}");
        let _listener = std::os::unix::net::UnixListener::bind(folder.path().join("s")).unwrap();
        let used = said(check_serials(&serials(&[format!("a={}", path("s"))])));
        assert!(used.contains("another program"), "{used}");
    }

    #[test]
    fn memory_too_small_for_the_kernel_is_rejected() {
        assert!(check_memory(Some(&"4M".parse().unwrap())).is_ok());
        let error = said(check_memory(Some(&"1M".parse().unwrap())));
        assert!(error.contains("at least 4M"), "{error}");
        assert!(check_memory(None).is_ok());
    }
}
