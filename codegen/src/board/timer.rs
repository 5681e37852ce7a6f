//! Clocks and alarms.

use super::{Interrupt, Range};

/// The timer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Timer {
    /// `timer.arm-generic`
    ArmGeneric {
        /// The virtual counter and timer, or the physical ones.
        counter: Counter,
        /// What it raises.
        interrupt: Interrupt,
        /// The frequency in Hz where the description states it; else it is read from `CNTFRQ`.
        frequency: Option<u64>,
    },
    /// `timer.local-apic`
    LocalApic {
        /// What its rate is measured by.
        reference: TimeReference,
    },
    /// `timer.clint` or `timer.aclint`: that of M mode on RISC-V.
    Machine(MachineTimer),
    /// `timer.sbi` or `timer.sstc`: that of S mode on RISC-V.
    Supervisor {
        /// Which.
        timer: SupervisorTimer,
        /// The frequency in Hz where the description states it; else the device tree tells.
        frequency: Option<u64>,
    },
}

/// A counter of a known rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeReference {
    /// `reference.pit`: channel 0 of an 8254.
    Pit {
        /// The first of its ports.
        port: u16,
    },
    /// `reference.hpet`
    Hpet {
        /// Its registers.
        registers: Range,
    },
    /// `reference.acpi-pm`
    AcpiPm {
        /// The first of its ports.
        port: u16,
    },
    /// `reference.stated`: the local APIC's timer itself.
    Stated {
        /// Its frequency in Hz, before it is divided.
        frequency: u64,
    },
}

/// The timer of M mode on RISC-V.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineTimer {
    /// What its registers are part of.
    pub registers: MachineTimerRegisters,
    /// `mtimecmp` of each hart, from hart 0 on.
    pub compare: Range,
    /// `mtime`, where the time is read there; else the `time` CSR is read.
    pub time: Option<Range>,
    /// The timer in its place, for an image that firmware may start in S mode.
    pub supervisor: Option<SupervisorTimer>,
    /// The frequency in Hz where the description states it; else the device tree tells.
    pub frequency: Option<u64>,
}

/// What the registers of a machine timer are part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MachineTimerRegisters {
    /// A CLINT.
    Clint,
    /// An ACLINT.
    Aclint,
}

/// A timer of S mode on RISC-V.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SupervisorTimer {
    /// The firmware's.
    Sbi,
    /// The hart's own, by the extension Sstc.
    Sstc,
}

/// Which of an Arm processor's generic timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// `CNTVCT` and `CNTV`.
    Virtual,
    /// `CNTPCT` and `CNTP`.
    Physical,
}
