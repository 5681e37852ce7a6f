//! The registers that the exception handler saves.

use core::fmt;

use super::fault::Fault;

/// The exception number of a HardFault.
const HARD_FAULT: usize = 3;
/// `EXC_RETURN`: the exception was taken from code that used the process stack: the kernel, and not a
/// fault report.
const FROM_PROCESS_STACK: u32 = 1 << 2;

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
    /// The processor state.
    xpsr: u32,
    /// `CFSR`: the fault status.
    status: u32,
    /// `HFSR`: why it became a HardFault.
    hard: u32,
    /// `MMFAR`: the address that the MPU refused.
    mpu_address: u32,
    /// `BFAR`: the address that the bus refused.
    bus_address: u32,
    /// `EXC_RETURN`: what the exception interrupted.
    exception_return: u32,
}

// `vectors.S` reserves a frame of this size.
const _: () = assert!(size_of::<Registers>() == 88);

impl Registers {
    fn fault(&self) -> Fault {
        Fault {
            status: self.status,
            hard: self.hard,
            mpu_address: self.mpu_address,
            bus_address: self.bus_address,
        }
    }

    /// Describes why the exception number `vector` was taken.
    pub fn cause(&self, vector: usize) -> impl fmt::Display {
        Cause {
            vector,
            fault: self.fault(),
            is_nested: self.exception_return & FROM_PROCESS_STACK == 0,
        }
    }

    /// Returns the address of a failed access, if it is known. If the registers could not be saved,
    /// it is where they would have been saved.
    #[must_use]
    pub fn fault_address(&self, vector: usize) -> Option<usize> {
        if vector != HARD_FAULT {
            return None;
        }
        let fault = self.fault();
        let address = match fault.address() {
            None if self.lost_registers() => Some(self.sp.wrapping_sub(32)),
            address => address,
        };
        address.map(|address| address as usize)
    }

    /// Returns whether the registers could not be saved on the stack. Version 6-M has no status, but then
    /// they are all reported as 0.
    fn lost_registers(&self) -> bool {
        self.fault().lost_registers() || (self.lr | self.pc | self.xpsr) == 0
    }

    /// Returns the address of the instruction that caused the exception; 0 if it is not known,
    /// because the registers could not be saved.
    #[must_use]
    pub const fn program_counter(&self) -> usize {
        self.pc as usize
    }

    /// Returns the frame pointer.
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
            "  xpsr {:#x}  fault status {:#x}, {:#x}  addresses {:#x}, {:#x}",
            self.xpsr, self.status, self.hard, self.mpu_address, self.bus_address
        )
    }
}

struct Cause {
    vector: usize,
    fault: Fault,
    is_nested: bool,
}

impl fmt::Display for Cause {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.vector {
            2 => f.write_str("non-maskable interrupt")?,
            HARD_FAULT..=6 => self.fault.describe(f)?,
            11 => f.write_str("SVC instruction")?,
            vector => write!(f, "exception {vector} while interrupts are masked")?,
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
            lr: 0x2005,
            pc: 0x3000,
            xpsr: 0x100_0000,
            status: 0x82,
            hard: 1 << 30,
            mpu_address: 0x10,
            bus_address: 0x10,
            exception_return: 0xffff_fffd,
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
        assert!(text.contains("sp  0x00001000  lr  0x00002005  pc  0x00003000"));
    }

    #[test]
    fn a_refused_access_shows_its_address() {
        let registers = registers();
        let cause = format!("{}", registers.cause(3));
        assert_eq!(cause, "access that is not allowed: 0x10");
        assert_eq!(registers.fault_address(3), Some(0x10));
        assert_eq!(registers.last_call(), 0x2002);
    }

    #[test]
    fn a_stack_without_room_for_the_registers_is_the_address() {
        let registers = Registers {
            status: 1 << 4,
            ..registers()
        };
        assert_eq!(registers.fault_address(3), Some(0x1000 - 32));
    }

    #[test]
    fn a_fault_during_a_report_is_described_as_such() {
        let registers = Registers {
            exception_return: 0xffff_fff9,
            ..registers()
        };
        let cause = format!("{}", registers.cause(3));
        assert!(cause.ends_with("during a fault report"), "{cause}");
    }

    #[test]
    fn every_vector_has_a_description() {
        for vector in 0..64 {
            assert!(!format!("{}", registers().cause(vector)).is_empty());
        }
    }
}
