//! The content of a board file as data: every key with its meaning, type and default.
//!
//! The tables are declared once, with `table!`, which also generates this. The schema for editors
//! and the reference page are made from it.

use crate::board::Architecture;

/// A table of fixed keys.
#[derive(Debug)]
pub struct Table {
    /// The meaning of the table.
    pub doc: &'static str,
    /// The keys of the table, in the recommended order.
    pub keys: &'static [Key],
}

/// The tables at the top of a board file.
#[derive(Debug)]
pub struct Root {
    /// The keys that describe the board.
    pub board: &'static Table,
    /// The keys that concern the file itself.
    pub file: &'static Table,
}

impl Root {
    /// The interrupt spaces of all controllers, in the order of the drivers; with an architecture,
    /// only those of its controllers.
    pub fn spaces(&self, architecture: Option<Architecture>) -> Vec<&'static Space> {
        let mut spaces: Vec<&'static Space> = Vec::new();
        for key in self.board.keys {
            let (Kind::OneDriver(drivers) | Kind::Drivers(drivers)) = key.kind else {
                continue;
            };
            let fit = drivers.iter().filter(|driver| driver.is_for(architecture));
            for space in fit.flat_map(|driver| driver.spaces) {
                if spaces.iter().all(|known| known.word != space.word) {
                    spaces.push(space);
                }
            }
        }
        spaces
    }
}

/// A key of a table.
#[derive(Debug)]
pub struct Key {
    /// The key's name, in kebab case.
    pub name: &'static str,
    /// The description of the key, with the unit of its value.
    pub doc: &'static str,
    /// The kind of the key's values.
    pub kind: &'static Kind,
    /// Whether the key is required.
    pub presence: Presence,
}

/// Whether a key is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The key is required.
    Required,
    /// The key is optional; its description says what absence means.
    Optional,
    /// The key is optional, with this default, written as in a board file, text without quotes.
    Default(&'static str),
}

