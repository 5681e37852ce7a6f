//! Formats a conflict in one line.

use core::fmt;

use vmos_drivers::attestation::Fact;

/// A conflict between the board file and firmware's tables.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Contradiction<'a> {
    /// The table of the fact, for the names of interrupts.
    pub(super) table: &'static [Fact],
    /// The key of the device in the board file.
    pub(super) part: &'static str,
    /// The key relative to the device's table; empty for the device itself.
    pub(super) key: &'static str,
    /// The firmware table that contains the conflicting value, for messages.
    pub(super) teller: &'static str,
    pub(super) described: Value<'a>,
    pub(super) found: Value<'a>,
}

/// A value in the board file or in firmware's tables.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Value<'a> {
    /// A device of this kind.
    Kind(&'a str),
    /// The device does not exist.
    Nothing,
    /// A range of bytes.
    Range { base: u64, size: u64 },
    /// An address.
    Address(u64),
    /// A size in bytes.
    Bytes(u64),
    /// The controller's own number of an interrupt.
    Interrupt(u32),
    /// An interrupt of another controller, with the controller's own number.
    Foreign(u32),
    /// A frequency in Hz.
    Hertz(u64),
    /// A number of devices or bytes without unit.
    Number(u32),
    /// A string value.
    Text(&'a str),
}

impl Contradiction<'_> {
    /// Whether the device, or registers or a window of it, is not where the board file says: then
    /// accessing it there may be fatal.
    pub(crate) fn denies(&self) -> bool {
        match (self.described, self.found) {
            (Value::Kind(_) | Value::Range { .. } | Value::Address(_) | Value::Bytes(_), _) => true,
            (Value::Number(described), Value::Number(found)) => found < described,
            _ => false,
        }
    }

    /// Whether the device, or one in its slots, has another interrupt than the board file says.
    pub(crate) const fn is_about_an_interrupt(&self) -> bool {
        matches!(self.described, Value::Interrupt(_))
    }

    /// Returns the device's key.
    pub(crate) fn part(&self) -> &'static str {
        self.part
    }
}

impl fmt::Display for Contradiction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.part)?;
        if !self.key.is_empty() {
            write!(f, ".{}", self.key)?;
        }
        f.write_str(": the description says ")?;
        self.described.write(f, self.table)?;
        write!(f, ", {} says ", self.teller)?;
        self.found.write(f, self.table)
    }
}

impl Value<'_> {
    fn write(&self, f: &mut fmt::Formatter<'_>, table: &[Fact]) -> fmt::Result {
        match *self {
            Self::Kind(kind) => write!(f, "there is a \"{kind}\""),
            Self::Nothing => f.write_str("there is none"),
            Self::Range { base, size } => write!(f, "{} at {}", Bytes(size), Address(base)),
            Self::Address(base) => write!(f, "{}", Address(base)),
            Self::Bytes(size) => write!(f, "{}", Bytes(size)),
            Self::Interrupt(number) | Self::Foreign(number) => {
                let (space, number) = input(number, table);
                write!(f, "{space} {number}")?;
                match self {
                    Self::Foreign(_) => f.write_str(" of another controller"),
                    _ => Ok(()),
                }
            }
            Self::Hertz(hertz) => write!(f, "{}", Hertz(hertz)),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "\"{text}\""),
        }
    }
}

/// Returns an interrupt as in the board file: its space, and its number there.
fn input(number: u32, table: &[Fact]) -> (&'static str, u32) {
    let rows = table.iter().filter_map(|fact| match *fact {
        Fact::Inputs { space, first, .. } => Some((space, number.checked_sub(first)?)),
        _ => None,
    });
    rows.min_by_key(|&(_, number)| number)
        .unwrap_or(("interrupt", number))
}

/// An address, formatted as in the board file: `0x0900_0000`.
pub(crate) struct Address(pub(crate) u64);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (high, low) = (self.0 >> 32, self.0 as u32);
        f.write_str("0x")?;
        match high {
            0 => {}
            1..=0xffff => write!(f, "{high:X}_")?,
            _ => write!(f, "{:X}_{:04X}_", high >> 16, high & 0xffff)?,
        }
        write!(f, "{:04X}_{:04X}", low >> 16, low & 0xffff)
    }
}

/// A size, formatted in the largest unit of which it is a multiple.
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        scaled(f, self.0, 1024, ["B", "KiB", "MiB", "GiB"])
    }
}

/// A frequency, formatted in the largest unit of which it is a multiple.
pub(crate) struct Hertz(pub(crate) u64);

impl fmt::Display for Hertz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        scaled(f, self.0, 1000, ["Hz", "kHz", "MHz", "GHz"])
    }
}

fn scaled(
    f: &mut fmt::Formatter<'_>,
    mut value: u64,
    factor: u64,
    units: [&str; 4],
) -> fmt::Result {
    let [mut unit, rest @ ..] = units;
    for larger in rest {
        if value == 0 || !value.is_multiple_of(factor) {
            break;
        }
        value /= factor;
        unit = larger;
    }
    write!(f, "{value} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn addresses_are_written_as_in_a_board_file() {
        let written =
            [0x900_0000, 0x40_1000_0000, 0x1_0000_0000_0000, 0].map(|a| Address(a).to_string());
        let expected = [
            "0x0900_0000",
            "0x40_1000_0000",
            "0x1_0000_0000_0000",
            "0x0000_0000",
        ];
        assert_eq!(written, expected);
    }

    #[test]
    fn amounts_are_in_the_largest_unit_that_fits() {
        assert_eq!(Bytes(128 << 20).to_string(), "128 MiB");
        assert_eq!(Bytes(0x200).to_string(), "512 B");
        assert_eq!(Hertz(62_500_000).to_string(), "62500 kHz");
    }

    #[test]
    fn an_interrupt_has_the_name_of_its_space() {
        let table = [
            Fact::inputs("spi", Some(0), 32),
            Fact::inputs("ppi", Some(1), 16),
        ];
        assert_eq!(input(33, &table), ("spi", 1));
        assert_eq!(input(27, &table), ("ppi", 11));
        assert_eq!(input(5, &table), ("interrupt", 5));
    }
}
