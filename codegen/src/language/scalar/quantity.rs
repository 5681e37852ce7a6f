//! Sizes and frequencies: text of a number and a unit, converted exactly.

use super::super::reader::{Given, Read};
use super::super::schema::Kind;
use super::super::suggest;
use super::super::tree::Value;
use super::{hexadecimal, parse_hexadecimal};
use crate::diagnostic::{Code, Diagnostic, Problems};

/// A number of bytes.
///
/// Written with a unit (`"64 KiB"`), or in hexadecimal (`0x200`), as data sheets give the sizes of
/// register blocks. A decimal number without a unit is ambiguous and invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A frequency in Hz.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Frequency(pub u64);

/// A unit with its number of bytes or Hz.
type Unit = (&'static str, u64);

pub(crate) const SIZES: &[Unit] = &[
    ("bytes", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];
pub(crate) const FREQUENCIES: &[Unit] = &[
    ("Hz", 1),
    ("kHz", 1_000),
    ("MHz", 1_000_000),
    ("GHz", 1_000_000_000),
];

impl Read for Size {
    const KIND: Kind = Kind::Size;

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        if let Value::Integer(integer) = &given.node.value
            && integer.radix == 16
            && let Some(bytes) = integer.value.and_then(|value| u64::try_from(value).ok())
        {
            return Some(Self(bytes));
        }
        read(given, SIZES, &Self::KIND, problems).map(Self)
    }
}

impl Size {
    /// Returns the size for display: in the largest unit with a whole number, or in hexadecimal if
    /// that is long.
    pub fn written(self) -> String {
        // Zero is a multiple of every unit; it is written in the smallest.
        let whole = SIZES
            .iter()
            .rev()
            .find(|(_, unit)| self.0 > 0 && self.0.is_multiple_of(*unit));
        let (name, count) = whole.map_or(("bytes", self.0), |(name, unit)| (*name, self.0 / unit));
        if count < 10_000 {
            format!("\"{count} {name}\"")
        } else {
            hexadecimal(self.0)
        }
    }
}

impl Frequency {
    /// Returns the frequency for display.
    pub fn written(self) -> String {
        let fits = |(_, unit): &&Unit| *unit <= self.0;
        let (name, unit) = FREQUENCIES
            .iter()
            .rev()
            .find(fits)
            .unwrap_or(&FREQUENCIES[0]);
        let (whole, rest) = (self.0 / unit, self.0 % unit);
        // As many decimals as the unit has, without trailing zeros.
        let digits = usize::try_from(unit.ilog10()).unwrap_or_default();
        let fraction = format!(".{rest:0digits$}");
        let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
        format!("\"{whole}{fraction} {name}\"")
    }
}

impl Read for Frequency {
    const KIND: Kind = Kind::Frequency;

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let hertz = read(given, FREQUENCIES, &Self::KIND, problems)?;
        if hertz == 0 {
            let title = format!("`{}` is zero", given.path);
            problems.report(Diagnostic::new(Code::BadQuantity, given.node.at, title));
            return None;
        }
        Some(Self(hertz))
    }
}

fn read(given: &Given<'_>, units: &[Unit], kind: &Kind, problems: &mut Problems) -> Option<u64> {
    let bad = |title: String| Diagnostic::new(Code::BadQuantity, given.node.at, title);
    let error = match &given.node.value {
        Value::Text(text) => match parse(text, units) {
            Ok(value) => return Some(value),
            Err(_) if matches!(kind, Kind::Size) && parse_hexadecimal(text).is_some() => {
                let title = format!("`{}` must be {}", given.path, kind.expected());
                problems.report(
                    bad(title)
                        .label("a hexadecimal number in quotes")
                        .help(format!("write it without quotes: {text}")),
                );
                return None;
            }
            Err(error) => error,
        },
        Value::Integer(integer) => {
            let diagnostic = bad(format!("`{}` has no unit", given.path)).label("of what?");
            let diagnostic = match (kind, integer.value.map(u64::try_from)) {
                (Kind::Size, Some(Ok(0))) => diagnostic
                    .help("write a size greater than 0, with its unit: bytes, KiB, MiB, GiB, TiB"),
                (Kind::Size, Some(Ok(value))) => {
                    diagnostic.helps(without_prefix(value)).help(format!(
                        "if bytes are meant, write {} or {}; units: bytes, KiB, MiB, GiB, TiB",
                        Size(value).written(),
                        unpadded(value)
                    ))
                }
                (_, Some(Ok(value))) => diagnostic.help(format!(
                    "if Hz are meant, write \"{}\"",
                    with_unit(value, units)
                )),
                _ => diagnostic.help(format!("write {}", kind.expected())),
            };
            problems.report(diagnostic);
            return None;
        }
        _ => {
            given.wrong_type(kind, problems);
            return None;
        }
    };
    let diagnostic = bad(format!("`{}` must be {}", given.path, kind.expected()));
    let diagnostic = match (&error, &given.node.value) {
        (QuantityError::NoUnit, Value::Text(text)) => {
            diagnostic.helps(with_first_unit(text, units))
        }
        _ => diagnostic,
    };
    problems.report(error.explain(diagnostic, units));
    None
}

