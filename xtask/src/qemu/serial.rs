//! Ports of a virtio console device, each a Unix socket on this host.

use core::error::Error;
use core::fmt;
use core::str::FromStr;
use std::path::PathBuf;

use super::{Devices, option_value};

/// The longest path of a Unix socket, in bytes.
const LONGEST_PATH: usize = 107;
/// The longest name of a port, in bytes.
const LONGEST_NAME: usize = 64;
/// The most ports of a device.
pub(crate) const MOST: usize = 7;

/// A port of the machine's virtio console device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serial {
    /// The name by which the app finds the port.
    pub name: String,
    /// The Unix socket on which QEMU waits for programs of this host.
    pub socket: PathBuf,
}

impl FromStr for Serial {
    type Err = NotASerial;

    fn from_str(text: &str) -> Result<Self, NotASerial> {
        let (name, socket) = text.split_once('=').ok_or(NotASerial::Form)?;
        if name.is_empty() || socket.is_empty() {
            return Err(NotASerial::Form);
        }
        if name.len() > LONGEST_NAME {
            return Err(NotASerial::Name);
        }
        if socket.len() > LONGEST_PATH {
            return Err(NotASerial::Path);
        }
        Ok(Self {
            name: name.to_owned(),
            socket: socket.into(),
        })
    }
}

/// The text does not describe a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotASerial {
    /// There is no name or no path.
    Form,
    /// The name is too long.
    Name,
    /// The path is too long for a Unix socket.
    Path,
}

impl fmt::Display for NotASerial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => formatter.write_str(
                "expected NAME=SOCKET, such as `log=log.sock`: the name of the port, and the path of \
                 the Unix socket on this host",
            ),
            Self::Name => write!(formatter, "the name is longer than {LONGEST_NAME} bytes"),
            Self::Path => write!(
                formatter,
                "the path of a Unix socket has at most {LONGEST_PATH} bytes; name a shorter one, \
                 such as log.sock"
            ),
        }
    }
}

impl Error for NotASerial {}

/// Calls `add` with each option for the ports, and its value.
pub(super) fn arguments(devices: &Devices, mut add: impl FnMut(&str, String)) {
    if devices.more.serials.is_empty() {
        return;
    }
    add("-device", devices.device("serial", ""));
    for (index, Serial { name, socket }) in devices.more.serials.iter().enumerate() {
        let (name, path) = (name.replace(',', ",,"), option_value(socket));
        let socket = format!("socket,id=serial{index},path={path},server=on,wait=off");
        add("-chardev", socket);
        // Port 0 is reserved for a console.
        let port = format!("virtserialport,chardev=serial{index},name={name}");
        add("-device", port);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_has_a_name_and_a_socket() {
        let (name, socket) = ("log".to_owned(), PathBuf::from("a=b.sock"));
        assert_eq!("log=a=b.sock".parse(), Ok(Serial { name, socket }));
    }

    #[test]
    fn any_other_text_is_rejected() {
        for text in ["", "log", "log=", "=log.sock"] {
            assert_eq!(text.parse::<Serial>(), Err(NotASerial::Form), "{text}");
        }
        let long = format!("log=/{}", "x".repeat(LONGEST_PATH));
        assert_eq!(long.parse::<Serial>(), Err(NotASerial::Path));
        let long = format!("{}=log.sock", "x".repeat(LONGEST_NAME + 1));
        assert_eq!(long.parse::<Serial>(), Err(NotASerial::Name));
    }
}
