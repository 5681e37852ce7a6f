//! What UARTs have in common: the rate of their line.

use crate::board::Value;
use crate::notation;

/// The rate as a person reads it.
pub(super) fn line(clock: u64, baud: Option<u32>) -> String {
    let baud = baud.map_or_else(
        || String::from("baud rate set by firmware"),
        |baud| format!("{baud} baud"),
    );
    format!("{}, {baud}", notation::frequency(clock))
}

/// The rate to set, for a driver's configuration.
pub(super) fn baud(baud: Option<u32>) -> Value {
    Value::optional(baud.map(|baud| Value::Decimal(baud.into())))
}
