//! What is truly the processor's.
//!
//! This is the only place in the kernel that asks which processor it is compiled for. Each
//! architecture is a module that defines the names below, and no others are used elsewhere; a test
//! holds the modules to that. On the host, where the kernel's logic is tested, the host's module
//! stands in.
//!
//! * `Processor`: a zero-sized type with the processor's part of the drivers, by the traits that
//!   stand beside them;
//! * `InterruptState`, `mask_interrupts`, `restore_interrupts`: a section that nothing interrupts;
//! * `interrupt_pending`: whether claiming an interrupt is worth the access to the controller. It
//!   may say yes in vain, and never says no where one waits;
//! * `wait_for_interrupt`: called with interrupts masked, returns once one is pending. One that
//!   became pending before the call ends the wait too, so none is lost;
//! * `park`: stops this processor for good;
//! * `FIRMWARE_TABLE`, `firmware_table`: which table loaders leave for this processor, a device tree or
//!   a PVH start info, and where the loader says that it is;
//! * `enable_translation`: the map of memory, and protection with it;
//! * `Registers`: what the vectors save when something goes wrong, with the cause;
//! * `frame_pointer`, `backtrace`: who called whom;
//! * `sum_words`: the one's complement sum of the first bytes of many words.

use core::fmt;

use vmos_drivers::address::{PhysicalAddress, Range};

// What several architectures share.
mod frames;
#[cfg(any(
    test,
    all(target_os = "none", any(target_arch = "aarch64", target_arch = "arm"))
))]
#[cfg_attr(
    not(target_os = "none"),
    expect(dead_code, reason = "the host tests it and runs none of it")
)]
mod long_descriptors;
mod ones_complement;

#[cfg(any(test, all(target_os = "none", target_arch = "aarch64")))]
#[cfg_attr(
    not(target_os = "none"),
    expect(
        dead_code,
        unreachable_pub,
        reason = "the host tests it and runs none of it"
    )
)]
mod aarch64;
#[cfg(any(test, all(target_os = "none", target_arch = "arm")))]
#[cfg_attr(
    not(target_os = "none"),
    expect(
        dead_code,
        unreachable_pub,
        reason = "the host tests it and runs none of it"
    )
)]
mod arm;
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
        reason = "the host tests it and runs none of it"
    )
)]
mod riscv;
#[cfg(any(test, all(target_os = "none", target_arch = "x86_64")))]
#[cfg_attr(
    not(target_os = "none"),
    expect(
        dead_code,
        unreachable_pub,
        reason = "the host tests it and runs none of it"
    )
)]
mod x86_64;

#[cfg(all(target_os = "none", target_arch = "aarch64"))]
pub use aarch64::*;
#[cfg(all(target_os = "none", target_arch = "arm"))]
pub use arm::*;
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

/// What may be done with a range of memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Nothing: touching it is a fault.
    None,
    /// It is read and executed.
    Code,
    /// It is read.
    ReadOnly,
    /// It is read and written.
    Data,
    /// It holds device registers: read and written, in order, and never in advance.
    Device,
}

/// A range of memory and what may be done with it. The range is widened to whole pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// The range, as the processor is to address it.
    pub range: Range,
    /// Where it really begins. That is another address only where the description says so, of
    /// registers that are out of a processor's reach otherwise.
    pub physical: PhysicalAddress,
    /// What may be done with it.
    pub access: Access,
}

impl Mapping {
    /// `range` at its own addresses.
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
    /// No memory was left for another table.
    OutOfPages,
    /// The processor cannot address all of the range.
    OutOfReach(Range),
}

impl fmt::Display for TranslationError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfPages => f.write_str("no memory is left for translation tables"),
            Self::OutOfReach(range) => write!(
                f,
                "{:#x} bytes at {} are out of the processor's reach: its physical addresses are \
                 shorter",
                range.size, range.base
            ),
        }
    }
}

impl core::error::Error for TranslationError {}

#[cfg(test)]
mod tests;
