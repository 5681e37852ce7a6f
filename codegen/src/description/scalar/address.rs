//! Addresses: hexadecimal integers, as data sheets give them.

use super::super::reader::{Given, Read};
use super::super::schema::Kind;
use super::super::tree::Value;
use crate::diagnostic::{Code, Diagnostic, Problems};

/// A physical address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(pub u64);

impl Read for Address {
    const KIND: Kind = Kind::Address;

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let integer = match &given.node.value {
            Value::Integer(integer) => integer,
            Value::Text(text) => {
                let mut diagnostic = given.type_mismatch(&Self::KIND)?;
                if parse_hexadecimal(text).is_some() {
                    diagnostic = diagnostic.help(format!("write it without quotes: {text}"));
                }
                problems.report(diagnostic);
                return None;
            }
            _ => {
                given.wrong_type(&Self::KIND, problems);
                return None;
            }
        };
        let bad = |title: String| Diagnostic::new(Code::BadAddress, given.node.at, title);
        let diagnostic = match integer.value {
            Some(value) if value < 0 => {
                bad(format!("`{}` is negative", given.path)).label("no address is below 0")
            }
            Some(0) => return Some(Self(0)),
            // Forgetting the 0x of 0x9000000 must not quietly give another address.
            Some(value) if integer.radix != 16 => {
                bad(format!("`{}` must be written in hexadecimal", given.path))
                    .label("this is not hexadecimal")
                    .help(match u64::try_from(value) {
                        Ok(value) => format!("the same number is {}", hexadecimal(value)),
                        Err(_) => "write it as 0x0900_0000".to_owned(),
                    })
            }
            Some(value) if u64::try_from(value).is_ok() => {
                return u64::try_from(value).ok().map(Self);
            }
            _ => bad(format!("`{}` is too large", given.path))
                .label("an address has at most 64 bits"),
        };
        problems.report(diagnostic);
        None
    }
}

/// An address or size as board files give it: 0x0900_0000, four digits to a group.
pub fn hexadecimal(value: u64) -> String {
    let digits = format!("{value:08X}");
    let mut text = String::from("0x");
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(4) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

/// Reads an address in text, as the keys of `[undescribed]` are.
pub(crate) fn parse_hexadecimal(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x")?;
    if digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    let digits = digits.replace('_', "");
    // `from_str_radix` would take a sign.
    let plain = digits.chars().all(|digit| digit.is_ascii_hexdigit());
    u64::from_str_radix(&digits, 16).ok().filter(|_| plain)
}
