//! Describes the exception in `mcause` or `scause` (tables 3.6 and 10.2).

use core::fmt;

/// The cause is an interrupt.
const INTERRUPT: usize = 1 << (usize::BITS - 1);

/// A value of the cause register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cause(pub(super) usize);

impl Cause {
    /// Returns whether the trap value is the accessed address.
    pub(super) const fn has_address(self) -> bool {
        matches!(self.0, 0 | 1 | 4..=7 | 12 | 13 | 15)
    }

    const fn name(self) -> &'static str {
        match self.0 {
            0 => "misaligned program counter",
            1 => "instruction access fault",
            2 => "illegal instruction",
            3 => "breakpoint",
            4 => "misaligned load",
            5 => "load access fault",
            6 => "misaligned store",
            7 => "store access fault",
            8..=11 => "call to firmware",
            12 => "instruction page fault",
            13 => "load page fault",
            15 => "store page fault",
            16 => "double trap",
            18 => "software check",
            19 => "hardware error",
            _ => "exception of an unknown cause",
        }
    }

    /// Returns the kind of access, for a message.
    const fn access(self) -> &'static str {
        match self.0 {
            0 | 1 | 12 => "executing",
            4 | 5 | 13 => "reading from",
            _ => "writing to",
        }
    }

    /// Writes the cause; `value` is the trap value.
    pub(super) fn describe(self, value: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 & INTERRUPT != 0 {
            let number = self.0 & !INTERRUPT;
            return write!(f, "interrupt {number} while interrupts are masked");
        }
        f.write_str(self.name())?;
        if self.has_address() {
            write!(f, ", {} {value:#x}", self.access())?;
        } else if self.0 == 2 && value != 0 {
            write!(f, " {value:#x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::String;

    struct Described(usize, usize);

    impl fmt::Display for Described {
        #[cold]
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            Cause(self.0).describe(self.1, f)
        }
    }

    fn text(cause: usize, value: usize) -> String {
        format!("{}", Described(cause, value))
    }

    #[test]
    fn a_fault_shows_the_access_and_the_address() {
        assert_eq!(text(13, 0x10), "load page fault, reading from 0x10");
        assert_eq!(text(7, 0x20), "store access fault, writing to 0x20");
        assert_eq!(text(12, 0), "instruction page fault, executing 0x0");
    }

    #[test]
    fn an_illegal_instruction_is_shown_if_known() {
        assert_eq!(text(2, 0), "illegal instruction");
        assert_eq!(text(2, 0xc000), "illegal instruction 0xc000");
    }

    #[test]
    fn an_interrupt_shows_its_number() {
        let timer = INTERRUPT | 7;
        assert_eq!(text(timer, 0), "interrupt 7 while interrupts are masked");
    }

    #[test]
    fn every_cause_has_a_description() {
        for cause in 0..64 {
            assert!(!text(cause, 0).is_empty());
        }
    }
}
