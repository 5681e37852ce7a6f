//! Any error, as an app's `main` returns it.

use alloc::boxed::Box;
use core::fmt::{self, Debug, Display};

/// Any error: `?` makes one of every type that implements [`core::error::Error`].
///
/// It keeps what the error says and nothing else. A `Box<dyn Error>` would also keep how each type
/// is written for debugging, which is 6 KB of an image that nobody reads.
pub struct Error(Box<dyn Display>);

impl Error {
    /// An error that says `message`, for what needs no type of its own.
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
    fn the_question_mark_keeps_what_an_error_says() {
        let said = parse("x").map_err(|error| error.to_string());
        assert_eq!(said, Err("invalid digit found in string".to_string()));
    }

    #[test]
    fn a_message_is_an_error() {
        assert_eq!(Error::new("no disk").to_string(), "no disk");
    }
}
