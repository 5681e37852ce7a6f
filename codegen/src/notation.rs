//! The notation of numbers in generated files.

use crate::board::Trigger;

/// Formats a size or a distance between registers, as in `0x1_0000`.
pub(crate) fn address(value: u64) -> String {
    format!("0x{}", grouped(&format!("{value:08X}"), 4))
}

/// Formats the number of an I/O port, as in `0x3F8`.
pub(crate) fn port(value: u16) -> String {
    format!("0x{value:X}")
}

/// Formats a size or a stride, as in `0x1_0000`.
pub(crate) fn hexadecimal(value: u64) -> String {
    format!("0x{}", grouped(&format!("{value:X}"), 4))
}

/// Formats a decimal number in groups of digits, as in `24_000_000`.
pub(crate) fn decimal(value: u64) -> String {
    grouped(&value.to_string(), 3)
}

/// Formats a number for languages without groups of digits, as in `0x9000000`.
pub(crate) fn plain(value: u64) -> String {
    format!("{value:#x}")
}

fn grouped(digits: &str, group: usize) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(group) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

const SIZE_UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// Formats a size exactly, in the largest unit that needs at most four decimals, as in `64 KiB` or
/// `751.9375 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    let ten_thousandths = u128::from(bytes) * 10_000;
    for (exponent, name) in SIZE_UNITS.iter().enumerate().rev() {
        let unit = 1_u128 << (10 * exponent);
        if u128::from(bytes) >= unit && ten_thousandths.is_multiple_of(unit) {
            let value = ten_thousandths / unit;
            let fraction = format!(".{:04}", value % 10_000);
            let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
            return format!("{}{fraction} {name}", value / 10_000);
        }
    }
    format!("{bytes} B")
}

/// Formats a size in the largest unit of which it has at least 1, truncated to one decimal, as in
/// `60 KiB` or `1.9 GiB`.
pub(crate) fn about(bytes: u128) -> String {
    let exponent = (bytes.max(1).ilog2() / 10).min(SIZE_UNITS.len() as u32 - 1);
    let tenths = (bytes * 10) >> (10 * exponent);
    let fraction = if tenths.is_multiple_of(10) {
        String::new()
    } else {
        format!(".{}", tenths % 10)
    };
    format!(
        "{}{fraction} {}",
        tenths / 10,
        SIZE_UNITS[exponent as usize]
    )
}

/// Formats a frequency exactly, in the largest unit of which it has at least 1, as in `62.5 MHz`.
pub(crate) fn frequency(hertz: u64) -> String {
    let (unit, name) = match hertz {
        1_000_000_000.. => (1_000_000_000, "GHz"),
        1_000_000.. => (1_000_000, "MHz"),
        1_000.. => (1_000, "kHz"),
        _ => (1, "Hz"),
    };
    let mut text = (hertz / unit).to_string();
    let rest = hertz % unit;
    if rest != 0 {
        let fraction = (unit + rest).to_string();
        text = format!("{text}.{}", fraction[1..].trim_end_matches('0'));
    }
    format!("{text} {name}")
}

/// Formats the range of `count` numbers from `first` on, as in `48-79`.
pub(crate) fn row(first: u32, count: u32) -> String {
    if count <= 1 {
        first.to_string()
    } else {
        format!("{first}-{}", u64::from(first) + u64::from(count) - 1)
    }
}

pub(crate) fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Level => "level",
        Trigger::Edge => "edge",
        Trigger::LevelLow => "level-low",
        Trigger::EdgeFalling => "edge-falling",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_has_as_many_digits_as_it_needs() {
        assert_eq!([0x70, 0xCF9].map(port), ["0x70", "0xCF9"]);
    }

    #[test]
    fn an_address_has_eight_digits_or_more_in_groups_of_four() {
        assert_eq!(address(0), "0x0000_0000");
        assert_eq!(address(0x0900_0000), "0x0900_0000");
        assert_eq!(address(0x40_1000_0000), "0x40_1000_0000");
        assert_eq!(address(u64::MAX), "0xFFFF_FFFF_FFFF_FFFF");
    }

    #[test]
    fn a_size_in_hexadecimal_is_not_padded() {
        assert_eq!(hexadecimal(0x200), "0x200");
        assert_eq!(hexadecimal(0x1_0000), "0x1_0000");
    }

    #[test]
    fn a_decimal_number_has_groups_of_three() {
        assert_eq!(decimal(0), "0");
        assert_eq!(decimal(999), "999");
        assert_eq!(decimal(24_000_000), "24_000_000");
    }

    #[test]
    fn a_size_takes_the_largest_unit_with_four_decimals_at_most() {
        assert_eq!(size(0x201), "513 B");
        assert_eq!(size(0x1000), "4 KiB");
        assert_eq!(size(0x18_0000), "1.5 MiB");
        assert_eq!(size(0x2EFF_0000), "751.9375 MiB");
        assert_eq!(size(0x10_1000), "1028 KiB");
        assert_eq!(size(0x80_0000_0000), "512 GiB");
        assert_eq!(size(u64::MAX), "18446744073709551615 B");
    }

    #[test]
    fn a_gap_is_truncated_to_one_decimal() {
        assert_eq!(about(0xF000), "60 KiB");
        assert_eq!(about(0x7CFF_F000), "1.9 GiB");
        assert_eq!(about(1), "1 B");
        assert_eq!(about(1 << 64), "16 EiB");
    }

    #[test]
    fn a_frequency_is_written_exactly() {
        assert_eq!(frequency(24_000_000), "24 MHz");
        assert_eq!(frequency(62_500_000), "62.5 MHz");
        assert_eq!(frequency(3_686_400), "3.6864 MHz");
        assert_eq!(frequency(1_000_000_001), "1.000000001 GHz");
        assert_eq!(frequency(32_768), "32.768 kHz");
    }
}
