//! How the kernel is loaded and entered.

use core::fmt;

/// How the loader loads and enters the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Boot {
    /// A flat image with the header of the Linux boot protocol; x0, or r2 of a 32-bit processor,
    /// holds the address of the device tree.
    LinuxImage {
        /// Where the image is loaded.
        load_address: u64,
        /// The exception level it is entered at.
        exception_level: ExceptionLevel,
    },
    /// An ELF file for an Arm processor, entered at its first byte with nothing in the registers.
    Elf {
        /// Where the image is loaded.
        load_address: u64,
        /// The exception level it is entered at.
        exception_level: ExceptionLevel,
        /// The affinity in `MPIDR` of the processor that runs; the first to come where absent.
        processor: Option<u32>,
        /// Where the loader puts a device tree.
        device_tree: Option<u64>,
    },
    /// An ELF file that the PVH protocol enters in 32-bit mode; ebx holds the address of the start
    /// info.
    Pvh {
        /// Where the image is loaded.
        load_address: u64,
    },
    /// The payload of SBI firmware, in S mode on RISC-V; a0 holds the number of the hart, a1 the
    /// address of the device tree.
    SbiPayload {
        /// Where the image is loaded.
        load_address: u64,
        /// The file format of the image.
        form: ImageForm,
    },
    /// Out of reset, in M mode on RISC-V, all harts at once; a0 holds the number of the hart, a1 the
    /// address of the device tree.
    MachineMode {
        /// Where every hart begins. Where the image is not loaded there, a jump to it is.
        entry: u64,
        /// Where the image is loaded.
        load_address: u64,
        /// The file format of the image.
        form: ImageForm,
    },
}

impl Boot {
    /// Whether the loader leaves a table, of whichever kind: what there is of RAM, and the kernel's
    /// command line.
    #[must_use]
    pub fn leaves_a_table(&self) -> bool {
        !matches!(
            self,
            Self::Elf {
                device_tree: None,
                ..
            }
        )
    }

    /// Whether firmware may come before the kernel, which then starts in S mode: whether there is
    /// room for it.
    #[must_use]
    pub fn takes_firmware(&self) -> bool {
        match self {
            Self::LinuxImage { .. } | Self::Elf { .. } | Self::Pvh { .. } => false,
            Self::SbiPayload { .. } => true,
            Self::MachineMode {
                entry,
                load_address,
                ..
            } => entry != load_address,
        }
    }
}

/// What a loader is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageForm {
    /// An ELF file.
    Elf,
    /// The bytes as they lie in memory from the load address on.
    Flat,
}

/// An exception level of a 64-bit Arm processor, or what comes near to it on a 32-bit one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExceptionLevel {
    /// An operating system's.
    El1,
    /// A hypervisor's.
    El2,
    /// The secure monitor's.
    El3,
    /// Supervisor mode of a 32-bit processor in the non-secure state.
    Svc,
    /// Hyp mode of a 32-bit processor.
    Hyp,
    /// Supervisor mode of a 32-bit processor in the secure state.
    SecureSvc,
}

impl fmt::Display for ExceptionLevel {
    /// Writes it as the architecture's manual does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::El1 => "EL1",
            Self::El2 => "EL2",
            Self::El3 => "EL3",
            Self::Svc => "Supervisor mode",
            Self::Hyp => "Hyp mode",
            Self::SecureSvc => "secure Supervisor mode",
        })
    }
}
