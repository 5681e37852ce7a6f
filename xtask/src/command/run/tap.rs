//! Finds out why QEMU could not use a TAP interface.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::shell;

/// Where Linux describes its network interfaces.
const INTERFACES: &str = "/sys/class/net";
/// The longest name of a network interface on Linux, in bytes.
const LONGEST_NAME: usize = 15;
/// The flag of an interface that is up (`IFF_UP` in `linux/if.h`).
const UP: u32 = 1;
/// The flag of an interface that passes frames (`IFF_TAP` in `linux/if_tun.h`).
const TAP: u32 = 2;
/// The flag of an interface that must be opened with several queues (`IFF_MULTI_QUEUE`).
const MANY_QUEUES: u32 = 0x100;

/// Returns why QEMU could not use the TAP interface of this name, or why no frame would pass.
pub(super) fn why_not(name: &str) -> Option<String> {
    why_not_at(Path::new(INTERFACES), name, own_user())
}

/// Returns why QEMU could not use the TAP interface of this name. `interfaces` is the folder in
/// which Linux describes its interfaces; on another system, nothing is checked. `user` is the number
/// of the user who starts QEMU; 0 may use every interface.
fn why_not_at(interfaces: &Path, name: &str, user: u32) -> Option<String> {
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
    let quoted = shell::quote([name]);
    let create = format!(
        "sudo ip tuntap add dev {quoted} mode tap user \"$USER\" && sudo ip addr add 10.0.2.2/24 dev \
         {quoted} && sudo ip link set {quoted} up"
    );
    if !interface.exists() {
        return Some(format!("there is no such interface; create it: `{create}`"));
    }
    let read = |file: &str| fs::read_to_string(interface.join(file)).ok();
    let hexadecimal = |file: &str| {
        read(file).and_then(|it| u32::from_str_radix(it.trim().trim_start_matches("0x"), 16).ok())
    };
    let replace = format!("delete it and create another: `sudo ip link del {quoted} && {create}`");
    match hexadecimal("tun_flags") {
        Some(kind) if kind & TAP == 0 => {
            return Some(format!(
                "this is a TUN interface, which passes packets instead of frames; {replace}"
            ));
        }
        Some(kind) if kind & MANY_QUEUES != 0 => {
            return Some(format!(
                "this interface has several queues, but QEMU opens one; {replace}"
            ));
        }
        Some(_) => {}
        None => {
            return Some(
                "this interface exists, but is no TAP interface; name another one".to_owned(),
            );
        }
    }
    let owner = read("owner").and_then(|owner| owner.trim().parse::<u32>().ok());
    let is_allowed = |owner: u32| user == 0 || user == owner;
    if owner.is_some_and(|owner| !is_allowed(owner)) {
        return Some(format!("this interface belongs to another user; {replace}"));
    }
    if hexadecimal("flags").is_some_and(|flags| flags & UP == 0) {
        return Some(format!(
            "this interface is down, so it would pass no frame: `sudo ip link set {quoted} up`"
        ));
    }
    if read("carrier").is_some_and(|carrier| carrier.trim() == "1") {
        return Some(
            "another program uses this interface; stop it, or name another one".to_owned(),
        );
    }
    None
}

/// Returns the number of the user who runs this program.
fn own_user() -> u32 {
    fs::metadata("/proc/self").map_or(0, |process| process.uid())
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
        describe(
            at,
            "tun",
            &[("tun_flags", "0x1801\n"), ("flags", "0x1003\n")],
        );
        describe(
            at,
            "many",
            &[("tun_flags", "0x1102\n"), ("flags", "0x1003\n")],
        );
        describe(at, "eth0", &[("flags", "0x1003\n"), ("carrier", "1\n")]);
        assert_eq!(why_not_at(at, "good", 7), None);
        for (name, reason) in [
            (
                "missing",
                "`sudo ip tuntap add dev missing mode tap user \"$USER\" && sudo ip addr",
            ),
            ("down", "sudo ip link set down up"),
            ("used", "another program"),
            ("hers", "another user"),
            (
                "hers",
                "`sudo ip link del hers && sudo ip tuntap add dev hers mode tap user \"$USER\"",
            ),
            ("tun", "a TUN interface"),
            (
                "tun",
                "sudo ip link del tun && sudo ip tuntap add dev tun mode tap",
            ),
            ("many", "several queues"),
            ("eth0", "no TAP interface"),
            ("a-name-of-16-byt", "up to 15 bytes"),
            ("../x", "without `/`"),
        ] {
            let said = why_not_at(at, name, 7).unwrap();
            assert!(said.contains(reason), "{name}: {said}");
        }
    }

    #[test]
    fn nothing_is_checked_where_interfaces_are_not_described() {
        assert_eq!(why_not_at(Path::new("/no/such/folder"), "tap0", 7), None);
    }
}
