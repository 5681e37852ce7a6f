//! Why a part, or something of it, cannot be had.

use core::fmt;

/// What a part has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// A register range.
    Registers,
    /// An interrupt.
    Interrupt,
    /// A value.
    Value,
}

/// Why a part, or something of it, cannot be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unavailable {
    /// The board file has no part with this name.
    Absent {
        /// The name.
        name: &'static str,
    },
    /// The part is of another kind than the driver's.
    OtherKind {
        /// The part's key in the board file.
        key: &'static str,
        /// Its kind.
        found: &'static str,
        /// The driver's.
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
        /// Its kind.
        kind: &'static str,
        /// What was asked for.
        entry: Entry,
        /// The name.
        name: &'static str,
    },
    /// The entry was taken before.
    Taken {
        /// The part's key in the board file.
        key: &'static str,
        /// What was asked for.
        entry: Entry,
        /// The name.
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
