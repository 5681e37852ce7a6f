//! The two legacy 8259 interrupt controllers of a PC. The driver only masks them.
//!
//! Intel 8259A data sheet (231468-003).

use crate::mmio::Registers;

/// The offset of the port for ICW1, and of the port for the other words and the mask.
const COMMAND: usize = 0;
const DATA: usize = 1;

/// ICW1: initialize; ICW4 follows.
const INITIALISE: u8 = 0x11;
/// ICW2: the vectors. They must not be the processor's own, because a spurious interrupt can occur
/// even if all inputs are masked.
const VECTORS: u8 = 0xf0;
/// ICW3: the second controller is at input 2 of the first.
const SECOND_AT: u8 = 1 << 2;
const SECOND_IS: u8 = 2;
/// The offset of the port for ICW1, and that of the port for the other command words and the mask.
const FOR_8086: u8 = 1;
/// OCW1: masks every input.
const ALL: u8 = 0xff;

/// The driver for both 8259 controllers.
pub(super) struct I8259<R> {
    primary: R,
    secondary: R,
}

impl<R: Registers> I8259<R> {
    /// Creates the driver for these registers.
    pub(super) const fn new(primary: R, secondary: R) -> Self {
        Self { primary, secondary }
    }

    /// Masks every input.
    pub(super) fn silence(&mut self) {
        for (pic, cascade) in [(&self.primary, SECOND_AT), (&self.secondary, SECOND_IS)] {
            pic.write8(COMMAND, INITIALISE);
            for word in [VECTORS, cascade, FOR_8086, ALL] {
                pic.write8(DATA, word);
            }
        }
    }
}
