//! Finds the devices in a row of virtio-mmio slots (virtio 1.2, 4.2.2).

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

/// The magic value of a virtio-mmio slot: "virt" in little-endian letters.
const MAGIC: u32 = 0x7472_6976;
/// The size of the registers; the device configuration follows.
const SMALLEST_SLOT: usize = 0x100;

/// A device in a virtio-mmio slot.
#[derive(Debug)]
pub struct Found<R = Mmio> {
    /// The device's kind.
    pub kind: DeviceKind,
    /// The version of the register interface: 1 for legacy, 2 for virtio 1.0 and later.
    pub version: u32,
    /// The transport of the device.
    pub transport: MmioTransport<R>,
}

/// The reason why a slot does not contain a usable device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProbeError {
    /// The slot starts with this value instead of the magic value.
    NoMagic(u32),
    /// The register interface has this unknown version.
    UnknownVersion(u32),
    /// The board's slots have this size in bytes, which is smaller than the registers.
    SlotTooSmall(usize),
}

impl fmt::Display for ProbeError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMagic(value) => {
                write!(
                    f,
                    "there is no virtio-mmio slot here: its first register is {value:#x}"
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
    /// Returns the registers of slot `slot`; `None` if there is no such slot.
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

    /// Returns the interrupt of slot `slot`.
    #[must_use]
    pub const fn interrupt(&self, slot: u32) -> Interrupt {
        Interrupt {
            number: self.first_interrupt.number + slot,
            ..self.first_interrupt
        }
    }
}

/// Probes slot `slot`; returns `None` if it is empty or there is no such slot.
///
/// # Errors
///
/// Returns [`ProbeError`] if the slot does not match the board's description.
///
/// # Safety
///
/// `slots` must describe slots that exist and are mapped. Nothing else may drive the device in this
/// slot while the transport is in use.
pub unsafe fn probe(slots: &VirtioMmio, slot: u32) -> Result<Option<Found>, ProbeError> {
    let Some(range) = slots.registers(slot) else {
        return Ok(None);
    };
    // SAFETY: the caller guarantees that the slot exists and nothing else uses it.
    let registers = unsafe { Mmio::new(range) };
    probe_registers(registers, range.size as usize)
}

/// Probes the registers of one slot, `size` bytes; returns `None` if the slot is empty.
///
/// # Errors
///
/// As for [`probe`].
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
    // 4.2.2.2: id 0 marks an empty slot; no other register of it may be accessed.
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
