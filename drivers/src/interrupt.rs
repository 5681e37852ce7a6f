//! Interrupts, and what every interrupt controller does.

use crate::address::PhysicalAddress;

/// How a line asks for attention.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trigger {
    /// Asserted for as long as the device has something to say.
    Level,
    /// One pulse for each event.
    Edge,
    /// The same as [`Level`](Self::Level), asserted where the line is low.
    LevelLow,
    /// The same as [`Edge`](Self::Edge), the line being high in between.
    EdgeFalling,
}

impl Trigger {
    /// Whether the line stays asserted for as long as the device has something to say.
    #[must_use]
    pub const fn is_level(self) -> bool {
        matches!(self, Self::Level | Self::LevelLow)
    }

    /// Whether the line is asserted where it is low.
    #[must_use]
    pub const fn is_low(self) -> bool {
        matches!(self, Self::LevelLow | Self::EdgeFalling)
    }

    /// The word for it in a board file.
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
    /// The controller's own number for it: an INTID on a GIC, a source on a PLIC.
    pub number: u32,
    /// How the line is wired.
    pub trigger: Trigger,
}

impl Interrupt {
    /// The input `number`, asserted for as long as its device has something to say.
    #[must_use]
    pub const fn level(number: u32) -> Self {
        Self {
            number,
            trigger: Trigger::Level,
        }
    }

    /// The input `number`, pulsed once for each event.
    #[must_use]
    pub const fn edge(number: u32) -> Self {
        Self {
            number,
            trigger: Trigger::Edge,
        }
    }

    /// The same as [`level`](Self::level), asserted where the line is low.
    #[must_use]
    pub const fn level_low(number: u32) -> Self {
        Self {
            number,
            trigger: Trigger::LevelLow,
        }
    }

    /// The same as [`edge`](Self::edge), the line being high in between.
    #[must_use]
    pub const fn edge_falling(number: u32) -> Self {
        Self {
            number,
            trigger: Trigger::EdgeFalling,
        }
    }

    /// The input `count` after this one, wired alike.
    #[must_use]
    pub const fn after(self, count: u32) -> Self {
        Self {
            number: self.number + count,
            ..self
        }
    }
}

/// A message-signalled interrupt, as a device is to be told of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message {
    /// Where the device writes.
    pub address: PhysicalAddress,
    /// What it writes there.
    pub data: u32,
    /// The number that [`InterruptController::claim`] reports for it.
    pub number: u32,
}

/// An interrupt controller, with the processor's interface to it.
///
/// The kernel runs with interrupts masked and takes them one at a time from its loop: `claim`, mark
/// who has work, `complete`.
pub trait InterruptController {
    /// Whether an interrupt that was not claimed is pending no longer once its line, which is
    /// level-triggered, is not asserted any more. A controller for which that does not hold has every
    /// interrupt claimed.
    const PENDING_FOLLOWS_LINE: bool = false;

    /// Brings the controller to a known state: every line disabled, none pending, every priority
    /// let through, the processor's interface on.
    fn initialize(&mut self);

    /// Whether there is an input `number`: what is wired to any other is never heard of.
    fn has(&self, number: u32) -> bool {
        let _ = number;
        true
    }

    /// Lets `interrupt` through to this processor.
    fn enable(&mut self, interrupt: Interrupt);

    /// Holds back the interrupt `number`.
    fn disable(&mut self, number: u32);

    /// Takes the interrupt of highest priority that is pending, if there is one. Every number taken
    /// must be given to [`complete`](Self::complete) before the next is claimed.
    fn claim(&mut self) -> Option<u32>;

    /// Says that the interrupt `number` was seen to.
    fn complete(&mut self, number: u32);

    /// Sets one message aside for vector `vector` of the PCI function `requester` (bus, device and
    /// function in the bits of a PCI requester id) and lets it through, or `None` where the board
    /// delivers no messages or has none left.
    fn allocate_message(&mut self, requester: u16, vector: u16) -> Option<Message> {
        let _ = (requester, vector);
        None
    }
}
