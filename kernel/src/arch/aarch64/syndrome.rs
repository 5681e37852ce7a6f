//! Describes the exception in `ESR_EL1` (Arm DDI 0487, section D19.2.40).

use core::fmt;

/// Exception class: instruction abort from the current level.
const INSTRUCTION_ABORT: u64 = 0x21;
/// Exception class: data abort from the current level.
const DATA_ABORT: u64 = 0x25;
/// Exception class: misaligned program counter.
const PC_ALIGNMENT: u64 = 0x22;

/// Data abort: the access was a write.
const WRITE: u64 = 1 << 6;
/// Data abort: the access was a cache maintenance operation, neither a read nor a write.
const CACHE_MAINTENANCE: u64 = 1 << 8;
/// Abort: the fault address register is not valid.
const NO_ADDRESS: u64 = 1 << 10;

/// A value of `ESR_EL1`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Syndrome(pub(super) u64);

impl Syndrome {
    const fn class(self) -> u64 {
        self.0 >> 26 & 0x3f
    }

    /// Whether this is an abort, from this level or a lower one.
    const fn is_abort(self) -> bool {
        matches!(self.class(), 0x20 | INSTRUCTION_ABORT | 0x24 | DATA_ABORT)
    }

    /// Whether `FAR_EL1` contains the accessed address.
    pub(super) const fn has_address(self) -> bool {
        self.class() == PC_ALIGNMENT || self.is_abort() && self.0 & NO_ADDRESS == 0
    }

    /// Returns the kind of access, for a message.
    const fn access(self) -> &'static str {
        match self.class() {
            0x20 | INSTRUCTION_ABORT | PC_ALIGNMENT => "executing",
            _ if self.0 & CACHE_MAINTENANCE != 0 => "cache maintenance of",
            _ if self.0 & WRITE != 0 => "writing to",
            _ => "reading from",
        }
    }

    const fn class_name(self) -> &'static str {
        match self.class() {
            0x00 => "undefined instruction",
            0x01 => "trapped WFI or WFE",
            0x07 => "floating point or SIMD instruction while these are off",
            0x0a => "trapped load or store of 64 bytes",
            0x0d => "branch to an invalid target",
            0x0e => "illegal execution state",
            0x11 | 0x15 => "SVC instruction",
            0x12 | 0x16 => "HVC instruction",
            0x13 | 0x17 => "SMC instruction",
            0x18 => "trapped access to a system register",
            0x19 => "SVE instruction while it is off",
            0x1c => "pointer authentication failed",
            0x20 | INSTRUCTION_ABORT => "instruction abort",
            PC_ALIGNMENT => "misaligned program counter",
            0x24 | DATA_ABORT => "data abort",
            0x26 => "misaligned stack pointer",
            0x2c => "floating point exception",
            0x2f => "asynchronous abort (SError)",
            0x30 | 0x31 => "breakpoint",
            0x32 | 0x33 => "software step",
            0x34 | 0x35 => "watchpoint",
            0x3c => "BRK instruction",
            _ => "exception of an unknown class",
        }
    }

    /// Returns the fault status of an abort, and the translation level.
    const fn fault_status(self) -> (&'static str, Option<u64>) {
        let status = self.0 & 0x3f;
        let level = Some(status & 0b11);
        match status {
            0b00_0000..=0b00_0011 => ("address too large", level),
            0b00_0100..=0b00_0111 => ("not mapped", level),
            0b00_1000..=0b00_1011 => ("access flag is clear", level),
            0b00_1100..=0b00_1111 => ("not permitted", level),
            0b01_0000 => ("external abort: no device there", None),
            0b01_0001 => ("tag check failed", None),
            0b01_0100..=0b01_0111 => ("external abort on a translation table", level),
            0b01_1000 => ("memory error", None),
            0b01_1100..=0b01_1111 => ("memory error in a translation table", level),
            0b10_0001 => ("misaligned", None),
            0b11_0000 => ("conflict in the TLB", None),
            0b11_0001 => ("hardware update of a table not supported", None),
            0b11_0101 => ("exclusive or atomic access not supported there", None),
            _ => ("unknown fault status", None),
        }
    }

    /// Writes the exception class; for an abort, also the access, the address and the reason.
    pub(super) fn describe(self, address: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class_name())?;
        if self.has_address() {
            write!(f, ", {} {address:#x}", self.access())?;
        }
        if self.is_abort() {
            let (status, level) = self.fault_status();
            write!(f, ": {status}")?;
            if let Some(level) = level {
                write!(f, " (level {level})")?;
            }
        }
        if self.class() == 0x3c {
            write!(f, " {:#x}", self.0 & 0xffff)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::String;

    struct At(u64, u64);

    impl fmt::Display for At {
        #[cold]
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            Syndrome(self.0).describe(self.1, f)
        }
    }

    fn text(syndrome: u64, address: u64) -> String {
        format!("{}", At(syndrome, address))
    }

    #[test]
    fn a_write_to_a_missing_page_is_described_with_its_address() {
        assert_eq!(
            text(0x9600_0047, 0x10),
            "data abort, writing to 0x10: not mapped (level 3)"
        );
    }

    #[test]
    fn a_read_without_permission_is_distinguished_from_a_write() {
        assert_eq!(
            text(0x9600_000e, 0x1234_5678),
            "data abort, reading from 0x12345678: not permitted (level 2)"
        );
    }

    #[test]
    fn a_misaligned_access_has_no_level() {
        assert_eq!(
            text(0x9600_0021, 3),
            "data abort, reading from 0x3: misaligned"
        );
    }

    #[test]
    fn executing_data_is_an_instruction_abort() {
        assert_eq!(
            text(0x8600_000f, 0x5000),
            "instruction abort, executing 0x5000: not permitted (level 3)"
        );
    }

    #[test]
    fn an_abort_without_address_shows_none() {
        assert_eq!(
            text(0x9600_0410, 0x77),
            "data abort: external abort: no device there"
        );
        assert!(!Syndrome(0x9600_0410).has_address());
    }

    #[test]
    fn an_undefined_instruction_has_no_address() {
        assert_eq!(text(0x0200_0000, 0x77), "undefined instruction");
    }

    #[test]
    fn disabled_floating_point_is_named() {
        assert!(text(0x1fe0_0000, 0).starts_with("floating point"));
    }

    #[test]
    fn a_brk_shows_its_number() {
        assert_eq!(text(0xf200_0001, 0), "BRK instruction 0x1");
    }

    #[test]
    fn every_syndrome_has_a_description() {
        for class in 0..64_u64 {
            for status in (0..64_u64).step_by(if cfg!(miri) { 13 } else { 1 }) {
                assert!(!text(class << 26 | status, 0).is_empty());
            }
        }
    }
}
