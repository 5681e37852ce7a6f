//! The parts of a board by class, in the form that the emitters use.

use super::{Code, Interrupt, Part, Value};

/// The console of a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Console {
    /// The description of the device and its driver.
    pub part: Part,
    /// The console's interrupt, or that of its receiver; `None` if it has none.
    pub interrupt: Option<Interrupt>,
    /// The interrupt of the transmitter, if it differs from that of the receiver.
    pub transmit: Option<Interrupt>,
}

/// The timer of a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// The description of the device and its driver.
    pub part: Part,
    /// The timer's interrupt: an input of the interrupt controller, or a constant of the
    /// controller's driver.
    pub interrupt: Value,
}

/// The interrupt controller of a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterruptController {
    /// The description of the device and its driver.
    pub part: Part,
    /// The word for the number of an input in the controller's manual, such as "INTID".
    pub number: &'static str,
    /// The inputs in rows, as the controller's manual numbers them.
    pub lines: Vec<Lines>,
    /// The harts that pass on their external interrupts to the kernel's hart in M mode.
    pub relays: Vec<Relay>,
}

/// A hart that passes on its external interrupts to the kernel's hart in M mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// The key path of the interrupt controller that delivers to the hart.
    pub key: String,
    /// The hart's number.
    pub hart: u32,
    /// The address of the register that raises the hart's software interrupt.
    pub msip: u64,
    /// The address of the register that raises the software interrupt of the kernel's hart.
    pub kernel: u64,
}

/// A row of inputs of an interrupt controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    /// The manual's word for the inputs of this row, such as "SPI".
    pub word: &'static str,
    /// The controller's own number of the row's input 0.
    pub first: u32,
    /// The number of inputs in the row.
    pub count: u32,
}

/// A means to stop the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Power {
    /// The description of the device and its driver.
    pub part: Part,
    /// Whether QEMU's exit status is 2 v + 1 if the kernel's is v.
    pub doubles_status: bool,
}

/// The Ethernet controller of a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ethernet {
    /// The description of the device and its driver.
    pub part: Part,
    /// The controller's interrupt; `None` if it has none.
    pub interrupt: Option<Interrupt>,
    /// The size of the kernel's stack in an image that uses the controller, in bytes; `None` if it is the
    /// same as in others.
    pub stack: Option<u64>,
}

/// A part that a board may lack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Optional {
    /// The part; `None` if the board lacks it.
    pub part: Option<Part>,
    /// The types for `board.rs` if the board lacks the part: a driver that is never instantiated.
    pub absent: Code,
}
