//! What can keep a board from being written down.

use core::fmt;

/// Why a board cannot be turned into files.
///
/// The checks refuse such boards first, at the line of the description; this is what holds for a
/// [`Board`](crate::Board) from anywhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The board's name cannot be both a directory and a cargo feature.
    Name {
        /// The name.
        board: String,
    },
    /// Two boards have one name.
    Duplicate {
        /// The name.
        board: String,
    },
    /// A text would not survive in the file it goes to.
    Text {
        /// The board.
        board: String,
        /// The key path of the text.
        key: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The board lacks what the kernel cannot do without.
    Missing {
        /// The board.
        board: String,
        /// The key path of what is missing.
        key: &'static str,
    },
    /// The image is loaded where there is no RAM.
    LoadAddress {
        /// The board.
        board: String,
        /// Where the image would be.
        address: u64,
    },
    /// A template is wrong.
    Template {
        /// Its path under `templates/`.
        template: &'static str,
        /// What the template engine says.
        cause: String,
    },
    /// What was put together for `board.rs` is not Rust.
    Rust {
        /// What the parser says.
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
