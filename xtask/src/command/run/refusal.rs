//! Finds arguments that QEMU or the kernel would reject, before starting either.

use std::collections::HashSet;
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::failure::Failure;
use crate::forward::Forward;
use crate::memory_size::MemorySize;
use crate::qemu::{Serial, serial};

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

/// Rejects disks that QEMU could not open, and an image given twice.
pub(super) fn check_disks<'a>(images: impl Iterator<Item = &'a Path>) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    for image in images {
        check_disk(image)?;
        // A missing image is created, so its links need not be followed.
        let file = fs::canonicalize(image).unwrap_or_else(|_| image.to_owned());
        if !seen.insert(file) {
            return Err(Failure::usage(format!(
                "--disk {}: two disks cannot have the same image; name another file",
                image.display()
            )));
        }
    }
    Ok(())
}

/// Rejects a disk that QEMU could not open: a folder, or one that another machine writes.
fn check_disk(image: &Path) -> Result<(), Failure> {
    let shown = image.display();
    let Ok(data) = fs::metadata(image) else {
        // It will be created.
        return Ok(());
    };
    if data.is_dir() {
        return Err(Failure::usage(format!(
            "--disk {shown}: this is a folder; name a file, which is created if it is missing"
        )));
    }
    if data.len() == 0 {
        return Err(Failure::usage(format!(
            "--disk {shown}: this file is empty; delete it, so that an image is created"
        )));
    }
    if is_locked(image) {
        return Err(Failure::usage(format!(
            "the disk {shown} is in use by another machine; stop that machine, or use another disk with --disk FILE"
        )));
    }
    Ok(())
}

