//! Hardware addresses of network devices in text form.

use core::fmt;
use core::str::FromStr;

/// An Ethernet hardware address. Its text form is six two-digit hexadecimal numbers separated by
/// colons: `52:54:00:12:34:56`.
///
/// ```
/// use vmos::net::HardwareAddress;
///
/// let address: HardwareAddress = "52:54:00:12:34:56".parse().unwrap();
/// assert_eq!(address.0[5], 0x56);
/// assert_eq!(address.to_string(), "52:54:00:12:34:56");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HardwareAddress(pub [u8; 6]);

/// The text is not six two-digit hexadecimal numbers separated by colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAHardwareAddress;

impl FromStr for HardwareAddress {
    type Err = NotAHardwareAddress;

    fn from_str(text: &str) -> Result<Self, NotAHardwareAddress> {
        let mut address = [0; 6];
        let mut numbers = text.split(':');
        for byte in &mut address {
            let Some([high, low]) = numbers.next().map(str::as_bytes) else {
                return Err(NotAHardwareAddress);
            };
            let digit = |byte: u8| char::from(byte).to_digit(16).ok_or(NotAHardwareAddress);
            *byte = (digit(*high)? << 4 | digit(*low)?) as u8;
        }
        match numbers.next() {
            None => Ok(Self(address)),
            Some(_) => Err(NotAHardwareAddress),
        }
    }
}

impl fmt::Display for HardwareAddress {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Display for NotAHardwareAddress {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a hardware address of the form 52:54:00:12:34:56")
    }
}

impl core::error::Error for NotAHardwareAddress {}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn only_the_written_form_is_parsed() {
        let text = "52:54:00:1a:ff:09";
        let address: HardwareAddress = text.parse().unwrap();
        assert_eq!(address, HardwareAddress([0x52, 0x54, 0, 0x1a, 0xff, 9]));
        assert_eq!(address.to_string(), text);
        for text in [
            "",
            "52:54:00:1a:ff",
            "52:54:00:1a:ff:09:00",
            "52:54:00:1a:ff:9",
            "52:54:00:1a:ff:+9",
            "52-54-00-1a-ff-09",
            "52:54:00:1a:ff:0g",
        ] {
            assert!(text.parse::<HardwareAddress>().is_err(), "{text}");
        }
    }
}
