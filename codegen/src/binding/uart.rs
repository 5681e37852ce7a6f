//! The baud rate and reference clock, which all UARTs have in common.

use crate::board::Value;
use crate::notation;

/// The baud rate as text for readers.
pub(super) fn line(clock: u64, baud: Option<u32>) -> String {
    let baud = baud.map_or_else(
        || String::from("baud rate set by firmware"),
        |baud| format!("{baud} baud"),
    );
    format!("{}, {baud}", notation::frequency(clock))
}

/// The baud rate to set, for a driver's configuration.
pub(super) fn baud(baud: Option<u32>) -> Value {
    Value::optional(baud.map(|baud| Value::Decimal(baud.into())))
}