/// Returns the help for a number in quotes without a unit: the quantity, if the first unit is meant.
fn with_first_unit(text: &str, units: &[Unit]) -> Option<String> {
    let (first, _) = units.first()?;
    let number = text.trim().parse().ok().filter(|number| *number > 0)?;
    let written = with_unit(number, units);
    Some(format!("if {first} are meant, write \"{written}\""))
}

/// Parses a size.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    parse(text, SIZES).ok()
}

/// Parses a frequency.
pub(crate) fn parse_frequency(text: &str) -> Option<u64> {
    parse(text, FREQUENCIES).ok()
}

/// Returns the size in hexadecimal if its prefix 0x may have been forgotten: sizes of register
/// blocks are round in hexadecimal.
fn without_prefix(value: u64) -> Option<String> {
    let digits = u64::from_str_radix(&value.to_string(), 16).ok()?;
    let is_round = |value: u64| value >= 0x100 && value.is_multiple_of(0x100);
    (is_round(digits) && !is_round(value))
        .then(|| format!("if 0x was left out, write {}", unpadded(digits)))
}

/// Returns a size in hexadecimal as in data sheets: 0x200.
fn unpadded(value: u64) -> String {
    let digits = hexadecimal(value);
    let digits = digits
        .trim_start_matches("0x")
        .trim_start_matches(['0', '_']);
    match digits {
        "" => "0x0".to_owned(),
        digits => format!("0x{digits}"),
    }
}

/// An error in a quantity's text.
#[derive(Debug, PartialEq, Eq)]
enum QuantityError {
    /// The text does not start with a number.
    NoNumber,
    /// The unit is missing.
    NoUnit,
    /// The unit is unknown.
    UnknownUnit(String),
    /// Number and unit are not separated by exactly one space. Contains the correct text.
    Spacing(String),
    /// The decimal separator is a comma. Contains the correct text.
    Comma(String),
    /// The quantity is not a whole number of bytes or Hz.
    NotWhole,
    /// The quantity does not fit 64 bits.
    TooLarge,
}

impl QuantityError {
    fn explain(self, diagnostic: Diagnostic, units: &[Unit]) -> Diagnostic {
        let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
        let known = format!("units: {}", names.join(", "));
        match self {
            Self::NoNumber => diagnostic.label("the number is missing"),
            Self::NoUnit => diagnostic.label("no unit").help(known),
            Self::UnknownUnit(unit) => {
                let near = units
                    .iter()
                    .find(|(name, _)| name.eq_ignore_ascii_case(&unit));
                let near = near.map(|(name, _)| *name);
                // "KB" is as near to "KiB" as to "bytes"; its first letter decides.
                let same_prefix = || {
                    let prefix = unit.chars().next()?.to_ascii_lowercase();
                    let unit = names.iter().find(|name| {
                        name.chars()
                            .next()
                            .is_some_and(|c| c.to_ascii_lowercase() == prefix)
                    });
                    unit.copied()
                };
                let near = near
                    .or_else(same_prefix)
                    .or_else(|| suggest::nearest(&unit, names.iter().copied()));
                match near {
                    Some(near) => diagnostic
                        .label(format!("`{unit}` is not a unit: did you mean `{near}`?"))
                        .help(known),
                    None => diagnostic
                        .label(format!("`{unit}` is not a unit"))
                        .help(known),
                }
            }
            Self::Spacing(fixed) => diagnostic
                .label("write one plain space before the unit")
                .write(format!("\"{fixed}\"")),
            Self::Comma(fixed) => diagnostic
                .label("decimals follow a point")
                .write(format!("\"{fixed}\"")),
            Self::NotWhole => diagnostic.label(format!("not a whole number of {}", names[0])),
            Self::TooLarge => diagnostic.label("too large for 64 bits"),
        }
    }
}

