//! Addresses: hexadecimal integers, as in data sheets.

use super::super::reader::{Given, Read};
use super::super::schema::Kind;
use super::super::tree::Value;
use super::parse_size;
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
                } else if let Some(bytes) = parse_size(text) {
                    diagnostic = diagnostic.help(format!(
                        "if it is that far from address 0, write {}",
                        hexadecimal(bytes)
                    ));
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
                bad(format!("`{}` is negative", given.path)).label("an address cannot be negative")
            }
            Some(0) => return Some(Self(0)),
            // 1000 instead of 0x1000 must not silently be another address.
            Some(value) if integer.radix != 16 => {
                bad(format!("`{}` must be written in hexadecimal", given.path))
                    .label("this is not hexadecimal")
                    .helps(decimal(value))
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

/// Returns the possible meanings of a decimal number: the same digits in hexadecimal, or the same
/// value in hexadecimal. If only one of the two is the start of a page, returns only that one.
pub(super) fn decimal(value: i128) -> Vec<String> {
    const PAGE: u64 = 0x1000;
    let Ok(same) = u64::try_from(value) else {
        return vec!["write it as 0x1234_5000".to_owned()];
    };
    let digits = u64::from_str_radix(&same.to_string(), 16).ok();
    let is_page = |value: &u64| value.is_multiple_of(PAGE);
    let converted = format!("{same} in hexadecimal is {}", hexadecimal(same));
    let Some(digits) = digits.filter(|digits| is_page(digits) || !is_page(&same)) else {
        return vec![converted];
    };
    let meant = format!("if 0x was left out, write {}", hexadecimal(digits));
    match is_page(&digits) && !is_page(&same) {
        true => vec![meant],
        false => vec![meant, converted],
    }
}

/// Returns an address or size in the notation of board files: 0x1234_5000, in groups of four
/// digits.
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

/// Parses an address in text, such as a key of `[undescribed]`.
pub(crate) fn parse_hexadecimal(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x")?;
    if digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    let digits = digits.replace('_', "");
    // `from_str_radix` would accept a sign.
    let plain = digits.chars().all(|digit| digit.is_ascii_hexdigit());
    u64::from_str_radix(&digits, 16).ok().filter(|_| plain)
}
