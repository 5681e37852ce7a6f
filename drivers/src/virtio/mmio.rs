//! Finding the devices on a row of virtio-mmio slots (virtio 1.2, 4.2.2).

use core::fmt;

use super::DeviceKind;
use super::transport::MmioTransport;
use crate::address::{PhysicalAddress, Range};
use crate::board::VirtioMmio;
use crate::interrupt::Interrupt;
use crate::mmio::{Mmio, Registers};

const MAGIC_VALUE: usize = 0x0;
const VERSION: usize = 0x4;
const DEVICE_ID: usize = 0x8;

/// "virt" in little-endian letters.
const MAGIC: u32 = 0x7472_6976;
/// The registers end here and the device configuration begins.
const SMALLEST_SLOT: usize = 0x100;

/// A device in a virtio-mmio slot.
#[derive(Debug)]
pub struct Found<R = Mmio> {
    /// What it is.
    pub kind: DeviceKind,
    /// The version of the interface: 1 is the legacy one, 2 the one of virtio 1.0 and later.
    pub version: u32,
    /// The way to it.
    pub transport: MmioTransport<R>,
}

/// A slot that holds something else than a device that can be driven.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProbeError {
    /// The slot does not start with the magic value.
    NoMagic(u32),
    /// The device speaks a version of the interface that is not known.
    UnknownVersion(u32),
    /// The board's slots are smaller than the registers.
    SlotTooSmall(usize),
}

impl fmt::Display for ProbeError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMagic(value) => {
                write!(
                    f,
                    "there is no virtio-mmio slot here: it starts with {value:#x}"
                )
            }
            Self::UnknownVersion(version) => {
                write!(f, "version {version} of virtio-mmio is neither 1 nor 2")
            }
            Self::SlotTooSmall(size) => {
                write!(
                    f,
                    "a slot of {size:#x} bytes has no room for virtio-mmio registers"
                )
            }
        }
    }
}

impl core::error::Error for ProbeError {}

impl VirtioMmio {
    /// The registers of slot `slot`, or `None` where the row has not so many.
    #[must_use]
    pub fn registers(&self, slot: u32) -> Option<Range> {
        let offset = self.stride.checked_mul(u64::from(slot))?;
        let base = self.base.0.checked_add(offset)?;
        if slot < self.count {
            Range::new(PhysicalAddress(base), self.stride)
        } else {
            None
        }
    }

    /// What slot `slot` raises.
    #[must_use]
    pub const fn interrupt(&self, slot: u32) -> Interrupt {
        Interrupt {
            number: self.first_interrupt.number + slot,
            ..self.first_interrupt
        }
    }
}

/// Looks into slot `slot`; `None` where it is empty or there is no such slot.
///
/// # Errors
///
/// [`ProbeError`] where the slot does not hold what the board's description says.
///
/// # Safety
///
/// `slots` must describe slots that are really there and mapped, and nothing else may drive the
/// device in this one for as long as the transport is used.
pub unsafe fn probe(slots: &VirtioMmio, slot: u32) -> Result<Option<Found>, ProbeError> {
    let Some(range) = slots.registers(slot) else {
        return Ok(None);
    };
    // SAFETY: the caller promises that a slot is there and is ours.
    let registers = unsafe { Mmio::new(range) };
    probe_registers(registers, range.size as usize)
}

/// Looks at `size` bytes of registers of one slot; `None` where the slot is empty.
///
/// # Errors
///
/// As [`probe`].
pub fn probe_registers<R: Registers>(
    registers: R,
    size: usize,
) -> Result<Option<Found<R>>, ProbeError> {
    if size < SMALLEST_SLOT {
        return Err(ProbeError::SlotTooSmall(size));
    }
    let magic = registers.read32(MAGIC_VALUE);
    if magic != MAGIC {
        return Err(ProbeError::NoMagic(magic));
    }
    let version = registers.read32(VERSION);
    if !matches!(version, 1 | 2) {
        return Err(ProbeError::UnknownVersion(version));
    }
    // 4.2.2.2: id 0 is a slot with no device; nothing else in it may be touched.
    let kind = DeviceKind(registers.read32(DEVICE_ID));
    if kind.0 == 0 {
        return Ok(None);
    }
    let transport = MmioTransport::new(registers, size, kind, version == 1);
    Ok(Some(Found {
        kind,
        version,
        transport,
    }))
}
