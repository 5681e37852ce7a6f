//! What the emitters see of the parts of each class.

use super::{Code, Interrupt, Part, Value};

/// The console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Console {
    /// The part.
    pub part: Part,
    /// What it raises.
    pub interrupt: Option<Interrupt>,
}

/// The timer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// The part.
    pub part: Part,
    /// What it raises: an input of the controller, or a name that the controller's driver gives it.
    pub interrupt: Value,
}

/// The interrupt controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterruptController {
    /// The part.
    pub part: Part,
    /// What its manual calls the number of an input: "INTID".
    pub number: &'static str,
    /// Its inputs as its manual counts them, in rows.
    pub lines: Vec<Lines>,
}

/// A row of inputs of an interrupt controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    /// What they are called: "SPI".
    pub word: &'static str,
    /// The controller's own number of the one that is 0 in the row.
    pub first: u32,
    /// Their number.
    pub count: u32,
}

/// A means to stop the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Power {
    /// The part.
    pub part: Part,
    /// Whether QEMU makes another exit status of the one that the kernel gives: 2 v + 1 of v.
    pub doubles_status: bool,
}

/// A part that a board need not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Optional {
    /// The part, where the board has it.
    pub part: Option<Part>,
    /// A driver that is never made, for the type that stands there where the board has none.
    pub absent: Code,
}