/// The kind of a key's values.
#[derive(Debug)]
pub enum Kind {
    /// An address: a hexadecimal integer.
    Address,
    /// A port: a hexadecimal integer of 16 bits.
    Port,
    /// A number of bytes: text with a unit, or a hexadecimal integer.
    Size,
    /// A frequency: text with a unit.
    Frequency,
    /// An interrupt: `{ spi = 1 }`, with an optional `trigger`.
    Interrupt,
    /// An integer in a range, ends included.
    Number {
        /// The smallest value.
        least: u32,
        /// The largest value.
        greatest: u32,
    },
    /// A line of text.
    Text,
    /// A name: lower-case letters, digits and hyphens.
    Name,
    /// One of several words, each with a description.
    Choice(&'static [Choice]),
    /// A list of values of one kind.
    List(&'static Kind),
    /// A table of fixed keys.
    Table(&'static Table),
    /// A table whose keys are names that the author chooses.
    Named(&'static Kind),
    /// A table whose keys are addresses, with a line of text for each.
    Addresses,
    /// A table whose only key is the name of a driver.
    OneDriver(&'static [Driver]),
    /// A table whose keys are the names of drivers.
    Drivers(&'static [Driver]),
}

/// A word of a choice.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// The word as written in a board file.
    pub word: &'static str,
    /// The description of the word.
    pub doc: &'static str,
}

/// An interrupt space: a numbering of inputs of an interrupt controller.
#[derive(Debug)]
pub struct Space {
    /// The key that stands for the space in board files.
    pub word: &'static str,
    /// A description of the numbers in the space.
    pub doc: &'static str,
    /// The controller's own number of the space's input 0.
    pub first: u32,
    /// The largest possible number of inputs.
    pub count: u32,
}

/// A driver with its properties.
#[derive(Debug)]
pub struct Driver {
    /// The driver's name.
    pub name: &'static str,
    /// The table of its properties.
    pub kind: &'static Kind,
    /// Returns the architectures that have such a part; `None` if all do.
    pub architectures: fn() -> Option<&'static [Architecture]>,
    /// The interrupt spaces of the driver's inputs; empty unless it drives an interrupt controller.
    pub spaces: &'static [Space],
}

impl Driver {
    /// Returns whether a board of this architecture can select the driver; true if the architecture
    /// is unknown.
    pub(crate) fn is_for(&self, architecture: Option<Architecture>) -> bool {
        let fits = (self.architectures)();
        architecture.is_none_or(|one| fits.is_none_or(|fits| fits.contains(&one)))
    }

    /// Returns the architectures as a sentence; `None` if the driver exists on all of them.
    pub fn fits(&self) -> Option<String> {
        let names = (self.architectures)()?.iter().map(|one| format!("`{one}`"));
        Some(format!("On {}.", names.collect::<Vec<_>>().join(", ")))
    }
}

/// The path of the documentation page on writing a driver.
pub(crate) const NEW_DRIVER: &str = "docs/new-driver.md shows how to write a driver";

/// Returns the names of the drivers that a board of this architecture can select.
pub(crate) fn offered(drivers: &[Driver], architecture: Option<Architecture>) -> Vec<&'static str> {
    let fit = drivers.iter().filter(|driver| driver.is_for(architecture));
    fit.map(|driver| driver.name).collect()
}

impl Kind {
    /// Returns a description of the expected value, with an example, to follow "must be".
    pub fn expected(&self) -> String {
        match self {
            Self::Address => "an address, such as 0x1234_5000".to_owned(),
            Self::Port => "an I/O port, such as 0x3F8".to_owned(),
            Self::Size => "a size, such as \"64 KiB\" or 0x1_0000".to_owned(),
            Self::Frequency => "a frequency, such as \"62.5 MHz\"".to_owned(),
            Self::Interrupt => "an interrupt, such as { spi = 1 }".to_owned(),
            Self::Number { least, greatest } if least == greatest => least.to_string(),
            Self::Number {
                least,
                greatest: u32::MAX,
            } => format!("a number from {least} on"),
            Self::Number { least, greatest } => format!("a number from {least} to {greatest}"),
            Self::Text => "a line of text in quotes".to_owned(),
            Self::Name => "a name in quotes".to_owned(),
            Self::Choice(choices) => {
                let words = choices.iter().map(|choice| format!("\"{}\"", choice.word));
                format!("one of {}", words.collect::<Vec<_>>().join(", "))
            }
            Self::List(_) => "a list, such as [\"a\", \"b\"]".to_owned(),
            Self::Table(table) => {
                let required = table
                    .keys
                    .iter()
                    .filter(|key| key.presence == Presence::Required)
                    .map(|key| format!("{} = ...", key.name));
                match required.collect::<Vec<_>>().join(", ") {
                    none if none.is_empty() => "a table".to_owned(),
                    keys => format!("a table, such as {{ {keys} }}"),
                }
            }
            Self::Named(_) => "a table of named entries".to_owned(),
            Self::Addresses => "a table of addresses".to_owned(),
            Self::OneDriver(drivers) | Self::Drivers(drivers) => {
                let names = drivers.iter().map(|driver| format!("`{}`", driver.name));
                format!(
                    "a table for a driver: {}",
                    names.collect::<Vec<_>>().join(" or ")
                )
            }
        }
    }

    /// Returns the kind of the values of key `name` in such a table, if it is known.
    pub(crate) fn inside(&self, key: &str) -> Option<&'static Self> {
        match self {
            Self::Table(table) => table
                .keys
                .iter()
                .find(|known| known.name == key)
                .map(|known| known.kind),
            Self::Named(kind) => Some(kind),
            Self::OneDriver(drivers) | Self::Drivers(drivers) => drivers
                .iter()
                .find(|driver| driver.name == key)
                .map(|driver| driver.kind),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::{Description, FileKeys};

    fn check(table: &Table) {
        assert!(!table.doc.trim().is_empty());
        for key in table.keys {
            assert!(
                key.name
                    .chars()
                    .all(|c| c == '-' || c.is_ascii_alphanumeric()),
                "{}",
                key.name
            );
            assert!(!key.doc.trim().is_empty(), "{}", key.name);
            check_kind(key.kind);
        }
    }

    fn check_kind(kind: &Kind) {
        assert!(!kind.expected().is_empty());
        match kind {
            Kind::Table(table) => check(table),
            Kind::Named(kind) | Kind::List(kind) => check_kind(kind),
            Kind::OneDriver(drivers) | Kind::Drivers(drivers) => {
                for driver in *drivers {
                    assert!(matches!(driver.kind, Kind::Table(_)), "{}", driver.name);
                    check_kind(driver.kind);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn every_key_is_named_in_kebab_case_and_explained() {
        check(&FileKeys::TABLE);
        check(&Description::TABLE);
    }
}
