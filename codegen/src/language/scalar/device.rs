//! What identifies a virtio device: a hardware address, a serial number, a place on PCI.

use super::super::reader::{Given, Read};
use super::super::schema::Kind;
use super::text::Text;
use crate::diagnostic::{Code, Diagnostic, Problems};

/// The hardware address of a network device: six bytes in hexadecimal, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HardwareAddress(pub String);

impl Read for HardwareAddress {
    const KIND: Kind = Kind::Text;

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let Text(text) = Text::read(given, problems)?;
        let bytes: Vec<_> = text.split(':').map(|byte| hexadecimal(byte, 2)).collect();
        let label = match &*bytes {
            // The lowest bit of the first byte marks groups (IEEE 802-2014, 8.2.2).
            [Some(first), rest @ ..] if rest.len() == 5 && rest.iter().all(Option::is_some) => {
                if first & 1 == 0 {
                    let digits = |byte: &u8| format!("{byte:02x}");
                    let written: Vec<_> = bytes.iter().flatten().map(digits).collect();
                    return Some(Self(written.join(":")));
                }
                "the address of a group, which no device has"
            }
            _ => "six bytes in hexadecimal, separated by colons, are expected",
        };
        let title = format!("`{}` is not the hardware address of a device", given.path);
        problems.report(
            Diagnostic::new(Code::BadText, given.node.at, title)
                .label(label)
                .help("write it as \"52:54:00:12:34:57\""),
        );
        None
    }
}

/// The place of a device on PCI: bus, device and function, in the notation of `lspci`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function(pub String);

impl Read for Function {
    const KIND: Kind = Kind::Text;

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let Text(text) = Text::read(given, problems)?;
        let place = text.split_once(':').and_then(|(bus, rest)| {
            let (device, function) = rest.split_once('.')?;
            let device = hexadecimal(device, 2).filter(|device| *device < 32)?;
            let function = hexadecimal(function, 1).filter(|function| *function < 8)?;
            Some((hexadecimal(bus, 2)?, device, function))
        });
        if let Some((bus, device, function)) = place {
            return Some(Self(format!("{bus:02x}:{device:02x}.{function}")));
        }
        let title = format!("`{}` is not a place on PCI", given.path);
        problems.report(
            Diagnostic::new(Code::BadText, given.node.at, title)
                .label("bus, device (00 to 1f) and function (0 to 7) are expected")
                .help("write it as \"00:03.0\", in hexadecimal, as `lspci` shows it"),
        );
        None
    }
}

/// The serial number of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serial(pub String);

/// The length of a disk's serial number in bytes (Virtual I/O Device version 1.2, 5.2.6).
const SERIAL: usize = 20;

impl Read for Serial {
    const KIND: Kind = Kind::Text;

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let Text(text) = Text::read(given, problems)?;
        let label = if text.len() > SERIAL {
            format!("{} bytes: a serial number has at most {SERIAL}", text.len())
        } else if !text.chars().all(|c| c.is_ascii_graphic()) {
            "a serial number has printable ASCII characters, without spaces".to_owned()
        } else {
            return Some(Self(text));
        };
        let title = format!("`{}` is not a serial number", given.path);
        problems.report(Diagnostic::new(Code::BadText, given.node.at, title).label(label));
        None
    }
}

/// Returns the value of one to `digits` hexadecimal digits; `None` for other text.
fn hexadecimal(text: &str, digits: usize) -> Option<u8> {
    let plain = text.len() <= digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u8::from_str_radix(text, 16).ok())?
}
