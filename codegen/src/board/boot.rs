//! The boot protocol of a board: how the kernel is loaded and entered.

use core::fmt;

/// How the loader loads and enters the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Boot {
    /// A flat image with the header of the Linux boot protocol; x0, or r2 of a 32-bit processor,
    /// contains the address of the device tree.
    LinuxImage {
        /// The load address of the image.
        load_address: u64,
        /// The exception level at which the kernel is entered.
        exception_level: ExceptionLevel,
    },
    /// An ELF file for an Arm processor, entered at its first byte; the registers have no meaning.
    Elf {
        /// The load address of the image.
        load_address: u64,
        /// The exception level at which the kernel is entered.
        exception_level: ExceptionLevel,
        /// The affinity in `MPIDR` of the processor that runs the kernel; `None` selects the first
        /// to enter.
        processor: Option<u32>,
        /// The address of the device tree that the loader provides; `None` if there is none.
        device_tree: Option<u64>,
    },
    /// An ELF file that the PVH protocol enters in 32-bit mode; ebx contains the address of the
    /// start info.
    Pvh {
        /// The load address of the image.
        load_address: u64,
    },
    /// The payload of SBI firmware, in S mode on RISC-V; a0 contains the hart ID, a1 the address of
    /// the device tree.
    SbiPayload {
        /// The load address of the image.
        load_address: u64,
        /// The file format of the image.
        form: ImageForm,
    },
    /// Out of reset, in M mode on RISC-V, all harts at once; a0 contains the hart ID, a1 the
    /// address of the device tree.
    MachineMode {
        /// The address at which all harts start. If the image is elsewhere, it contains a jump to
        /// the image.
        entry: u64,
        /// The load address of the image.
        load_address: u64,
        /// The file format of the image.
        form: ImageForm,
    },
}

impl Boot {
    /// Returns whether the loader leaves a table with the RAM ranges and the kernel's command line.
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

    /// Returns whether there is room for firmware that runs before the kernel, which then starts in
    /// S mode.
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

/// The file format of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageForm {
    /// An ELF file, whose segments state their addresses.
    Elf,
    /// A flat image: the bytes in memory from the load address on.
    Flat,
}

/// An exception level of a 64-bit Arm processor, or the closest mode of a 32-bit one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExceptionLevel {
    /// EL1, the level of an operating system.
    El1,
    /// EL2, the level of a hypervisor.
    El2,
    /// EL3, the level of the secure monitor.
    El3,
    /// Supervisor mode of a 32-bit processor in the non-secure state.
    Svc,
    /// Hyp mode of a 32-bit processor.
    Hyp,
    /// Supervisor mode of a 32-bit processor in the secure state.
    SecureSvc,
}

impl fmt::Display for ExceptionLevel {
    /// Writes the level or mode in the notation of the architecture's manual.
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
