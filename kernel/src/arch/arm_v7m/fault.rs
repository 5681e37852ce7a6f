//! Describes the fault in `CFSR` and `HFSR` (Arm DDI 0403, sections B3.2.15 and B3.2.16).

use core::fmt;

/// `CFSR`: `MMFAR` contains the address of the failed access.
const MMARVALID: u32 = 1 << 7;
/// `CFSR`: `BFAR` contains the address of the failed access.
const BFARVALID: u32 = 1 << 15;
/// `CFSR`: the registers could not be saved on the stack, because the MPU or the bus refused it.
const MSTKERR: u32 = 1 << 4;
const STKERR: u32 = 1 << 12;

/// The status registers of a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fault {
    /// `CFSR`: the fault status.
    pub(super) status: u32,
    /// `HFSR`: why it became a HardFault.
    pub(super) hard: u32,
    /// `MMFAR`: the address that the MPU refused.
    pub(super) mpu_address: u32,
    /// `BFAR`: the address that the bus refused.
    pub(super) bus_address: u32,
}

/// The reasons by the bits of `CFSR`, the most telling first.
const REASONS: [(u32, &str); 12] = [
    (1 << 0, "executing memory that is not executable"),
    (1 << 1, "access that is not allowed"),
    (1 << 8, "executing memory that does not exist"),
    (1 << 9, "access to memory that does not exist"),
    (1 << 10, "earlier write to memory that does not exist"),
    (1 << 16, "undefined instruction"),
    (1 << 17, "jump to an address without the Thumb bit"),
    (1 << 18, "invalid return from an exception"),
    (1 << 19, "coprocessor instruction"),
    (1 << 24, "unaligned access"),
    (1 << 25, "division by zero"),
    (
        MSTKERR | STKERR | 1 << 3 | 1 << 11,
        "no access to the stack at an exception",
    ),
];

impl Fault {
    /// Returns the address of the failed access, if it is known.
    pub(super) const fn address(self) -> Option<u32> {
        if self.status & MMARVALID != 0 {
            Some(self.mpu_address)
        } else if self.status & BFARVALID != 0 {
            Some(self.bus_address)
        } else {
            None
        }
    }

    /// Returns whether the registers could not be saved on the stack.
    pub(super) const fn lost_registers(self) -> bool {
        self.status & (MSTKERR | STKERR) != 0
    }

    /// Writes the reason, and the address of the access.
    pub(super) fn describe(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut reasons = REASONS.iter();
        let reason = reasons.find(|(bits, _)| self.status & bits != 0);
        match (reason, self.hard & 1 << 1) {
            (Some((_, reason)), _) => f.write_str(reason)?,
            // Version 6-M has no status.
            (None, 0) => f.write_str("HardFault")?,
            (None, _) => f.write_str("no access to the vector table")?,
        }
        match self.address() {
            Some(address) => write!(f, ": {address:#x}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::String;

    struct Described(Fault);

    impl fmt::Display for Described {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.describe(f)
        }
    }

    fn fault(status: u32) -> Fault {
        Fault {
            status,
            hard: 1 << 30,
            mpu_address: 0x10,
            bus_address: 0x20,
        }
    }

    fn text(status: u32) -> String {
        format!("{}", Described(fault(status)))
    }

    #[test]
    fn an_access_that_the_mpu_refused_shows_its_address() {
        assert_eq!(text(0x82), "access that is not allowed: 0x10");
        assert_eq!(fault(0x82).address(), Some(0x10));
    }

    #[test]
    fn an_access_that_the_bus_refused_shows_its_address() {
        assert_eq!(text(0x8200), "access to memory that does not exist: 0x20");
    }

    #[test]
    fn a_stale_address_is_not_shown() {
        assert_eq!(text(1 << 16), "undefined instruction");
        assert_eq!(fault(1 << 16).address(), None);
    }

    #[test]
    fn lost_registers_are_known() {
        assert!(fault(0x92).lost_registers());
        assert!(!fault(0x82).lost_registers());
        assert_eq!(text(0x10), "no access to the stack at an exception");
    }

    #[test]
    fn every_status_has_a_description() {
        for bit in 0..32 {
            assert!(!text(1 << bit).is_empty());
        }
    }
}
