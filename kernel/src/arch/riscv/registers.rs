//! The registers that the vectors save at an exception.

use core::fmt;

use super::cause::Cause;

/// The ABI names of x1 to x31 (RISC-V ELF psABI 1.1, table 18.2).
const NAMES: [&str; 31] = [
    "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6",
    "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
];

/// The registers at an exception, in the order of `vectors.S`.
#[repr(C)]
#[derive(Clone, Debug)]
pub struct Registers {
    /// The registers x1 to x31.
    x: [usize; 31],
    /// `epc`: the address of the exception.
    pc: usize,
    /// `status`: the saved processor state.
    status: usize,
    /// `cause`: the cause of the exception.
    cause: usize,
    /// `tval`: the accessed address or the instruction, for some causes.
    value: usize,
}

// The frame in `vectors.S` is one word larger, because stacks are aligned.
const _: () = assert!(size_of::<Registers>() == 35 * size_of::<usize>());

impl Registers {
    /// Describes why the vector was taken; `nested` is 1 if that was during a fault report.
    pub fn cause(&self, nested: usize) -> impl fmt::Display {
        Description {
            nested: nested != 0,
            cause: Cause(self.cause),
            value: self.value,
        }
    }

    /// Returns the address of a failed access, for faults of this kind.
    #[must_use]
    pub fn fault_address(&self, _nested: usize) -> Option<usize> {
        Cause(self.cause).has_address().then_some(self.value)
    }

    /// Returns the address of the instruction that caused the exception.
    #[must_use]
    pub const fn program_counter(&self) -> usize {
        self.pc
    }

    /// Returns the frame pointer.
    #[must_use]
    pub const fn frame_pointer(&self) -> usize {
        self.x[7]
    }

    /// Returns the call that ra returns to: the caller, if the program jumped to an invalid
    /// address.
    #[must_use]
    pub const fn last_call(&self) -> usize {
        self.x[0].wrapping_sub(2)
    }
}

impl fmt::Display for Registers {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = 2 + 2 * size_of::<usize>();
        for (index, (name, value)) in NAMES.iter().zip(&self.x).enumerate() {
            // Three per line fit into 80 columns.
            let end = if index % 3 == 2 { "\n" } else { "" };
            write!(f, "  {name:<3} {value:#0width$x}{end}")?;
        }
        writeln!(f, "  pc  {:#0width$x}", self.pc)?;
        writeln!(
            f,
            "  status {:#x}  cause {:#x}  tval {:#x}",
            self.status, self.cause, self.value
        )
    }
}

struct Description {
    nested: bool,
    cause: Cause,
    value: usize,
}

impl fmt::Display for Description {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.describe(self.value, f)?;
        if self.nested {
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
        let mut x = [0; 31];
        for (index, value) in x.iter_mut().enumerate() {
            *value = 0x101 + index;
        }
        Registers {
            x,
            pc: 0x2000,
            status: 0x100,
            cause: 15,
            value: 0x10,
        }
    }

    #[test]
    fn every_register_is_printed_within_80_columns() {
        let text = format!("{}", registers());
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        for (index, name) in NAMES.iter().enumerate() {
            let value = format!("{:#018x}", 0x101 + index);
            assert!(text.contains(&format!("  {name:<3} {value}")), "{text}");
        }
        assert!(text.contains("  pc  0x0000000000002000"));
    }

    #[test]
    fn an_exception_shows_its_cause_and_address() {
        let registers = registers();
        let cause = format!("{}", registers.cause(0));
        assert_eq!(cause, "store page fault, writing to 0x10");
        assert_eq!(registers.fault_address(0), Some(0x10));
    }

    #[test]
    fn an_illegal_instruction_has_no_address() {
        let registers = Registers {
            cause: 2,
            ..registers()
        };
        assert_eq!(registers.fault_address(0), None);
    }

    #[test]
    fn a_fault_during_a_report_is_described_as_such() {
        let cause = format!("{}", registers().cause(1));
        assert!(cause.ends_with("during a fault report"));
    }

    #[test]
    fn the_frame_pointer_and_the_last_call_are_x8_and_x1() {
        let registers = registers();
        assert_eq!(registers.frame_pointer(), 0x108);
        assert_eq!(registers.last_call(), 0x101 - 2);
    }
}
