//! The code that depends on the processor.
//!
//! No other module of the kernel depends on the architecture it is compiled for. Each architecture
//! is a module that defines the names below, and no other names are used elsewhere; a test checks
//! this. For host tests, the module `host` takes their place.
//!
//! * `Processor`: a zero-sized type that implements the processor traits of the drivers;
//! * `InterruptState`, `mask_interrupts`, `restore_interrupts`: critical sections;
//! * `interrupt_pending`: whether an interrupt may be pending, without access to the controller.
//!   May return true if none is, but never false if one is;
//! * `wait_for_interrupt`: called with interrupts masked, returns once an interrupt is pending,
//!   including one that became pending before the call;
//! * `park`: stops this processor forever;
//! * `FIRMWARE_TABLE`, `firmware_table`: the kind of table that loaders pass on this processor (a
//!   device tree or a PVH start info), and its address;
//! * `enable_translation`: maps memory, with access permissions, or only protects it. Its constant selects the format of
//!   the tables on 32-bit Arm, where there are two;
//! * `Registers`: the registers that the vectors save at an exception, and its cause;
//! * `frame_pointer`, `backtrace`: the chain of calls;
//! * `sum_words`: the one's complement sum of the bytes in a slice of words.

use core::fmt;

use vmos_drivers::address::{PhysicalAddress, Range};

// Shared by several architectures.
mod frames;
#[cfg(any(
    test,
    all(
        target_os = "none",
        any(target_arch = "aarch64", target_arch = "arm"),
        not(vmos_m_profile)
    )
))]
#[cfg_attr(
    not(target_os = "none"),
    expect(dead_code, reason = "on the host, only tests use this")
)]
mod long_descriptors;
mod ones_complement;

#[cfg(any(test, all(target_os = "none", target_arch = "aarch64")))]
#[cfg_attr(
    not(target_os = "none"),
    expect(
        dead_code,
        unreachable_pub,
        reason = "on the host, only tests use this"
    )
)]
mod aarch64;
#[cfg(any(
    test,
    all(target_os = "none", target_arch = "arm", not(vmos_m_profile))
))]
#[cfg_attr(
    not(target_os = "none"),
    expect(
        dead_code,
        unreachable_pub,
        reason = "on the host, only tests use this"
    )
)]
mod arm;
#[cfg(any(test, all(target_os = "none", target_arch = "arm", vmos_m_profile)))]
#[cfg_attr(
    not(target_os = "none"),
    expect(
        dead_code,
        unreachable_pub,
        reason = "on the host, only tests use this"
    )
)]
mod arm_v7m;
#[cfg(not(target_os = "none"))]
mod host;
#[cfg(any(
    test,
    all(
        target_os = "none",
        any(target_arch = "riscv32", target_arch = "riscv64")
    )
))]
#[cfg_attr(
    not(target_os = "none"),
    expect(
        dead_code,
        unreachable_pub,
        reason = "on the host, only tests use this"
    )
)]
mod riscv;
#[cfg(any(test, all(target_os = "none", target_arch = "x86_64")))]
#[cfg_attr(
    not(target_os = "none"),
    expect(
        dead_code,
        unreachable_pub,
        reason = "on the host, only tests use this"
    )
)]
mod x86_64;

#[cfg(all(target_os = "none", target_arch = "aarch64"))]
pub use aarch64::*;
#[cfg(all(target_os = "none", target_arch = "arm", not(vmos_m_profile)))]
pub use arm::*;
#[cfg(all(target_os = "none", target_arch = "arm", vmos_m_profile))]
pub use arm_v7m::*;
#[cfg(not(target_os = "none"))]
pub use host::*;
#[cfg(all(
    target_os = "none",
    any(target_arch = "riscv32", target_arch = "riscv64")
))]
pub use riscv::*;
#[cfg(all(target_os = "none", target_arch = "x86_64"))]
pub use x86_64::*;

#[cfg(all(
    target_os = "none",
    not(any(
        target_arch = "aarch64",
        target_arch = "arm",
        target_arch = "riscv32",
        target_arch = "riscv64",
        target_arch = "x86_64"
    ))
))]
compile_error!(
    "VMOS has no module for this architecture yet: add one to kernel/src/arch/ that defines the \
     names listed in kernel/src/arch.rs"
);

/// Whether the processor is a microcontroller: memory is protected and not translated, and there is so
/// little of it that tables are smaller.
pub(crate) const IS_MICROCONTROLLER: bool = cfg!(vmos_m_profile);

/// The granularity of protected memory in bytes: a page, or the smallest region of the MPU.
#[cfg(target_os = "none")]
pub(crate) const PAGE: u64 = if IS_MICROCONTROLLER { 32 } else { 4096 };

/// The size in bytes of the part at address zero that is not accessible. In an image in flash, the
/// linker script puts the vector table there, and code that runs only while the MPU is off.
#[cfg(target_os = "none")]
pub(crate) const NULL_PAGE: usize = if IS_MICROCONTROLLER { 0x400 } else { 4096 };

/// Access permissions of a range of memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// No access: every access faults.
    None,
    /// Reading and executing are allowed.
    Code,
    /// Only reading is allowed.
    ReadOnly,
    /// Reading and writing are allowed.
    Data,
    /// Device registers: read and write, in program order, never speculatively.
    Device,
}

/// A range of memory and its access permissions. The range is widened to whole pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// The addresses as the processor uses them.
    pub range: Range,
    /// The physical start address. It differs from `range` only for registers that the processor
    /// cannot address otherwise; the board file states this.
    pub physical: PhysicalAddress,
    /// The access permissions.
    pub access: Access,
}

impl Mapping {
    /// Maps `range` to the same physical addresses.
    #[must_use]
    pub const fn identity(range: Range, access: Access) -> Self {
        Self {
            range,
            physical: range.base,
            access,
        }
    }
}

/// Why memory could not be mapped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TranslationError {
    /// There is no memory for another translation table.
    OutOfPages,
    /// The processor cannot address the whole range.
    OutOfReach(Range),
}

impl fmt::Display for TranslationError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfPages => f.write_str("no memory is left for translation tables"),
            Self::OutOfReach(range) => write!(
                f,
                "the processor cannot address {:#x} bytes at {}: its physical addresses are too short",
                range.size, range.base
            ),
        }
    }
}

impl core::error::Error for TranslationError {}

#[cfg(test)]
mod tests;
