//! Errors in generating files.

use core::fmt;

/// The reason why a board's files cannot be generated.
///
/// The checks reject such boards first, at the line of the description; these errors cover a
/// [`Board`](crate::Board) from another source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The board's name cannot be both a directory and a cargo feature.
    Name {
        /// The invalid name.
        board: String,
    },
    /// Two boards have the same name.
    Duplicate {
        /// The duplicate name.
        board: String,
    },
    /// A text would change its meaning in a file.
    Text {
        /// The board with the text.
        board: String,
        /// The key path of the text.
        key: String,
        /// What is wrong with the text.
        fault: &'static str,
    },
    /// The board lacks a required part.
    Missing {
        /// The board that lacks the part.
        board: String,
        /// The key path of what is missing.
        key: &'static str,
    },
    /// The image is loaded where there is no RAM.
    LoadAddress {
        /// The board whose image is not in RAM.
        board: String,
        /// The load address of the image.
        address: u64,
    },
    /// A template is wrong.
    Template {
        /// The template's path under `templates/`.
        template: &'static str,
        /// The error of the template engine.
        cause: String,
    },
    /// The tokens of `board.rs` are not valid Rust.
    Rust {
        /// The error of the parser.
        cause: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { board } => write!(
                f,
                "`{board}` cannot name a board: a name is made of a to z, 0 to 9 and `-`, begins \
                 with a letter, and is not `default`"
            ),
            Self::Duplicate { board } => write!(f, "two boards are named `{board}`"),
            Self::Text { board, key, fault } => write!(f, "{board}: `{key}` {fault}"),
            Self::Missing { board, key } => write!(f, "{board}: `{key}` is missing"),
            Self::LoadAddress { board, address } => write!(
                f,
                "{board}: the image is loaded at {address:#x}, where `memory.ram` has nothing"
            ),
            Self::Template { template, cause } => write!(f, "templates/{template}: {cause}"),
            Self::Rust { cause } => write!(f, "board.rs is not Rust: {cause}"),
        }
    }
}

impl core::error::Error for Error {}
