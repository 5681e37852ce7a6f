//! The registers that the vectors save at an exception.

use core::fmt;

use super::fault::{Fault, Kind};

/// The processor mode of the kernel, in `CPSR`.
const SYSTEM_MODE: u32 = 0x1f;
/// The mask of the mode in `CPSR`.
const MODE: u32 = 0x1f;

/// The registers at an exception, in the order of `vectors.S`.
#[repr(C)]
#[derive(Clone, Debug)]
pub struct Registers {
    /// The registers r0 to r12.
    r: [u32; 13],
    /// The stack pointer.
    sp: u32,
    /// r14: the return address of the failing function, or of its last call.
    lr: u32,
    /// The address of the exception.
    pc: u32,
    /// The saved processor state.
    cpsr: u32,
    /// `DFSR` or `IFSR`: the fault status; 0 if the exception is not an abort.
    status: u32,
    /// `DFAR` or `IFAR`: the fault address.
    address: u32,
    /// Padding that keeps the stack aligned to 8 bytes.
    _pad: u32,
}

// `vectors.S` reserves a frame of this size.
const _: () = assert!(size_of::<Registers>() == 80);

impl Registers {
    /// Describes why the vector `vector` was taken.
    pub fn cause(&self, vector: usize) -> impl fmt::Display {
        Cause {
            vector,
            fault: self.fault(vector),
            address: self.address,
            is_nested: self.cpsr & MODE != SYSTEM_MODE,
        }
    }

    /// Returns the address of a failed access, for faults of this kind.
    #[must_use]
    pub fn fault_address(&self, vector: usize) -> Option<usize> {
        let fault = self.fault(vector)?;
        fault.has_address().then_some(self.address as usize)
    }

    fn fault(&self, vector: usize) -> Option<Fault> {
        let kind = match vector {
            3 => Kind::Instruction,
            4 => Kind::Data,
            _ => return None,
        };
        Some(Fault::new(kind, self.status))
    }

    /// Returns the address of the instruction that caused the exception.
    #[must_use]
    pub const fn program_counter(&self) -> usize {
        self.pc as usize
    }

    /// Returns the frame pointer of Thumb code.
    #[must_use]
    pub const fn frame_pointer(&self) -> usize {
        self.r[7] as usize
    }

    /// Returns the call that r14 returns to: the caller, if the program jumped to an invalid
    /// address. The lowest bit of r14 is set for Thumb, and a call instruction has 2 or 4 bytes.
    #[must_use]
    pub const fn last_call(&self) -> usize {
        (self.lr & !1).wrapping_sub(2) as usize
    }
}

impl fmt::Display for Registers {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, value) in self.r.iter().enumerate() {
            // Four per line fit into 80 columns.
            let end = if index % 4 == 3 { "\n" } else { "" };
            write!(f, "  r{index:<2} {value:#010x}{end}")?;
        }
        writeln!(
            f,
            "  sp  {:#010x}  lr  {:#010x}  pc  {:#010x}",
            self.sp, self.lr, self.pc
        )?;
        writeln!(
            f,
            "  cpsr {:#x}  fault status {:#x}  fault address {:#x}",
            self.cpsr, self.status, self.address
        )
    }
}

struct Cause {
    vector: usize,
    fault: Option<Fault>,
    address: u32,
    is_nested: bool,
}

impl fmt::Display for Cause {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.vector, self.fault) {
            (_, Some(fault)) => fault.describe(self.address, f)?,
            (0, _) => f.write_str("jump to the reset vector")?,
            (1, _) => f.write_str("undefined instruction")?,
            (2, _) => f.write_str("SVC instruction")?,
            (6, _) => f.write_str("interrupt (IRQ) while interrupts are masked")?,
            (7, _) => f.write_str("interrupt (FIQ) while interrupts are masked")?,
            _ => f.write_str("exception of an unknown kind")?,
        }
        if self.is_nested {
            f.write_str(", during a fault report")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    fn registers() -> Registers {
        let mut r = [0; 13];
        for (index, value) in r.iter_mut().enumerate() {
            *value = 0x100 + index as u32;
        }
        Registers {
            r,
            sp: 0x1000,
            lr: 0x2004,
            pc: 0x3000,
            cpsr: 0x1df,
            status: 0xa07,
            address: 0x10,
            _pad: 0,
        }
    }

    #[test]
    fn every_register_is_printed_within_80_columns() {
        let text = format!("{}", registers());
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        for index in 0..13 {
            let word = format!("r{index} ");
            assert!(text.contains(&word), "{word} is not in\n{text}");
            assert!(text.contains(&format!("{:#010x}", 0x100 + index)));
        }
        assert!(text.contains("sp  0x00001000  lr  0x00002004  pc  0x00003000"));
    }

    #[test]
    fn a_data_abort_shows_its_address() {
        let registers = registers();
        let cause = format!("{}", registers.cause(4));
        assert_eq!(cause, "data abort, writing to 0x10: not mapped (level 3)");
        assert_eq!(registers.fault_address(4), Some(0x10));
    }

    #[test]
    fn an_undefined_instruction_is_not_explained_by_a_stale_abort() {
        let registers = registers();
        assert_eq!(format!("{}", registers.cause(1)), "undefined instruction");
        assert_eq!(registers.fault_address(1), None);
    }

    #[test]
    fn a_fault_during_a_report_is_described_as_such() {
        let registers = Registers {
            cpsr: 0x1d7,
            ..registers()
        };
        let cause = format!("{}", registers.cause(4));
        assert!(cause.ends_with("during a fault report"), "{cause}");
    }

    #[test]
    fn every_vector_has_a_description() {
        for vector in 0..8 {
            assert!(!format!("{}", registers().cause(vector)).is_empty());
        }
    }
}
