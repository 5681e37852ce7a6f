//! A part of a board as the emitters see it: what each generated file says of it.

use super::{Interrupt, Range};

/// A part, with nothing left unsaid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The key path of its table, as `console.pl011`.
    pub key: String,
    /// What it is, in a line for a person.
    pub card: String,
    /// What `board.rs` holds of its driver.
    pub code: Code,
    /// Its registers, for a debugger.
    pub registers: Vec<Block>,
    /// The part's values for the entry code, by name: what only the most privileged level can set up.
    pub entry: Vec<(&'static str, u64)>,
}

/// What `board.rs` holds of a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// What is imported: modules of `vmos_drivers`, and a name of each; `self` is the module itself.
    pub imports: Vec<(&'static str, &'static str)>,
    /// The driver's type.
    pub driver: String,
    /// The type of its configuration.
    pub config_type: String,
    /// The configuration.
    pub config: Value,
    /// The traits that the driver asks of the processor.
    pub processor: Vec<&'static str>,
}

/// A value in `board.rs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A path or another expression, as it is.
    Path(String),
    /// A number whose bits matter: a size, a register's value.
    Hexadecimal(u64),
    /// A number that counts.
    Decimal(u64),
    /// The physical address of a register.
    Address(u64),
    /// A range that the board claims, by its name where it has one.
    Range(Range),
    /// The first address of such a range.
    Base(Range),
    /// Ports, from one on.
    Ports(u16, u64),
    /// An input of the interrupt controller.
    Interrupt(Interrupt),
    /// A value that need not be there.
    Optional(Option<Box<Self>>),
    /// A structure: its path, its fields.
    Structure(String, Vec<(&'static str, Self)>),
    /// A list of short values.
    List(Vec<Self>),
    /// A list of structures.
    Rows(Vec<Self>),
    /// Two values.
    Pair(Box<Self>, Box<Self>),
    /// A function of one value.
    Call(String, Box<Self>),
}

impl Value {
    /// A structure, or an expression, by its path.
    pub(crate) fn structure(path: &str, fields: Vec<(&'static str, Self)>) -> Self {
        Self::Structure(path.to_owned(), fields)
    }

    /// A path.
    pub(crate) fn path(path: &str) -> Self {
        Self::Path(path.to_owned())
    }

    /// A value that need not be there.
    pub(crate) fn optional(value: Option<Self>) -> Self {
        Self::Optional(value.map(Box::new))
    }
}

/// A block of registers of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The key with the device's address in the description.
    pub key: String,
    /// The first address.
    pub base: u64,
    /// What there is, except what changes by being read.
    pub registers: Vec<Register>,
}

/// A register: its name in the device's manual, its offset, and its size in bytes.
pub type Register = (String, u64, u8);

impl Block {
    /// Registers that every such device has at the same offset.
    pub(crate) fn fixed(key: &str, base: u64, registers: &[(&str, u64, u8)]) -> Self {
        let owned = |&(name, offset, width): &(&str, u64, u8)| (name.to_owned(), offset, width);
        Self {
            key: key.to_owned(),
            base,
            registers: registers.iter().map(owned).collect(),
        }
    }
}
