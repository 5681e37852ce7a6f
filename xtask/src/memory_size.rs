//! An amount of memory as written on the command line.

use core::error::Error;
use core::fmt;
use core::str::FromStr;

/// An amount of memory: a multiple of 1 MiB, at least 1 MiB. It is displayed as it was written.
#[derive(Clone, Debug)]
pub struct MemorySize {
    mebibytes: u64,
    written: String,
}

impl MemorySize {
    /// Returns the amount in MiB.
    #[must_use]
    pub fn mebibytes(&self) -> u64 {
        self.mebibytes
    }

    /// Returns the value of QEMU's option `-m`, such as `64M`.
    #[must_use]
    pub fn option_value(&self) -> String {
        format!("{}M", self.mebibytes)
    }
}

impl FromStr for MemorySize {
    type Err = NotASize;

    /// Parses `64M`, `512MiB` or `4G`.
    fn from_str(text: &str) -> Result<Self, NotASize> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let factor = match unit.trim_start() {
            "M" | "MiB" => 1,
            "G" | "GiB" => 1024,
            _ => return Err(NotASize),
        };
        let number: u64 = number.parse().map_err(|_| NotASize)?;
        let mebibytes = number
            .checked_mul(factor)
            .filter(|&amount| amount != 0)
            .ok_or(NotASize)?;
        Ok(Self {
            mebibytes,
            written: text.to_owned(),
        })
    }
}

impl fmt::Display for MemorySize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.written)
    }
}

/// The error for text that is not an amount of memory.
#[derive(Debug, PartialEq, Eq)]
pub struct NotASize;

impl fmt::Display for NotASize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("expected a number of MiB or GiB, such as `64M` or `4G`")
    }
}

impl Error for NotASize {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gigabytes_become_mebibytes() {
        let size: MemorySize = "4G".parse().unwrap();
        assert_eq!(size.option_value(), "4096M");
    }

    #[test]
    fn an_amount_is_displayed_as_it_was_written() {
        for text in ["2G", "2048M", "2GiB", "64 MiB"] {
            assert_eq!(text.parse::<MemorySize>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn mebibytes_may_be_spelt_out() {
        assert_eq!("64 MiB".parse::<MemorySize>().unwrap().mebibytes(), 64);
    }

    #[test]
    fn a_number_without_a_unit_is_rejected() {
        assert_eq!("64".parse::<MemorySize>().unwrap_err(), NotASize);
    }

    #[test]
    fn zero_is_rejected() {
        assert_eq!("0M".parse::<MemorySize>().unwrap_err(), NotASize);
    }

    #[test]
    fn an_overflow_is_rejected() {
        assert_eq!(
            "18446744073709551615G".parse::<MemorySize>().unwrap_err(),
            NotASize
        );
    }
}
