//! Describes an exception (SDM volume 3A, section 6.15).

use core::fmt;

/// The vector of a page fault.
pub(super) const PAGE_FAULT: usize = 14;
/// The offset added to the vector of an exception during a fault report.
pub(super) const IN_REPORT: usize = 0x100;

/// The error code of a page fault (section 4.7): the page is mapped, but without this permission.
const NOT_PERMITTED: u64 = 1 << 0;
const WRITE: u64 = 1 << 1;
const RESERVED: u64 = 1 << 3;
const EXECUTE: u64 = 1 << 4;

/// The processor's information about an exception.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Exception {
    pub(super) vector: usize,
    pub(super) error: u64,
    /// `CR2`: the address of a failed access.
    pub(super) address: u64,
}

impl Exception {
    const fn name(self) -> &'static str {
        match self.vector % IN_REPORT {
            0 => "division error",
            1 => "debug exception",
            3 => "breakpoint instruction",
            4 => "overflow",
            5 => "bound exceeded",
            6 => "undefined instruction",
            7 => "floating point or SIMD instruction while these are off",
            8 => "double fault",
            10 => "invalid task state segment",
            11 => "segment not present",
            12 => "stack fault: the address is not canonical",
            13 => "general protection fault",
            PAGE_FAULT => "page fault",
            16 => "floating point exception",
            17 => "misaligned access",
            18 => "machine check",
            19 => "SIMD floating point exception",
            20 => "virtualization exception",
            21 => "control protection exception",
            _ => "exception of an unknown kind",
        }
    }

    /// Returns whether this is a page fault.
    pub(super) const fn is_page_fault(self) -> bool {
        self.vector % IN_REPORT == PAGE_FAULT
    }

    /// Returns the kind of access of a page fault, for a message.
    const fn access(self) -> &'static str {
        match self.error {
            error if error & EXECUTE != 0 => "executing",
            error if error & WRITE != 0 => "writing to",
            _ => "reading from",
        }
    }

    /// Returns the reason of a page fault.
    const fn reason(self) -> &'static str {
        match self.error {
            error if error & RESERVED != 0 => "its table entry has reserved bits set",
            error if error & NOT_PERMITTED != 0 => "not permitted",
            _ => "not mapped",
        }
    }
}

impl fmt::Display for Exception {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        if self.is_page_fault() {
            let (access, reason) = (self.access(), self.reason());
            write!(f, ", {access} {:#x}: {reason}", self.address)?;
        } else if self.error != 0 {
            write!(f, " (error {:#x})", self.error)?;
        }
        if self.vector >= IN_REPORT {
            f.write_str(", during a fault report")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::String;

    fn text(vector: usize, error: u64) -> String {
        let exception = Exception {
            vector,
            error,
            address: 0x10,
        };
        format!("{exception}")
    }

    #[test]
    fn a_page_fault_shows_the_access_and_the_reason() {
        assert_eq!(text(14, 0), "page fault, reading from 0x10: not mapped");
        assert_eq!(text(14, 3), "page fault, writing to 0x10: not permitted");
        assert_eq!(text(14, 0x11), "page fault, executing 0x10: not permitted");
        assert!(text(14, 9).ends_with("its table entry has reserved bits set"));
    }

    #[test]
    fn an_undefined_instruction_has_no_address() {
        assert_eq!(text(6, 0), "undefined instruction");
    }

    #[test]
    fn an_error_code_is_shown() {
        assert_eq!(text(13, 0x18), "general protection fault (error 0x18)");
    }

    #[test]
    fn a_fault_during_a_report_is_described_as_such() {
        let fault = text(14 + IN_REPORT, 0);
        assert!(
            fault.starts_with("page fault, reading from 0x10"),
            "{fault}"
        );
        assert!(fault.ends_with("during a fault report"), "{fault}");
    }

    #[test]
    fn every_exception_has_a_description() {
        for vector in 0..32 {
            assert!(!text(vector, 0).is_empty());
        }
    }
}
