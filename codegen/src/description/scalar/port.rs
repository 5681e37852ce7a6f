//! Ports of x86 processors: hexadecimal integers of 16 bits.

use super::super::reader::{Given, Read};
use super::super::schema::Kind;
use super::super::tree::Value;
use crate::diagnostic::{Code, Diagnostic, Problems};

/// A port.
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
        // Forgetting the 0x of 0x604 must not quietly give another port.
        if integer.radix != 16 && port != 0 {
            let title = format!("`{}` must be written in hexadecimal", given.path);
            problems.report(
                Diagnostic::new(Code::BadAddress, given.node.at, title)
                    .label("this is not hexadecimal")
                    .help(format!("the same number is {port:#X}").replace("0X", "0x")),
            );
            return None;
        }
        Some(Self(port))
    }
}
