//! Finds what this host lacks for a run: free ports, TAP interfaces, and files to write.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use crate::failure::Failure;
use crate::port::{self, Protocol};
use crate::qemu::Disk;

use super::connection::Connection;
use super::identity::Identity;
use super::tap;

/// Rejects a connection that QEMU could not open, or on which no frame would ever pass. QEMU opens
/// the connections in this order; each is given with its option.
pub(super) fn check_connections(connections: &[(&str, &Connection)]) -> Result<(), Failure> {
    for (index, (option, connection)) in connections.iter().enumerate() {
        let listens = |port: u16| move |it: &(&str, &Connection)| *it.1 == Connection::Listen(port);
        let (earlier, later) = connections.split_at(index);
        let why = match connection {
            Connection::User | Connection::Unconnected => None,
            Connection::Tap(name) => tap::why_not(name),
            Connection::Listen(port) => why_not_port(*port),
            Connection::Connect(port) if earlier.iter().any(listens(*port)) => None,
            Connection::Connect(port) if later.iter().any(listens(*port)) => Some(format!(
                "the interface that listens on this port is opened later; name \
                 `socket=listen:{port}` first"
            )),
            Connection::Connect(port) => (!port::is_listened_on(*port)).then(|| {
                format!(
                    "no machine waits on this port; start the other machine first, with --net \
                     socket=listen:{port}"
                )
            }),
        };
        if let Some(why) = why {
            return Err(Failure::usage(format!("{option} {connection}: {why}")));
        }
    }
    Ok(())
}

/// Rejects a debugger's port that QEMU could not open.
pub(super) fn check_debugger(port: Option<u16>) -> Result<(), Failure> {
    match port.and_then(|port| Some((port, why_not_port(port)?))) {
        Some((port, why)) => Err(Failure::usage(format!("--gdb {port}: {why}"))),
        None => Ok(()),
    }
}

/// Returns why no program could wait on this TCP port of the loopback address.
fn why_not_port(port: u16) -> Option<String> {
    let why = port::why_not_free(Protocol::Tcp, port)?;
    Some(format!(
        "port {port} of 127.0.0.1 {why}; choose another port"
    ))
}

/// Rejects a file for frames that QEMU could not create, and one of the disks, which QEMU would
/// overwrite.
pub(super) fn check_record<'a>(
    file: &Path,
    mut disks: impl Iterator<Item = &'a Disk>,
) -> Result<(), Failure> {
    let shown = file.display();
    let refuse = |why: String| Err(Failure::usage(format!("--pcap {shown}: {why}")));
    if file.is_dir() {
        return refuse("this is a folder; name a file, which is replaced".to_owned());
    }
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return refuse(format!("the folder {} does not exist", folder.display()));
    }
    let own = Identity::of(file);
    if disks.any(|disk| Identity::of(&disk.image) == own) {
        return refuse(
            "this is a disk of the machine, which would be lost; name another file".to_owned(),
        );
    }
    match try_to_write(file) {
        Ok(()) => Ok(()),
        Err(error) => refuse(format!(
            "this file cannot be written: {error}; name another one"
        )),
    }
}

/// Opens the file for writing, and leaves it as it was. Opens neither a pipe nor a device, which
/// could wait for its reader.
fn try_to_write(file: &Path) -> io::Result<()> {
    match fs::metadata(file) {
        Ok(data) if data.is_file() => OpenOptions::new().append(true).open(file).map(drop),
        Ok(_) => Ok(()),
        Err(_) => {
            OpenOptions::new().append(true).create(true).open(file)?;
            // The path may be a link to a file that was missing.
            fs::remove_file(fs::canonicalize(file)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    fn check_connection(option: &str, connection: &Connection) -> Result<(), Failure> {
        check_connections(&[(option, connection)])
    }

    #[test]
    fn one_end_needs_a_free_port_and_the_other_a_machine() {
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = other.local_addr().unwrap().port();
        let listen = check_connection("--net", &Connection::Listen(port)).unwrap_err();
        assert!(listen.to_string().contains("another program"), "{listen}");
        assert!(check_debugger(Some(port)).is_err());
        assert!(check_connection("--net", &Connection::Connect(port)).is_ok());
        drop(other);
        let connect = check_connection("--nic", &Connection::Connect(port)).unwrap_err();
        let expected = format!("--nic socket=connect:{port}: no machine waits");
        assert!(connect.to_string().starts_with(&expected), "{connect}");
        assert!(check_connection("--net", &Connection::Listen(port)).is_ok());
        assert!(check_debugger(Some(port)).is_ok());
    }

    #[test]
    fn a_machine_may_connect_to_itself_after_it_listens() {
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = other.local_addr().unwrap().port();
        drop(other);
        let (listen, connect) = (Connection::Listen(port), Connection::Connect(port));
        assert!(check_connections(&[("--net", &listen), ("--nic", &connect)]).is_ok());
        let said = check_connections(&[("--net", &connect), ("--nic", &listen)]).unwrap_err();
        let expected = format!("--net socket=connect:{port}: the interface that listens");
        assert!(said.to_string().starts_with(&expected), "{said}");
    }

    fn record(file: &Path) -> Result<(), Failure> {
        check_record(file, core::iter::empty())
    }

    #[test]
    fn frames_are_not_recorded_over_a_disk() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk {
            image: folder.path().join("disk.img"),
            read_only: false,
        };
        fs::write(&disk.image, "data").unwrap();
        let check = |name: &str| {
            let file = folder.path().join(name);
            check_record(&file, core::iter::once(&disk))
        };
        assert!(check("x.pcap").is_ok());
        for same in ["disk.img", "./disk.img"] {
            let said = check(same).unwrap_err().to_string();
            assert!(said.contains("a disk of the machine"), "{said}");
        }
        fs::remove_file(&disk.image).unwrap();
        assert!(check("./disk.img").is_err());
    }

    #[test]
    fn frames_are_recorded_only_to_a_file_in_an_existing_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.pcap");
        assert!(record(&file).is_ok());
        assert!(!file.exists());
        fs::write(&file, "frames").unwrap();
        assert!(record(&file).is_ok());
        assert_eq!(fs::read_to_string(&file).unwrap(), "frames");
        assert!(record(Path::new("x.pcap")).is_ok());
        let said = record(Path::new("/proc/x.pcap")).unwrap_err().to_string();
        assert!(said.contains("cannot be written"), "{said}");
        let said = record(folder.path()).unwrap_err().to_string();
        assert!(said.contains("this is a folder"), "{said}");
        let said = record(&folder.path().join("no/x.pcap")).unwrap_err();
        assert!(said.to_string().contains("does not exist"), "{said}");
    }
}
