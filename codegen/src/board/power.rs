//! The means to stop a machine.

use super::Range;

/// A means to stop the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Power {
    /// `power.semihosting`: hands an exit status to the debugger or emulator.
    Semihosting,
    /// `power.sifive-test`: ends an emulator with an exit status.
    SifiveTest {
        /// Its register.
        registers: Range,
    },
    /// `power.sbi`
    Sbi,
    /// `power.psci`
    Psci {
        /// The instruction that calls firmware.
        conduit: Conduit,
    },
    /// `power.isa-debug-exit`: ends QEMU with an exit status of its own making.
    IsaDebugExit {
        /// The I/O port.
        port: u16,
    },
    /// `power.register-write`
    RegisterWrite {
        /// To an address, to turn the machine off.
        off: Option<Write<u64>>,
        /// To an address, to restart it.
        reset: Option<Write<u64>>,
    },
    /// `power.port-write`
    PortWrite {
        /// To a port, to turn the machine off.
        off: Option<Write<u16>>,
        /// To a port, to restart it.
        reset: Option<Write<u16>>,
    },
}

/// A write to a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write<A> {
    /// Its address or port.
    pub register: A,
    /// The value to write.
    pub value: u32,
    /// How wide it is.
    pub width: RegisterWidth,
}

/// How wide a register is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RegisterWidth {
    /// 8 bits.
    Bits8,
    /// 16 bits.
    Bits16,
    /// 32 bits.
    Bits32,
}

impl RegisterWidth {
    /// How many bytes that is.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        match self {
            Self::Bits8 => 1,
            Self::Bits16 => 2,
            Self::Bits32 => 4,
        }
    }
}

/// How PSCI is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conduit {
    /// Hypervisor call.
    Hvc,
    /// Secure monitor call.
    Smc,
}
