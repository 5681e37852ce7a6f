//! The processors that QEMU's `-cpu` and device trees name, by their architecture.

use crate::board::Architecture;
use Architecture::{Aarch64, Arm, ArmV6M, ArmV7M, ArmV8M, Riscv32, Riscv64};

/// What is known of a processor.
pub(crate) struct Processor {
    /// The architecture of boards with the processor; `None` if VMOS does not support it.
    pub(crate) architecture: Option<Architecture>,
    /// The processor's architecture in the words of its manual.
    pub(crate) version: &'static str,
    names: &'static [&'static str],
}

/// The 32-bit Armv7-A processors without the large physical address extension, and so without long
/// descriptors and the generic timer (their technical reference manuals, ID_MMFR0 and ID_PFR1).
const WITHOUT_EXTENSIONS: &[&str] = &["cortex-a5", "cortex-a8", "cortex-a9"];

/// The known processors that QEMU does not emulate.
const NOT_EMULATED: &[&str] = &[
    "cortex-a5",
    "cortex-a17",
    "cortex-m0p",
    "cortex-m1",
    "cortex-m23",
    "cortex-m35p",
    "cortex-m52",
    "cortex-m85",
];

#[rustfmt::skip]
const PROCESSORS: &[Processor] = &[
    Processor { architecture: Some(ArmV6M), version: "Armv6-M", names: &["cortex-m0", "cortex-m0p", "cortex-m1"] },
    Processor {
        architecture: Some(ArmV7M),
        version: "Armv7-M",
        names: &["cortex-m3", "cortex-m4", "cortex-m7"],
    },
    Processor {
        architecture: Some(ArmV8M),
        version: "Armv8-M",
        names: &["cortex-m33", "cortex-m35p", "cortex-m52", "cortex-m55", "cortex-m85"],
    },
    Processor {
        architecture: None,
        version: "Armv8-M without the main extension",
        names: &["cortex-m23"],
    },
    Processor { architecture: Some(Arm), version: "Armv7-A", names: WITHOUT_EXTENSIONS },
    Processor {
        architecture: Some(Arm),
        version: "Armv7-A",
        names: &["cortex-a7", "cortex-a15", "cortex-a17"],
    },
    Processor {
        architecture: None,
        version: "Armv7-R or Armv8-R",
        names: &["cortex-r5", "cortex-r5f", "cortex-r52"],
    },
    Processor {
        architecture: None,
        version: "Arm before version 7",
        names: &["arm926", "arm946", "arm1026", "arm1136", "arm1136-r2", "arm1176", "arm11mpcore"],
    },
    Processor {
        architecture: Some(Aarch64),
        version: "64-bit Arm",
        names: &[
            "cortex-a35", "cortex-a53", "cortex-a55", "cortex-a57", "cortex-a72", "cortex-a76",
            "cortex-a78ae", "cortex-a710", "neoverse-n1", "neoverse-n2", "neoverse-v1", "a64fx",
        ],
    },
    Processor {
        architecture: Some(Riscv32),
        version: "32-bit RISC-V",
        names: &["rv32", "rv32i", "rv32e", "lowrisc-ibex", "sifive-e31", "sifive-e34", "sifive-u34"],
    },
    Processor {
        architecture: Some(Riscv64),
        version: "64-bit RISC-V",
        names: &["rv64", "rv64i", "rv64e", "sifive-e51", "sifive-u54", "thead-c906", "veyron-v1"],
    },
    Processor {
        architecture: None,
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

/// Returns the name of the processor that differs from `name` only in capitals, hyphens and
/// underscores; `None` if there is none, or if the name is known.
pub(crate) fn respelled(name: &str) -> Option<&'static str> {
    let letters = |name: &str| {
        let kept = name.chars().filter(|c| c.is_ascii_alphanumeric());
        kept.collect::<String>().to_ascii_lowercase()
    };
    let all = PROCESSORS.iter().flat_map(|one| one.names.iter().copied());
    let near: Vec<&'static str> = all.filter(|one| letters(one) == letters(name)).collect();
    near.first().copied().filter(|_| !near.contains(&name))
}

/// Returns the known processors of an architecture that QEMU emulates.
pub(crate) fn of(architecture: Architecture) -> Vec<&'static str> {
    let fits = PROCESSORS
        .iter()
        .filter(|one| one.architecture == Some(architecture));
    let names = fits.flat_map(|one| one.names.iter().copied());
    names.filter(|name| !NOT_EMULATED.contains(name)).collect()
}

/// Returns the architecture of a Cortex-M, given by its name in a device tree, such as `cortex-m4f`;
/// `None` if VMOS does not support the processor.
#[must_use]
pub fn microcontroller(name: &str) -> Option<Architecture> {
    let known = known(without_variant(name))?.architecture;
    known.filter(|architecture| architecture.is_m_profile())
}

/// Returns QEMU's name of a processor that a device tree names. The name of a Cortex-M can have an `f` there,
/// for floating point, or the `+` of the Cortex-M0+.
pub(crate) fn without_variant(name: &str) -> &str {
    match name.starts_with("cortex-m") {
        true => name.trim_end_matches(['f', '+']),
        false => name,
    }
}

/// Returns whether a 32-bit Arm processor, given as for QEMU's `-cpu`, has long descriptors and the
/// generic timer.
pub(crate) fn has_extensions(cpu: &str) -> bool {
    !WITHOUT_EXTENSIONS.contains(&name(cpu))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_processors_that_qemu_emulates_are_offered() {
        assert_eq!(of(ArmV6M), ["cortex-m0"]);
        assert_eq!(
            of(Arm),
            ["cortex-a8", "cortex-a9", "cortex-a7", "cortex-a15"]
        );
    }

    #[test]
    fn a_device_trees_name_of_a_microcontroller_is_known() {
        for (name, architecture) in [
            ("cortex-m0+", Some(ArmV6M)),
            ("cortex-m4f", Some(ArmV7M)),
            ("cortex-m33f", Some(ArmV8M)),
            ("cortex-m23", None),
            ("cortex-a9", None),
        ] {
            assert_eq!(microcontroller(name), architecture, "{name}");
        }
    }

    #[test]
    fn what_is_not_emulated_is_known() {
        for name in NOT_EMULATED {
            assert!(known(name).is_some(), "{name}");
        }
    }
}
