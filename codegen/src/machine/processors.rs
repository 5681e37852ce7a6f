//! The processors that QEMU's `-cpu` names, by their architecture.

use crate::board::Architecture;

/// What is known of a processor.
pub(crate) struct Processor {
    /// The architecture of boards with the processor, as in a board file.
    architecture: &'static str,
    /// The processor's architecture in the words of its manual.
    pub(crate) version: &'static str,
    names: &'static [&'static str],
}

/// The 32-bit Armv7-A processors without the large physical address extension, and so without long
/// descriptors and the generic timer (their technical reference manuals, ID_MMFR0 and ID_PFR1).
const WITHOUT_EXTENSIONS: &[&str] = &["cortex-a5", "cortex-a8", "cortex-a9"];

#[rustfmt::skip]
const PROCESSORS: &[Processor] = &[
    Processor { architecture: "armv6-m", version: "Armv6-M", names: &["cortex-m0", "cortex-m0p"] },
    Processor {
        architecture: "armv7-m",
        version: "Armv7-M",
        names: &["cortex-m3", "cortex-m4", "cortex-m7"],
    },
    Processor {
        architecture: "armv8-m",
        version: "Armv8-M",
        names: &["cortex-m33", "cortex-m35p", "cortex-m52", "cortex-m55", "cortex-m85"],
    },
    Processor {
        architecture: "armv8-m.base",
        version: "Armv8-M without the main extension",
        names: &["cortex-m23"],
    },
    Processor { architecture: "arm", version: "Armv7-A", names: WITHOUT_EXTENSIONS },
    Processor {
        architecture: "arm",
        version: "Armv7-A",
        names: &["cortex-a7", "cortex-a15", "cortex-a17"],
    },
    Processor {
        architecture: "armv7-r",
        version: "Armv7-R or Armv8-R",
        names: &["cortex-r5", "cortex-r5f", "cortex-r52"],
    },
    Processor {
        architecture: "armv6",
        version: "Arm before version 7",
        names: &["arm926", "arm946", "arm1026", "arm1136", "arm1136-r2", "arm1176", "arm11mpcore"],
    },
    Processor {
        architecture: "aarch64",
        version: "64-bit Arm",
        names: &[
            "cortex-a35", "cortex-a53", "cortex-a55", "cortex-a57", "cortex-a72", "cortex-a76",
            "cortex-a78ae", "cortex-a710", "neoverse-n1", "neoverse-n2", "neoverse-v1", "a64fx",
        ],
    },
    Processor {
        architecture: "riscv32",
        version: "32-bit RISC-V",
        names: &["rv32", "rv32i", "rv32e", "lowrisc-ibex", "sifive-e31", "sifive-e34", "sifive-u34"],
    },
    Processor {
        architecture: "riscv64",
        version: "64-bit RISC-V",
        names: &["rv64", "rv64i", "rv64e", "sifive-e51", "sifive-u54", "thead-c906", "veyron-v1"],
    },
    Processor {
        architecture: "i386",
        version: "32-bit x86",
        names: &["486", "pentium", "pentium2", "pentium3", "qemu32", "kvm32", "coreduo", "n270"],
    },
];

/// Returns the name in a value of QEMU's `-cpu`, which the processor's options follow.
pub(crate) fn name(cpu: &str) -> &str {
    cpu.split(',').next().unwrap_or_default()
}

/// Returns what is known of the processor of a value of QEMU's `-cpu`.
pub(crate) fn known(cpu: &str) -> Option<&'static Processor> {
    PROCESSORS.iter().find(|one| one.names.contains(&name(cpu)))
}

impl Processor {
    /// Returns the architecture of boards with the processor; `None` if VMOS does not support it.
    pub(crate) fn architecture(&self) -> Option<Architecture> {
        let mut all = Architecture::ALL.iter().copied();
        all.find(|one| one.to_string() == self.architecture)
    }
}

/// Returns the known processors of an architecture.
pub(crate) fn of(architecture: Architecture) -> Vec<&'static str> {
    let fits = PROCESSORS
        .iter()
        .filter(|one| one.architecture() == Some(architecture));
    fits.flat_map(|one| one.names.iter().copied()).collect()
}

/// Returns whether a 32-bit Arm processor, given as for QEMU's `-cpu`, has long descriptors and the
/// generic timer.
pub(crate) fn has_extensions(cpu: &str) -> bool {
    !WITHOUT_EXTENSIONS.contains(&name(cpu))
}