/// Rejects a shared folder that is no folder, or larger than QEMU's FAT16 disk of 504 MiB.
pub(super) fn check_share(folder: &Path) -> Result<(), Failure> {
    const MOST: u64 = 500 << 20;
    let shown = folder.display();
    if !folder.is_dir() {
        return Err(Failure::usage(format!(
            "--share {shown}: there is no such folder"
        )));
    }
    if size_of_files(folder, MOST) > MOST {
        return Err(Failure::usage(format!(
            "--share {shown}: its files have more than 500 MiB; share a smaller folder"
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
            .filter(|other| other.socket == *socket)
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

/// Returns whether a process of this host has locked the file, according to Linux. QEMU locks its
/// open images.
fn is_locked(image: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(data), Ok(locks)) = (fs::metadata(image), fs::read_to_string("/proc/locks")) else {
        return false;
    };
    let inode = format!(":{}", data.ino());
    locks.lines().any(|line| {
        // 1: OFDLCK ADVISORY READ -1 fe:00:1234 100 101
        let mut words = line.split_whitespace();
        let is_ofd = words.clone().any(|word| word == "OFDLCK");
        is_ofd && words.any(|word| word.ends_with(&inode))
    })
}

/// Rejects memory that is too small for the kernel.
pub(super) fn check_memory(memory: Option<MemorySize>) -> Result<(), Failure> {
    match memory {
        Some(memory) if memory.mebibytes() < LEAST_MEMORY => Err(Failure::usage(format!(
            "--memory {memory}: too little for the kernel; give it at least {LEAST_MEMORY}M"
        ))),
        _ => Ok(()),
    }
}

/// Rejects an address that the kernel could not parse: see `vmos::net::Ip`.
pub(super) fn check_address(value: &str) -> Result<(), Failure> {
    let refuse = |what: &str| {
        Err(Failure::usage(format!(
            "ip={value}: {what}; write `ip=dhcp`, or an address with its prefix length, then the \
             gateway and name servers, such as `ip=10.0.2.15/24,10.0.2.2,10.0.2.3`"
        )))
    };
    if value == "dhcp" {
        return Ok(());
    }
    let mut parts = value.split(',');
    let Some((address, prefix)) = parts.next().and_then(|part| part.split_once('/')) else {
        return refuse("the address has no prefix length");
    };
    if address.parse::<Ipv4Addr>().is_err() {
        return refuse("the address is not of the form 10.0.2.15");
    }
    if !prefix
        .parse::<u8>()
        .is_ok_and(|prefix| (1..=32).contains(&prefix))
    {
        return refuse("the prefix length is not a number from 1 to 32");
    }
    let others: Vec<_> = parts.collect();
    let is_address = |(index, part): (usize, &&str)| {
        part.parse::<Ipv4Addr>().is_ok() || index == 0 && part.is_empty() && others.len() > 1
    };
    if !others.iter().enumerate().all(is_address) {
        return refuse("the gateway or a name server is not of the form 10.0.2.2");
    }
    if others.len() > 4 {
        return refuse("there are more than three name servers");
    }
    Ok(())
}

/// Rejects an IPv6 address that the kernel could not parse: see `vmos::net::Ip6`.
pub(super) fn check_ipv6_address(value: &str) -> Result<(), Failure> {
    let refuse = |what: &str| {
        Err(Failure::usage(format!(
            "ip6={value}: {what}; write `ip6=auto`, `ip6=off`, or an address with its prefix \
             length, then the router and name servers, such as \
             `ip6=2001:db8::15/64,fe80::1,2001:db8::53`"
        )))
    };
    if matches!(value, "auto" | "off") {
        return Ok(());
    }
    let mut parts = value.split(',');
    let Some((address, prefix)) = parts.next().and_then(|part| part.split_once('/')) else {
        return refuse("the address has no prefix length");
    };
    if address.parse::<Ipv6Addr>().is_err() {
        return refuse("the address is not of the form 2001:db8::15");
    }
    if !prefix
        .parse::<u8>()
        .is_ok_and(|prefix| (1..=128).contains(&prefix))
    {
        return refuse("the prefix length is not a number from 1 to 128");
    }
    let others: Vec<_> = parts.collect();
    let is_address = |(index, part): (usize, &&str)| {
        part.parse::<Ipv6Addr>().is_ok() || index == 0 && part.is_empty()
    };
    if !others.iter().enumerate().all(is_address) {
        return refuse("the router or a name server is not of the form fe80::1");
    }
    if others.len() > 4 {
        return refuse("there are more than three name servers");
    }
    Ok(())
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
        let error = said(check_disk(folder.path()));
        assert!(error.contains("this is a folder"), "{error}");
        assert!(check_disk(&folder.path().join("new.img")).is_ok());
    }

    #[test]
    fn an_image_given_twice_is_rejected_even_by_another_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["a.img", "b.img"] {
            fs::write(path(name), [0; 512]).unwrap();
        }
        std::os::unix::fs::symlink(path("a.img"), path("link.img")).unwrap();
        let check = |names: &[&str]| {
            let images: Vec<_> = names.iter().map(|name| path(name)).collect();
            check_disks(images.iter().map(std::path::PathBuf::as_path))
        };
        assert!(check(&["a.img", "b.img", "new.img"]).is_ok());
        for names in [
            ["a.img", "a.img"],
            ["a.img", "link.img"],
            ["new.img", "new.img"],
        ] {
            let said = said(check(&names));
            assert!(said.contains("the same image"), "{said}");
        }
    }

    #[test]
    fn an_ipv6_address_that_the_kernel_cannot_parse_is_rejected() {
        for value in [
            "auto",
            "off",
            "2001:db8::15/64",
            "2001:db8::15/64,fe80::1",
            "2001:db8::15/64,",
            "2001:db8::15/64,fe80::1,2001:db8::53",
            "2001:db8::15/64,,2001:db8::53",
        ] {
            assert!(check_ipv6_address(value).is_ok(), "{value}");
        }
        for value in [
            "",
            "dhcp",
            "2001:db8::15",
            "::1/129",
            "x/64",
            "2001:db8::15/64,x",
        ] {
            let error = said(check_ipv6_address(value));
            assert!(error.contains(&format!("ip6={value}: ")), "{error}");
        }
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
        let twice = said(check_serials(&serials(&[a, format!("b={}", path("a"))])));
        assert!(twice.contains("this socket"), "{twice}");
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
    fn an_address_that_the_kernel_cannot_parse_is_rejected() {
        for value in [
            "dhcp",
            "10.0.2.15/24",
            "10.0.2.15/24,10.0.2.2",
            "10.0.2.15/24,10.0.2.2,10.0.2.3",
            "10.0.2.15/24,,10.0.2.3",
        ] {
            assert!(check_address(value).is_ok(), "{value}");
        }
        for value in [
            "",
            "10.0.2.15",
            "10.0.2/24",
            "10.0.2.15/33",
            "10.0.2.15/24,",
            "10.0.2.15/24,x",
            "10.0.2.15/24,,,",
            "1.1.1.1/8,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6",
        ] {
            let error = said(check_address(value));
            assert!(error.contains(&format!("ip={value}: ")), "{error}");
        }
    }

    #[test]
    fn memory_too_small_for_the_kernel_is_rejected() {
        assert!(check_memory(Some("4M".parse().unwrap())).is_ok());
        let error = said(check_memory(Some("1M".parse().unwrap())));
        assert!(error.contains("at least 4M"), "{error}");
        assert!(check_memory(None).is_ok());
    }
}