/// Parses text such as `62.5 MHz` exactly.
fn parse(text: &str, units: &[Unit]) -> Result<u64, QuantityError> {
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let number = &text[..text.find(|c| !is_number(c)).unwrap_or(text.len())];
    let unit = text[number.len()..].trim();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return Err(QuantityError::NoNumber);
    }
    if unit.is_empty() {
        return Err(QuantityError::NoUnit);
    }
    if unit.starts_with(',') {
        let fixed = text.replacen(',', ".", 1);
        return Err(match parse(&fixed, units) {
            Ok(_) => QuantityError::Comma(fixed),
            Err(_) => QuantityError::UnknownUnit(unit.to_owned()),
        });
    }
    let Some((_, scale)) = units.iter().find(|(name, _)| *name == unit) else {
        return Err(QuantityError::UnknownUnit(unit.to_owned()));
    };
    let written = format!("{number} {unit}");
    if text != written {
        return Err(QuantityError::Spacing(written));
    }
    let scale = u128::from(*scale);
    let fraction = fraction.trim_end_matches('0');
    let fraction = match u32::try_from(fraction.len()) {
        Ok(0) => 0,
        // No unit has more than 2^40 parts, so a longer fraction cannot be whole.
        Ok(places) if places <= 18 => {
            let parts = fraction
                .parse::<u128>()
                .map_err(|_| QuantityError::TooLarge)?
                * scale;
            let ten = 10_u128.pow(places);
            if !parts.is_multiple_of(ten) {
                return Err(QuantityError::NotWhole);
            }
            parts / ten
        }
        _ => return Err(QuantityError::NotWhole),
    };
    let whole = whole.parse::<u64>().map_err(|_| QuantityError::TooLarge)?;
    u64::try_from(u128::from(whole) * scale + fraction).map_err(|_| QuantityError::TooLarge)
}

fn with_unit(value: u64, units: &[Unit]) -> String {
    let whole = units
        .iter()
        .rev()
        .find(|(_, unit)| value.is_multiple_of(*unit));
    let (name, unit) = whole.copied().unwrap_or((units[0].0, 1));
    format!("{} {name}", value / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_count_in_powers_of_two() {
        assert_eq!(parse("64 KiB", SIZES), Ok(0x1_0000));
        assert_eq!(parse("512 GiB", SIZES), Ok(0x80_0000_0000));
        assert_eq!(parse("1 bytes", SIZES), Ok(1));
        assert_eq!(parse("1.5 KiB", SIZES), Ok(1536));
    }

    #[test]
    fn frequencies_are_exact() {
        assert_eq!(parse("62.5 MHz", FREQUENCIES), Ok(62_500_000));
        assert_eq!(parse("3.579545 MHz", FREQUENCIES), Ok(3_579_545));
        assert_eq!(parse("32768 Hz", FREQUENCIES), Ok(32_768));
        assert_eq!(
            parse("9007199254740993 Hz", FREQUENCIES),
            Ok(9_007_199_254_740_993)
        );
    }

    #[test]
    fn a_frequency_is_written_in_its_largest_unit() {
        let written = |hertz| Frequency(hertz).written();
        assert_eq!(written(24_000_000), "\"24 MHz\"");
        assert_eq!(written(3_686_400), "\"3.6864 MHz\"");
        assert_eq!(written(1_000_000_001), "\"1.000000001 GHz\"");
        assert_eq!(written(7), "\"7 Hz\"");
    }

    #[test]
    fn a_fraction_of_the_smallest_unit_is_rejected() {
        assert_eq!(parse("1.5 Hz", FREQUENCIES), Err(QuantityError::NotWhole));
        assert_eq!(parse("0.0001 KiB", SIZES), Err(QuantityError::NotWhole));
        let long = format!("0.{} KiB", "5".repeat(400));
        assert_eq!(parse(&long, SIZES), Err(QuantityError::NotWhole));
    }

    #[test]
    fn sixty_four_bits_are_the_limit() {
        assert_eq!(parse("18446744073709551615 bytes", SIZES), Ok(u64::MAX));
        assert_eq!(
            parse("18446744073709551616 bytes", SIZES),
            Err(QuantityError::TooLarge)
        );
        assert_eq!(parse("16777216 TiB", SIZES), Err(QuantityError::TooLarge));
        assert_eq!(
            parse(&format!("{} KiB", "9".repeat(400)), SIZES),
            Err(QuantityError::TooLarge)
        );
    }

    #[test]
    fn a_number_and_one_space_and_a_unit_is_the_only_form() {
        assert_eq!(parse("KiB", SIZES), Err(QuantityError::NoNumber));
        assert_eq!(parse("-1 KiB", SIZES), Err(QuantityError::NoNumber));
        assert_eq!(parse("1. KiB", SIZES), Err(QuantityError::NoNumber));
        assert_eq!(parse("1.2.3 KiB", SIZES), Err(QuantityError::NoNumber));
        assert_eq!(parse("64", SIZES), Err(QuantityError::NoUnit));
        assert_eq!(
            parse("64 kb", SIZES),
            Err(QuantityError::UnknownUnit("kb".to_owned()))
        );
        assert_eq!(
            parse("64KiB", SIZES),
            Err(QuantityError::Spacing("64 KiB".to_owned()))
        );
        assert_eq!(
            parse("64  KiB", SIZES),
            Err(QuantityError::Spacing("64 KiB".to_owned()))
        );
    }
}
