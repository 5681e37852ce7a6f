//! The error type of an app's `main`.

use alloc::boxed::Box;
use core::fmt::{self, Debug, Display};

/// Any error: `?` converts every type that implements [`core::error::Error`] to it.
///
/// It keeps only the error's message. A `Box<dyn Error>` would also include the `Debug` code of
/// every error type, 6 KB of an image.
///
/// ```
/// use vmos::{Error, Result};
///
/// fn port(text: &str) -> Result<u16> {
///     match text.parse()? {
///         0 => Err(Error::new("a port is at least 1")),
///         port => Ok(port),
///     }
/// }
///
/// assert_eq!(port("80").ok(), Some(80));
/// assert_eq!(port("0").unwrap_err().to_string(), "a port is at least 1");
/// ```
pub struct Error(Box<dyn Display>);

impl Error {
    /// Creates an error with `message`, if no separate type is needed.
    pub fn new(message: impl Display + 'static) -> Self {
        Self(Box::new(message))
    }
}

impl<E: core::error::Error + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

impl Display for Error {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, f)
    }
}

impl Debug for Error {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn parse(text: &str) -> crate::Result<u8> {
        Ok(text.parse::<u8>()?)
    }

    #[test]
    fn the_question_mark_keeps_the_message_of_an_error() {
        let said = parse("x").map_err(|error| error.to_string());
        assert_eq!(said, Err("invalid digit found in string".to_string()));
    }

    #[test]
    fn a_message_is_an_error() {
        assert_eq!(Error::new("no disk").to_string(), "no disk");
    }
}
