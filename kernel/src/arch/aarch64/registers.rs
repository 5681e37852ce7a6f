//! The registers that the vectors save at an exception.

use core::fmt;

use super::syndrome::Syndrome;

/// The registers at an exception, in the order of `vectors.S`.
#[repr(C)]
#[derive(Clone, Debug)]
pub struct Registers {
    /// The registers x0 to x30.
    x: [u64; 31],
    /// The stack pointer.
    sp: u64,
    /// `ELR_EL1`: the address of the exception.
    pc: u64,
    /// `SPSR_EL1`: the saved processor state.
    pstate: u64,
    /// `ESR_EL1`: the exception syndrome.
    esr: u64,
    /// `FAR_EL1`: the fault address, for some causes.
    far: u64,
}

// `vectors.S` reserves a frame of this size.
const _: () = assert!(size_of::<Registers>() == 288);

impl Registers {
    /// Describes why the vector `vector` was taken.
    pub fn cause(&self, vector: usize) -> impl fmt::Display {
        Cause {
            vector,
            syndrome: Syndrome(self.esr),
            address: self.far,
        }
    }

    /// Returns the address of a failed access, for faults of this kind.
    #[must_use]
    pub fn fault_address(&self, vector: usize) -> Option<usize> {
        let is_fault = is_synchronous(vector) && Syndrome(self.esr).has_address();
        is_fault.then_some(self.far as usize)
    }

    /// Returns the address of the instruction that caused the exception.
    #[must_use]
    pub const fn program_counter(&self) -> usize {
        self.pc as usize
    }

    /// Returns the frame pointer.
    #[must_use]
    pub const fn frame_pointer(&self) -> usize {
        self.x[29] as usize
    }

    /// Returns the call that x30 returns to: the caller, if the program jumped to an invalid
    /// address.
    #[must_use]
    pub const fn last_call(&self) -> usize {
        self.x[30].wrapping_sub(4) as usize
    }
}

impl fmt::Display for Registers {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, value) in self.x.iter().enumerate() {
            // Three per line fit into 80 columns.
            let end = if index % 3 == 2 { "\n" } else { "" };
            write!(f, "  x{index:<2} {value:#018x}{end}")?;
        }
        writeln!(f, "  sp  {:#018x}  pc  {:#018x}", self.sp, self.pc)?;
        writeln!(
            f,
            "  pstate {:#x}  esr {:#x}  far {:#x}",
            self.pstate, self.esr, self.far
        )
    }
}

/// Returns whether the vector is synchronous: then it was taken at the failing instruction. Each
/// combination of level and stack has four vectors: synchronous, IRQ, FIQ, SError.
const fn is_synchronous(vector: usize) -> bool {
    vector.is_multiple_of(4)
}

struct Cause {
    vector: usize,
    syndrome: Syndrome,
    address: u64,
}

impl fmt::Display for Cause {
    // The space before the vectors is large enough for it.
    #[cfg_attr(
        target_os = "none",
        // SAFETY: the section contains code, and is part of the image's code.
        unsafe(link_section = ".text.fault")
    )]
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.vector % 4 {
            1 => f.write_str("interrupt (IRQ) while interrupts are masked")?,
            2 => f.write_str("interrupt (FIQ) while interrupts are masked")?,
            _ => self.syndrome.describe(self.address, f)?,
        }
        match self.vector / 4 {
            0 => Ok(()),
            1 => f.write_str(", during a fault report"),
            _ => f.write_str(", from EL0, which the kernel does not use"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    fn registers() -> Registers {
        let mut x = [0; 31];
        for (index, value) in x.iter_mut().enumerate() {
            *value = 0x100 + index as u64;
        }
        Registers {
            x,
            sp: 0x1000,
            pc: 0x2000,
            pstate: 0x3c4,
            esr: 0x9600_0047,
            far: 0x10,
        }
    }

    #[test]
    fn every_register_is_printed_within_80_columns() {
        let text = format!("{}", registers());
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        for index in 0..31 {
            let word = format!("x{index} ");
            assert!(text.contains(&word), "{word} is not in\n{text}");
            assert!(text.contains(&format!("{:#018x}", 0x100 + index)));
        }
        assert!(text.contains("sp  0x0000000000001000  pc  0x0000000000002000"));
    }

    #[test]
    fn a_synchronous_exception_tells_its_syndrome() {
        let registers = registers();
        let cause = format!("{}", registers.cause(0));
        assert_eq!(cause, "data abort, writing to 0x10: not mapped (level 3)");
        assert_eq!(registers.fault_address(0), Some(0x10));
    }

    #[test]
    fn an_interrupt_is_not_explained_by_a_stale_syndrome() {
        let registers = registers();
        let cause = format!("{}", registers.cause(1));
        assert_eq!(cause, "interrupt (IRQ) while interrupts are masked");
        assert_eq!(registers.fault_address(1), None);
    }

    #[test]
    fn a_fault_during_a_report_is_described_as_such() {
        let cause = format!("{}", registers().cause(4));
        assert!(cause.ends_with("during a fault report"));
    }
}
