//! Why a part, or one of its entries, is not available.

use core::fmt;

/// The kinds of entries of a part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// A register range.
    Registers,
    /// The entry is an interrupt.
    Interrupt,
    /// The entry is a value.
    Value,
}

/// Why a part, or one of its entries, is not available.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unavailable {
    /// The board file has no part with this name.
    Absent {
        /// The requested name of the part.
        name: &'static str,
    },
    /// The part is of another kind than the driver's.
    OtherKind {
        /// The part's key in the board file.
        key: &'static str,
        /// The kind of the part.
        found: &'static str,
        /// The kind that the driver is for.
        kind: &'static str,
    },
    /// Firmware's tables do not have the part where the board file says.
    LeftOut {
        /// The part's key in the board file.
        key: &'static str,
    },
    /// The part was claimed before.
    Claimed {
        /// The part's key in the board file.
        key: &'static str,
    },
    /// The part has no entry with this name.
    Lacks {
        /// The part's key in the board file.
        key: &'static str,
        /// The kind of the part.
        kind: &'static str,
        /// The kind of the requested entry.
        entry: Entry,
        /// The requested name of the entry.
        name: &'static str,
    },
    /// The entry was taken before.
    Taken {
        /// The part's key in the board file.
        key: &'static str,
        /// The kind of the requested entry.
        entry: Entry,
        /// The requested name of the entry.
        name: &'static str,
    },
}

impl Entry {
    /// Returns the table of such entries in a board file.
    fn table(self) -> &'static str {
        match self {
            Self::Registers => "registers",
            Self::Interrupt => "interrupts",
            Self::Value => "values",
        }
    }
}

impl fmt::Display for Unavailable {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Absent { name } => write!(
                f,
                "this board has no part `{name}`: describe it in [part.{name}] of the board file"
            ),
            Self::OtherKind { key, found, kind } => write!(
                f,
                "{key} is a `{found}`, and this driver is for `{kind}`: see {key}.kind in the board \
                 file"
            ),
            Self::LeftOut { key } => write!(
                f,
                "{key}: firmware's tables do not have it where the board file says; try: cargo xtask \
                 verify"
            ),
            Self::Claimed { key } => write!(f, "{key} is claimed already: it has one driver"),
            Self::Lacks {
                key,
                kind,
                entry,
                name,
            } => {
                let table = entry.table();
                write!(
                    f,
                    "{key} has no `{table}.{name}`: parts/{kind}.toml lists its names"
                )
            }
            Self::Taken { key, entry, name } => {
                let table = entry.table();
                write!(f, "{key}.{table}.{name} was taken before: keep it")
            }
        }
    }
}

impl core::error::Error for Unavailable {}
