//! Finds what this host lacks for a run: free ports, TAP interfaces, and folders for files.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::failure::Failure;

use super::connection::Connection;

/// Where Linux describes its network interfaces.
const INTERFACES: &str = "/sys/class/net";
/// The longest name of a network interface on Linux, in bytes.
const LONGEST_NAME: usize = 15;
/// The flag of an interface that is up (`IFF_UP` in `linux/if.h`).
const UP: u32 = 1;

/// Rejects a connection that QEMU could not open, or on which no frame would ever pass.
pub(super) fn check_connection(option: &str, connection: &Connection) -> Result<(), Failure> {
    let refused = match connection {
        Connection::User | Connection::Unconnected => return Ok(()),
        Connection::Tap(name) => why_not_tap(Path::new(INTERFACES), name, own_user())
            .map(|why| format!("tap={name}: {why}")),
        Connection::Listen(port) => {
            (!is_free(*port)).then(|| format!("socket=listen:{port}: {}", used_by_another(*port)))
        }
        Connection::Connect(port) => is_free(*port).then(|| {
            format!(
                "socket=connect:{port}: no machine waits on this port; start the other machine \
                 first, with --net socket=listen:{port}"
            )
        }),
    };
    match refused {
        Some(refused) => Err(Failure::usage(format!("{option} {refused}"))),
        None => Ok(()),
    }
}

/// Rejects a debugger's port that another program uses.
pub(super) fn check_debugger(port: Option<u16>) -> Result<(), Failure> {
    match port.filter(|&port| !is_free(port)) {
        Some(port) => Err(Failure::usage(format!(
            "--gdb {port}: {}",
            used_by_another(port)
        ))),
        None => Ok(()),
    }
}

/// Rejects a file for frames that QEMU could not create.
pub(super) fn check_record(file: &Path) -> Result<(), Failure> {
    let shown = file.display();
    let refuse = |why: String| Err(Failure::usage(format!("--pcap {shown}: {why}")));
    if file.is_dir() {
        return refuse("this is a folder; name a file, which is replaced".to_owned());
    }
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty());
    match folder.filter(|folder| !folder.is_dir()) {
        Some(folder) => refuse(format!("the folder {} does not exist", folder.display())),
        None => Ok(()),
    }
}

/// Returns why QEMU could not use the TAP interface of this name. `interfaces` is the folder in
/// which Linux describes its interfaces; on another system, nothing is checked. `user` is the number
/// of the user who starts QEMU; 0 may use every interface.
fn why_not_tap(interfaces: &Path, name: &str, user: u32) -> Option<String> {
    if !interfaces.is_dir() {
        return None;
    }
    let is_valid = name.len() <= LONGEST_NAME
        && !matches!(name, "." | "..")
        && !name.contains(|letter: char| letter == '/' || letter.is_whitespace());
    if !is_valid {
        return Some(format!(
            "not a name of an interface: it may have up to {LONGEST_NAME} bytes, without `/` and \
             spaces"
        ));
    }
    let interface = interfaces.join(name);
    if !interface.exists() {
        return Some(format!(
            "there is no such interface; create it, as root: `ip tuntap add dev {name} mode tap \
             user \"$USER\" && ip addr add 10.0.2.2/24 dev {name} && ip link set {name} up`"
        ));
    }
    let read = |file: &str| fs::read_to_string(interface.join(file)).ok();
    if read("tun_flags").is_none() {
        return Some("this interface exists, but is no TAP interface".to_owned());
    }
    let flags = read("flags")
        .and_then(|flags| u32::from_str_radix(flags.trim().trim_start_matches("0x"), 16).ok());
    if flags.is_some_and(|flags| flags & UP == 0) {
        return Some(format!(
            "this interface is down, so it would pass no frame; as root: `ip link set {name} up`"
        ));
    }
    let owner = read("owner").and_then(|owner| owner.trim().parse::<u32>().ok());
    let is_allowed = |owner: u32| user == 0 || user == owner;
    if owner.is_some_and(|owner| !is_allowed(owner)) {
        return Some("this interface belongs to another user".to_owned());
    }
    if read("carrier").is_some_and(|carrier| carrier.trim() == "1") {
        return Some("another program uses this interface".to_owned());
    }
    None
}

/// Returns the number of the user who runs this program.
fn own_user() -> u32 {
    fs::metadata("/proc/self").map_or(0, |process| process.uid())
}

/// Returns whether a program could listen on this TCP port of the loopback address.
fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn used_by_another(port: u16) -> String {
    format!("port {port} of 127.0.0.1 is used by another program; choose another port")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Describes an interface as Linux does.
    fn describe(interfaces: &Path, name: &str, files: &[(&str, &str)]) {
        fs::create_dir(interfaces.join(name)).unwrap();
        for (file, text) in files {
            fs::write(interfaces.join(name).join(file), text).unwrap();
        }
    }

    #[test]
    fn a_tap_interface_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let tap = ("tun_flags", "0x1002\n");
        describe(at, "good", &[tap, ("flags", "0x1003\n"), ("owner", "7\n")]);
        describe(at, "down", &[tap, ("flags", "0x1002\n")]);
        describe(
            at,
            "used",
            &[tap, ("flags", "0x1003\n"), ("carrier", "1\n")],
        );
        describe(at, "hers", &[tap, ("flags", "0x1003\n"), ("owner", "8\n")]);
        describe(at, "eth0", &[("flags", "0x1003\n"), ("carrier", "1\n")]);
        assert_eq!(why_not_tap(at, "good", 7), None);
        for (name, reason) in [
            ("missing", "ip tuntap add dev missing mode tap"),
            ("down", "ip link set down up"),
            ("used", "another program"),
            ("hers", "another user"),
            ("eth0", "no TAP interface"),
            ("a-name-of-16-byt", "up to 15 bytes"),
            ("../x", "without `/`"),
        ] {
            let said = why_not_tap(at, name, 7).unwrap();
            assert!(said.contains(reason), "{name}: {said}");
        }
    }

    #[test]
    fn nothing_is_checked_where_interfaces_are_not_described() {
        assert_eq!(why_not_tap(Path::new("/no/such/folder"), "tap0", 7), None);
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
    fn frames_are_recorded_only_to_a_file_in_an_existing_folder() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check_record(&folder.path().join("x.pcap")).is_ok());
        assert!(check_record(Path::new("x.pcap")).is_ok());
        let said = check_record(folder.path()).unwrap_err().to_string();
        assert!(said.contains("this is a folder"), "{said}");
        let said = check_record(&folder.path().join("no/x.pcap")).unwrap_err();
        assert!(said.to_string().contains("does not exist"), "{said}");
    }
}
