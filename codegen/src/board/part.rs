//! A part of a board in the form that the emitters use: its content for each generated file.

use super::{Interrupt, Range};

/// A part with all defaults applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The key path of the part's table, as `console.pl011`.
    pub key: String,
    /// A description of the part in one line, for readers.
    pub card: String,
    /// The part's driver and configuration for `board.rs`.
    pub code: Code,
    /// The part's registers, for a debugger.
    pub registers: Vec<Block>,
    /// The part's values for the entry code, by name: settings that only the most privileged level
    /// can make.
    pub entry: Vec<(&'static str, u64)>,
}

/// A driver with its configuration for `board.rs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// The imports: modules of `vmos_drivers`, each with a name in it; `self` stands for the
    /// module.
    pub imports: Vec<(&'static str, &'static str)>,
    /// The type of the driver in Rust.
    pub driver: String,
    /// The type of the driver's configuration in Rust.
    pub config_type: String,
    /// The value of the driver's configuration.
    pub config: Value,
    /// The traits that the driver requires of the processor's type.
    pub processor: Vec<&'static str>,
}

/// A value in the source text of `board.rs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A path or another expression, written unchanged.
    Path(String),
    /// A number written in hexadecimal, such as a size or a register's value.
    Hexadecimal(u64),
    /// A number written in decimal, such as a count or a frequency.
    Decimal(u64),
    /// The physical address of a register.
    Address(u64),
    /// A range of addresses, written as the constant of its claim if it has one.
    Range(Range),
    /// The first address of a range, written as a field of the constant of its claim if it has one.
    Base(Range),
    /// A range of ports: the first port, and their number.
    Ports(u16, u64),
    /// An input of the interrupt controller.
    Interrupt(Interrupt),
    /// An optional value, written as `Some(...)` or `None`.
    Optional(Option<Box<Self>>),
    /// A structure: its path and its fields.
    Structure(String, Vec<(&'static str, Self)>),
    /// A list of short values, such as numbers.
    List(Vec<Self>),
    /// A list of structures.
    Rows(Vec<Self>),
    /// A tuple of two values.
    Pair(Box<Self>, Box<Self>),
    /// A call of a function with one argument.
    Call(String, Box<Self>),
}

impl Value {
    /// Returns a structure with this path and these fields.
    pub(crate) fn structure(path: &str, fields: Vec<(&'static str, Self)>) -> Self {
        Self::Structure(path.to_owned(), fields)
    }

    /// Returns a path as a value.
    pub(crate) fn path(path: &str) -> Self {
        Self::Path(path.to_owned())
    }

    /// Returns an optional value.
    pub(crate) fn optional(value: Option<Self>) -> Self {
        Self::Optional(value.map(Box::new))
    }
}

/// A block of registers of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The key with the device's address in the description.
    pub key: String,
    /// The address of the block.
    pub base: u64,
    /// The registers of the block whose reading has no side effect.
    pub registers: Vec<Register>,
}

/// A register: its name in the device's manual, its offset, and its size in bytes.
pub type Register = (String, u64, u8);

impl Block {
    /// Creates a block of registers whose offsets are the same for every such device.
    pub(crate) fn fixed(key: &str, base: u64, registers: &[(&str, u64, u8)]) -> Self {
        let owned = |&(name, offset, width): &(&str, u64, u8)| (name.to_owned(), offset, width);
        Self {
            key: key.to_owned(),
            base,
            registers: registers.iter().map(owned).collect(),
        }
    }
}
