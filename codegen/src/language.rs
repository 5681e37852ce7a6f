//! The language of board files: what can be written, with the location of everything.
//!
//! A file is parsed into a located tree (`parse`), which is read into tables that are declared once
//! (`table`). A value that cannot be read is reported and left out, so all errors of a file are
//! found in one run. This module depends on no board and no part.

pub(crate) mod driver;
pub(crate) mod interned;
pub(crate) mod misplaced;
mod named;
pub(crate) mod parse;
pub(crate) mod path;
pub(crate) mod reader;
mod rewritten;
pub(crate) mod scalar;
pub mod schema;
mod statement;
pub(crate) mod suggest;
mod syntax;
pub(crate) mod table;
pub mod tree;

pub use driver::{Class, Drivers, OneDriver};
pub use named::{Named, NamedEntry, Undescribed, UndescribedEntry};
pub use reader::{Field, Given, Located, Place, Read};
pub use scalar::{
    Address, Frequency, Function, HardwareAddress, Interrupt, Name, Number, Port, Serial, Size,
    Space, Text, hexadecimal, port,
};

use tree::{Integer, Value};

/// Returns a default from the macro's text: an integer or an empty list as in TOML, otherwise text.
/// A choice is always text, even if it looks like a number.
pub(crate) fn default_value(default: &str, kind: &schema::Kind) -> Value {
    if matches!(kind, schema::Kind::Choice(_)) {
        return Value::Text(default.to_owned());
    }
    let plain = default.replace('_', "");
    let (digits, radix) = plain
        .strip_prefix("0x")
        .map_or((&*plain, 10), |digits| (digits, 16));
    match (default, i128::from_str_radix(digits, radix)) {
        ("[]", _) => Value::List(Vec::new()),
        (_, Ok(value)) => Value::Integer(Integer {
            value: Some(value),
            radix,
        }),
        (_, Err(_)) => Value::Text(default.to_owned()),
    }
}
