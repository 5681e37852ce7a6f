//! Ports of x86 processors: hexadecimal integers of 16 bits.

use super::super::reader::{Given, Read};
use super::super::schema::Kind;
use super::super::tree::Value;
use crate::diagnostic::{Code, Diagnostic, Problems};

/// Returns a port in the notation of board files: 0x3F8.
pub fn port(number: u64) -> String {
    format!("0x{number:X}")
}

/// The number of an x86 I/O port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port(pub u16);

impl Read for Port {
    const KIND: Kind = Kind::Port;

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let Value::Integer(integer) = &given.node.value else {
            given.wrong_type(&Self::KIND, problems);
            return None;
        };
        let port = integer.value.and_then(|value| u16::try_from(value).ok());
        let Some(port) = port else {
            let title = format!("`{}` is not a port", given.path);
            problems.report(
                Diagnostic::new(Code::BadNumber, given.node.at, title)
                    .label("ports go from 0x0 to 0xFFFF"),
            );
            return None;
        };
        // 604 instead of 0x604 must not silently be another port.
        if integer.radix != 16 && port != 0 {
            let title = format!("`{}` must be written in hexadecimal", given.path);
            let digits = port.to_string();
            // Well-known port numbers are hexadecimal.
            let meant = u16::from_str_radix(&digits, 16).ok();
            let meant = meant.map(|_| format!("if 0x was left out, write 0x{digits}"));
            problems.report(
                Diagnostic::new(Code::BadAddress, given.node.at, title)
                    .label("this is not hexadecimal")
                    .helps(meant)
                    .help(format!(
                        "{digits} in hexadecimal is {}",
                        self::port(port.into())
                    )),
            );
            return None;
        }
        Some(Self(port))
    }
}
