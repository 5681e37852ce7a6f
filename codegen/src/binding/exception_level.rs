//! The exception level, or on a 32-bit processor the mode, at which a loader enters the kernel.

use crate::board::{Architecture, EntryValue, ExceptionLevel};
use crate::language::scalar::choices;
use crate::language::{Field, Number};
use crate::part::surroundings::Surroundings;

choices! { ExceptionLevel {
    El1 = "el1": "the level of an operating system",
    El2 = "el2": "the level of a hypervisor",
    El3 = "el3": "the level of the secure monitor, if there is no firmware",
    Svc = "svc": "on 32-bit Arm, Supervisor mode in the non-secure state",
    Hyp = "hyp": "on 32-bit Arm, Hyp mode",
    SecureSvc = "secure-svc": "on 32-bit Arm, Supervisor mode in the secure state",
} }

/// An affinity in MPIDR: Aff2, Aff1, Aff0 from the most significant byte down.
pub(super) type Affinity = Number<0, 0xFF_FFFF>;

impl ExceptionLevel {
    /// Returns the number of the level. For a mode of a 32-bit processor, it is that of the
    /// corresponding level of a 64-bit processor.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::El1 | Self::Svc => 1,
            Self::El2 | Self::Hyp => 2,
            Self::El3 | Self::SecureSvc => 3,
        }
    }

    /// Returns the level's word in a board file.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::El1 => "el1",
            Self::El2 => "el2",
            Self::El3 => "el3",
            Self::Svc => "svc",
            Self::Hyp => "hyp",
            Self::SecureSvc => "secure-svc",
        }
    }

    /// Returns the architecture whose processors have this level or mode.
    pub(crate) const fn architecture(self) -> Architecture {
        match self {
            Self::El1 | Self::El2 | Self::El3 => Architecture::Aarch64,
            Self::Svc | Self::Hyp | Self::SecureSvc => Architecture::Arm,
        }
    }
}

/// Returns the level at which the kernel is entered: as stated, or by default the level for
/// operating systems.
pub(super) fn resolve(
    field: &Field<ExceptionLevel>,
    around: &Surroundings<'_>,
) -> Option<ExceptionLevel> {
    Some(match field.optional()? {
        Some(level) => level.value,
        None => match around.architecture()?.value {
            Architecture::Arm => ExceptionLevel::Svc,
            _ => ExceptionLevel::El1,
        },
    })
}

/// Returns the values for the entry code of an Arm processor that the protocol `boot` enters at
/// `level`: the affinity of the processor that runs the kernel, if it matters, and the address of
/// the device tree, if the registers do not have it.
pub(super) fn entry(
    boot: &'static str,
    level: ExceptionLevel,
    processor: Option<u32>,
    device_tree: Option<u64>,
) -> Vec<(&'static str, EntryValue)> {
    let is_secure = matches!(level, ExceptionLevel::El3 | ExceptionLevel::SecureSvc);
    vec![
        ("boot", EntryValue::Word(boot)),
        ("is_secure", EntryValue::Flag(is_secure)),
        ("processor", EntryValue::Number(processor.map(u64::from))),
        ("device_tree", EntryValue::Number(device_tree)),
    ]
}
