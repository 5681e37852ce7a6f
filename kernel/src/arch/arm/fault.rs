//! Describes the abort in `DFSR` or `IFSR` (Arm DDI 0406, sections B4.1.51 and B4.1.96).

use core::fmt;

/// The status is in the long-descriptor format.
const LONG: u32 = 1 << 9;
/// `DFSR`: the access was a write.
const WRITE: u32 = 1 << 11;
/// `DFSR`: the access was a cache maintenance operation, neither a read nor a write.
const CACHE_MAINTENANCE: u32 = 1 << 13;

/// The kind of access that failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Instruction fetch; the status is from `IFSR`.
    Instruction,
    /// Data access; the status is from `DFSR`.
    Data,
}

/// An abort with its status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fault {
    kind: Kind,
    status: u32,
}

/// The reason of an abort.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Reason {
    words: &'static str,
    /// The translation level at which the abort occurred.
    level: Option<u32>,
    /// Whether the fault address register is valid.
    has_address: bool,
}

impl Fault {
    pub(super) const fn new(kind: Kind, status: u32) -> Self {
        Self { kind, status }
    }

    /// Whether the fault address register contains the accessed address.
    pub(super) const fn has_address(self) -> bool {
        self.reason().has_address
    }

    const fn reason(self) -> Reason {
        if self.status & LONG == 0 {
            short(self.status & 0xf | self.status >> 6 & 0x10)
        } else {
            long(self.status & 0x3f)
        }
    }

    /// Returns the kind of access, for a message.
    const fn access(self) -> &'static str {
        match self.kind {
            Kind::Instruction => "executing",
            Kind::Data if self.status & CACHE_MAINTENANCE != 0 => "cache maintenance of",
            Kind::Data if self.status & WRITE != 0 => "writing to",
            Kind::Data => "reading from",
        }
    }

    /// Writes the access, the address and the reason.
    pub(super) fn describe(self, address: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Instruction => "instruction abort",
            Kind::Data => "data abort",
        })?;
        let reason = self.reason();
        if reason.has_address {
            write!(f, ", {} {address:#x}", self.access())?;
        }
        write!(f, ": {}", reason.words)?;
        if let Some(level) = reason.level {
            write!(f, " (level {level})")?;
        }
        Ok(())
    }
}

const fn at_level(words: &'static str, level: u32) -> Reason {
    Reason {
        words,
        level: Some(level),
        has_address: true,
    }
}

const fn at_address(words: &'static str) -> Reason {
    Reason {
        words,
        level: None,
        has_address: true,
    }
}

const fn anywhere(words: &'static str) -> Reason {
    Reason {
        words,
        level: None,
        has_address: false,
    }
}

/// Decodes the status in the long-descriptor format.
const fn long(status: u32) -> Reason {
    let level = status & 0b11;
    match status {
        0b00_0100..=0b00_0111 => at_level("not mapped", level),
        0b00_1000..=0b00_1011 => at_level("access flag is clear", level),
        0b00_1100..=0b00_1111 => at_level("not permitted", level),
        0b01_0000 => at_address("external abort: no device there"),
        0b01_0001 => anywhere("asynchronous external abort"),
        0b01_0100..=0b01_0111 => at_level("external abort on a translation table", level),
        0b01_1000 => at_address("memory error"),
        0b01_1001 => anywhere("asynchronous memory error"),
        0b01_1100..=0b01_1111 => at_level("memory error in a translation table", level),
        0b10_0001 => at_address("misaligned"),
        0b10_0010 => anywhere("breakpoint or watchpoint"),
        0b11_0000 => at_address("conflict in the TLB"),
        _ => anywhere("unknown fault status"),
    }
}

/// Decodes the status with the MMU off, or in the short-descriptor format.
const fn short(status: u32) -> Reason {
    match status {
        0b0_0001 => at_address("misaligned"),
        0b0_0010 => anywhere("breakpoint or watchpoint"),
        0b0_0011 => at_level("access flag is clear", 1),
        0b0_0110 => at_level("access flag is clear", 2),
        0b0_0101 => at_level("not mapped", 1),
        0b0_0111 => at_level("not mapped", 2),
        0b0_1000 => at_address("external abort: no device there"),
        0b0_1001 => at_level("not in a domain of the kernel", 1),
        0b0_1011 => at_level("not in a domain of the kernel", 2),
        0b0_1100 => at_level("external abort on a translation table", 1),
        0b0_1110 => at_level("external abort on a translation table", 2),
        0b0_1101 => at_level("not permitted", 1),
        0b0_1111 => at_level("not permitted", 2),
        0b1_0000 => at_address("conflict in the TLB"),
        0b1_0110 => anywhere("asynchronous external abort"),
        0b1_1000 => anywhere("asynchronous memory error"),
        0b1_1001 => at_address("memory error"),
        _ => anywhere("unknown fault status"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::String;

    struct At(Fault, u32);

    impl fmt::Display for At {
        #[cold]
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.describe(self.1, f)
        }
    }

    fn data(status: u32, address: u32) -> String {
        format!("{}", At(Fault::new(Kind::Data, status), address))
    }

    #[test]
    fn a_write_to_a_missing_page_is_described_with_its_address() {
        assert_eq!(
            data(0xa07, 0x10),
            "data abort, writing to 0x10: not mapped (level 3)"
        );
    }

    #[test]
    fn a_read_without_permission_is_distinguished_from_a_write() {
        assert_eq!(
            data(0x20e, 0x4001_0000),
            "data abort, reading from 0x40010000: not permitted (level 2)"
        );
    }

    #[test]
    fn a_misaligned_access_is_described_with_the_mmu_on_and_off() {
        let expected = "data abort, reading from 0x3: misaligned";
        assert_eq!(data(0x221, 3), expected);
        assert_eq!(data(0x001, 3), expected);
    }

    #[test]
    fn bit_10_belongs_to_the_status_while_the_mmu_is_off() {
        assert_eq!(data(0x406, 0), "data abort: asynchronous external abort");
    }

    #[test]
    fn executing_data_is_an_instruction_abort() {
        let fault = Fault::new(Kind::Instruction, 0x20f);
        assert_eq!(
            format!("{}", At(fault, 0x5000)),
            "instruction abort, executing 0x5000: not permitted (level 3)"
        );
    }

    #[test]
    fn an_abort_without_address_shows_none() {
        assert_eq!(data(0x211, 0x77), "data abort: asynchronous external abort");
        assert!(!Fault::new(Kind::Data, 0x211).has_address());
    }

    #[test]
    fn every_status_has_a_description() {
        for status in (0..1 << 14).step_by(if cfg!(miri) { 1021 } else { 1 }) {
            assert!(!data(status, 0).ends_with(": "));
        }
    }
}
