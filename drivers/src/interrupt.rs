//! Interrupts, and the interface of interrupt controllers.

use crate::address::PhysicalAddress;

/// How a line signals an interrupt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trigger {
    /// Level-triggered, active high: asserted while the device needs attention.
    Level,
    /// Edge-triggered, rising: one pulse for each event.
    Edge,
    /// Level-triggered, active low: asserted while the device needs attention.
    LevelLow,
    /// Edge-triggered, falling: one pulse for each event.
    EdgeFalling,
}

impl Trigger {
    /// Returns whether the line is level-triggered.
    #[must_use]
    pub const fn is_level(self) -> bool {
        matches!(self, Self::Level | Self::LevelLow)
    }

    /// Returns whether the line is active low or falling.
    #[must_use]
    pub const fn is_low(self) -> bool {
        matches!(self, Self::LevelLow | Self::EdgeFalling)
    }

    /// Returns the trigger's name in board files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Level => "level",
            Self::Edge => "edge",
            Self::LevelLow => "level-low",
            Self::EdgeFalling => "edge-falling",
        }
    }
}

/// One input of the board's interrupt controller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interrupt {
    /// The controller's own number: an INTID on a GIC, a source on a PLIC.
    pub number: u32,
    /// How the line is triggered.
    pub trigger: Trigger,
}

impl Interrupt {
    /// Returns the input `number`, level-triggered, active high.
    #[must_use]
    pub const fn level(number: u32) -> Self {
        Self {
            number,
            trigger: Trigger::Level,
        }
    }

    /// Returns the input `number`, edge-triggered, rising.
    #[must_use]
    pub const fn edge(number: u32) -> Self {
        Self {
            number,
            trigger: Trigger::Edge,
        }
    }

    /// Returns the input `number`, level-triggered, active low.
    #[must_use]
    pub const fn level_low(number: u32) -> Self {
        Self {
            number,
            trigger: Trigger::LevelLow,
        }
    }

    /// Returns the input `number`, edge-triggered, falling.
    #[must_use]
    pub const fn edge_falling(number: u32) -> Self {
        Self {
            number,
            trigger: Trigger::EdgeFalling,
        }
    }

    /// Returns the input `count` numbers higher, with the same trigger.
    #[must_use]
    pub const fn after(self, count: u32) -> Self {
        Self {
            number: self.number + count,
            ..self
        }
    }
}

/// A message-signalled interrupt, as programmed into a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message {
    /// The address that the device writes to.
    pub address: PhysicalAddress,
    /// The value that the device writes.
    pub data: u32,
    /// The number that [`InterruptController::claim`] reports for the message.
    pub number: u32,
}

/// An interrupt controller, including the processor's interface to it.
///
/// The kernel runs with interrupts masked and takes them one at a time from its event loop:
/// `claim`, mark the driver as ready, `complete`.
pub trait InterruptController {
    /// Whether a level-triggered interrupt that was not claimed stops being pending when its line
    /// is deasserted. If not, every interrupt must be claimed.
    const PENDING_FOLLOWS_LINE: bool = false;

    /// If the driver drives several controllers of a kind, the difference between the numbers of
    /// an input of one and of the same input of the next one; otherwise 0.
    const CONTROLLER_STRIDE: u32 = 0;

    /// Initializes the controller: all lines disabled, none pending, all priorities unmasked, the
    /// processor's interface enabled.
    fn initialize(&mut self);

    /// Returns whether the controller has an input `number`. An interrupt of any other number is
    /// never delivered.
    fn has(&self, number: u32) -> bool {
        let _ = number;
        true
    }

    /// Returns whether an interrupt is pending that another processor has passed on to this one.
    #[inline]
    fn is_relayed(&self) -> bool {
        false
    }

    /// Enables `interrupt` for this processor.
    fn enable(&mut self, interrupt: Interrupt);

    /// Disables the interrupt `number`.
    fn disable(&mut self, number: u32);

    /// Takes the pending interrupt of highest priority, if there is one. Every claimed number must
    /// be passed to [`complete`](Self::complete) before the next claim.
    ///
    /// `None` does not mean that none is pending: an interrupt without an owner, or one that only had to
    /// be acknowledged, ends the claim, and the next one finds those that are still pending.
    fn claim(&mut self) -> Option<u32>;

    /// Completes the interrupt `number`, after its handling.
    fn complete(&mut self, number: u32);

    /// Allocates and enables a message for vector `vector` of the PCI function `requester` (bus,
    /// device and function as in a PCI requester ID). Returns `None` if the board supports no
    /// messages or has none left.
    fn allocate_message(&mut self, requester: u16, vector: u16) -> Option<Message> {
        let _ = (requester, vector);
        None
    }
}
