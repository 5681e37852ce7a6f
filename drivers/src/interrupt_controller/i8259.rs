//! The two 8259 interrupt controllers that a PC has from of old, which are to be silent.
//!
//! Intel 8259A data sheet (231468-003).

use crate::mmio::Registers;

/// The port of ICW1, and the one of the words that follow and of the mask.
const COMMAND: usize = 0;
const DATA: usize = 1;

/// ICW1: initialise, and ICW4 follows.
const INITIALISE: u8 = 0x11;
/// ICW2: the vectors, which must not be the processor's own: an interrupt that has gone before it was
/// taken comes though all are masked.
const VECTORS: u8 = 0xf0;
/// ICW3: the second one is at the first one's input 2.
const SECOND_AT: u8 = 1 << 2;
const SECOND_IS: u8 = 2;
/// ICW4: it serves an 8086.
const FOR_8086: u8 = 1;
/// OCW1: every input is masked.
const ALL: u8 = 0xff;

/// Both of them.
pub(super) struct I8259<R> {
    primary: R,
    secondary: R,
}

impl<R: Registers> I8259<R> {
    /// The ones behind these registers.
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
