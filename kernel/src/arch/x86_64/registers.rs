//! The registers that the vectors save at an exception.

use core::fmt;

use super::exception::Exception;

/// The registers at an exception, in the order of `vectors.S`.
#[repr(C)]
#[derive(Clone, Debug)]
pub struct Registers {
    cr2: u64,
    r15: u64,
    r14: u64,
    r13: u64,
    r12: u64,
    r11: u64,
    r10: u64,
    r9: u64,
    r8: u64,
    rbp: u64,
    rsi: u64,
    rdx: u64,
    rcx: u64,
    rbx: u64,
    rax: u64,
    rdi: u64,
    /// The error code of some exceptions; 0 for the others.
    error: u64,
    rip: u64,
    cs: u64,
    rflags: u64,
    rsp: u64,
    ss: u64,
}

// `vectors.S` reserves a frame of this size, and reads the stack pointer at this offset.
const _: () = assert!(size_of::<Registers>() == 176);
const _: () = assert!(core::mem::offset_of!(Registers, rsp) == 160);

impl Registers {
    /// Describes why the vector `vector` was taken.
    pub fn cause(&self, vector: usize) -> impl fmt::Display {
        self.exception(vector)
    }

    /// Returns the address of a failed access, for faults of this kind.
    #[must_use]
    pub fn fault_address(&self, vector: usize) -> Option<usize> {
        self.exception(vector)
            .is_page_fault()
            .then_some(self.cr2 as usize)
    }

    const fn exception(&self, vector: usize) -> Exception {
        Exception {
            vector,
            error: self.error,
            address: self.cr2,
        }
    }

    /// Returns the address of the instruction that caused the exception.
    #[must_use]
    pub const fn program_counter(&self) -> usize {
        self.rip as usize
    }

    /// Returns the frame pointer.
    #[must_use]
    pub const fn frame_pointer(&self) -> usize {
        self.rbp as usize
    }

    /// Returns the address of the call that the program returns to next: the caller, if it jumped
    /// to an invalid address.
    #[cfg(target_os = "none")]
    #[must_use]
    pub fn last_call(&self) -> usize {
        let return_address = super::backtrace::word_on_stack(self.rsp as usize);
        return_address.unwrap_or_default().wrapping_sub(1)
    }
}

impl fmt::Display for Registers {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registers = [
            ("rax", self.rax),
            ("rbx", self.rbx),
            ("rcx", self.rcx),
            ("rdx", self.rdx),
            ("rsi", self.rsi),
            ("rdi", self.rdi),
            ("rbp", self.rbp),
            ("rsp", self.rsp),
            ("r8", self.r8),
            ("r9", self.r9),
            ("r10", self.r10),
            ("r11", self.r11),
            ("r12", self.r12),
            ("r13", self.r13),
            ("r14", self.r14),
            ("r15", self.r15),
            ("rip", self.rip),
            ("cr2", self.cr2),
        ];
        for (index, (name, value)) in registers.into_iter().enumerate() {
            // Three per line fit into 80 columns.
            let end = if index % 3 == 2 { "\n" } else { "" };
            write!(f, "  {name:<3} {value:#018x}{end}")?;
        }
        writeln!(
            f,
            "  rflags {:#x}  error {:#x}  cs {:#x}  ss {:#x}",
            self.rflags, self.error, self.cs, self.ss
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    fn registers() -> Registers {
        Registers {
            cr2: 0x10,
            r15: 0x10f,
            r14: 0x10e,
            r13: 0x10d,
            r12: 0x10c,
            r11: 0x10b,
            r10: 0x10a,
            r9: 0x109,
            r8: 0x108,
            rbp: 0x105,
            rsi: 0x104,
            rdx: 0x103,
            rcx: 0x102,
            rbx: 0x101,
            rax: 0x100,
            rdi: 0x106,
            error: 2,
            rip: 0x2000,
            cs: 8,
            rflags: 0x10046,
            rsp: 0x1000,
            ss: 0x10,
        }
    }

    #[test]
    fn every_register_is_printed_within_80_columns() {
        let text = format!("{}", registers());
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        for value in 0x100..=0x10f {
            let value = format!("{value:#018x}");
            assert!(value.ends_with("107") || text.contains(&value), "{text}");
        }
        assert!(text.contains("rip 0x0000000000002000"), "{text}");
    }

    #[test]
    fn a_page_fault_tells_its_address() {
        let cause = format!("{}", registers().cause(14));
        assert_eq!(cause, "page fault, writing to 0x10: not mapped");
        assert_eq!(registers().fault_address(14), Some(0x10));
    }

    #[test]
    fn another_exception_is_not_explained_by_a_stale_address() {
        assert_eq!(registers().fault_address(13), None);
    }
}
