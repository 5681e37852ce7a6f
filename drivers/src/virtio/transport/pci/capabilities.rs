//! Finds the structures of a virtio function (virtio 1.2, 4.1.4).

use core::fmt;

use super::common;
use crate::address::{PhysicalAddress, Range};
use crate::pci::capability::{Capabilities, Capability, VENDOR};
use crate::pci::{BarError, ConfigurationSpace, Function};

/// `cfg_type` of a capability (4.1.4).
const COMMON: u8 = 1;
const NOTIFY: u8 = 2;
const ISR: u8 = 3;
const DEVICE: u8 = 4;

/// The length of a capability, and of the notify structure's one.
const LEN: u16 = 16;
const NOTIFY_LEN: u16 = 20;

/// The reason why a PCI function cannot be driven as a virtio device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefusedFunction {
    /// The function is not a virtio device.
    NotVirtio,
    /// The function has only the legacy interface, which is not supported over PCI: start QEMU's
    /// device without `disable-modern=on`.
    LegacyOnly,
    /// A mandatory structure is missing or its description is invalid.
    MissingStructure {
        /// The `cfg_type` of the structure.
        structure: u8,
    },
    /// A structure is in a BAR that has no address.
    Bar(BarError),
}

impl fmt::Display for RefusedFunction {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotVirtio => f.write_str("the function is not a virtio device"),
            Self::LegacyOnly => f.write_str(
                "the device offers only the legacy interface, which is not supported over PCI; enable its modern interface (QEMU: disable-modern=off)",
            ),
            Self::MissingStructure { structure } => {
                let name = match *structure {
                    COMMON => "common configuration",
                    NOTIFY => "notification",
                    ISR => "ISR status",
                    _ => "other",
                };
                write!(f, "the device describes no usable {name} structure")
            }
            Self::Bar(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for RefusedFunction {}

/// The structures of a device, each within a BAR.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Structures {
    pub(super) common: Range,
    pub(super) notify: Range,
    pub(super) notify_multiplier: u32,
    pub(super) isr: Range,
    pub(super) config: Option<Range>,
}

impl Structures {
    /// Walks the capabilities and takes the first valid one of each type (4.1.4.1).
    pub(super) fn find(
        space: &impl ConfigurationSpace,
        function: &Function,
    ) -> Result<Self, RefusedFunction> {
        let (mut common, mut notify, mut isr, mut config) = (None, None, None, None);
        let mut multiplier = 0;
        let mut described = false;
        let mut fault = None;
        for capability in Capabilities::new(space, function.address) {
            if capability.id != VENDOR {
                continue;
            }
            let Some(kind) = kind(capability) else {
                continue;
            };
            let (place, least, align) = match kind {
                COMMON => (&mut common, common::LEN, 4),
                NOTIFY => (&mut notify, 2, 2),
                ISR => (&mut isr, 1, 1),
                DEVICE => (&mut config, 1, 4),
                _ => continue,
            };
            described = true;
            if place.is_some() {
                continue;
            }
            match structure(space, function, capability, least, align) {
                Ok(range) => {
                    *place = range;
                    if kind == NOTIFY && range.is_some() {
                        multiplier = space.read(function.address, capability.offset + LEN);
                    }
                }
                Err(error) => fault = fault.or(Some(RefusedFunction::Bar(error))),
            }
        }
        if !described {
            return Err(RefusedFunction::LegacyOnly);
        }
        let missing = |structure| fault.unwrap_or(RefusedFunction::MissingStructure { structure });
        Ok(Self {
            common: common.ok_or_else(|| missing(COMMON))?,
            notify: notify.ok_or_else(|| missing(NOTIFY))?,
            notify_multiplier: multiplier,
            isr: isr.ok_or_else(|| missing(ISR))?,
            config,
        })
    }
}

/// Returns the `cfg_type` of a vendor capability that is long enough for its type and ends within
/// the header.
fn kind(capability: Capability) -> Option<u8> {
    let len = capability.start & 0xff;
    let kind = (capability.start >> 8) as u8;
    let least = if kind == NOTIFY { NOTIFY_LEN } else { LEN };
    (len >= least && capability.offset + len <= 256).then_some(kind)
}

/// Returns the range that a capability describes: `None` if it is invalid, an error if it is in a
/// BAR without an address.
fn structure(
    space: &impl ConfigurationSpace,
    function: &Function,
    capability: Capability,
    least: u32,
    align: u32,
) -> Result<Option<Range>, BarError> {
    let field = |offset| space.read(function.address, capability.offset + offset);
    let index = (field(4) & 0xff) as usize;
    let (offset, len) = (field(8), field(12));
    let Some(bar) = function.bars.get(index).copied().flatten() else {
        return Ok(None);
    };
    let end = u64::from(offset) + u64::from(len);
    if len < least || !offset.is_multiple_of(align) || end > bar.size {
        return Ok(None);
    }
    let base = bar.range?.base.0 + u64::from(offset);
    Ok(Some(Range {
        base: PhysicalAddress(base),
        size: u64::from(len),
    }))
}
