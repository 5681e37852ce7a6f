//! A virtio-mmio slot (virtio 1.2, 4.2.2): the registers that a driver sees of a device in this
//! process.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use std::os::fd::BorrowedFd;

use rustix::event::PollFlags;

use super::memory::as_device;
use super::ring::{Addresses, DeviceQueue};
use super::simulated::{self, Conduct, SlotFaults};
use crate::mmio::Registers;
use crate::virtio::DeviceKind;
use crate::virtio::transport::status;

/// The features of every device here: virtio 1.0, event indices and indirect descriptors (6).
const TRANSPORT_FEATURES: u64 = 1 << 32 | 1 << 29 | 1 << 28;
const EVENT_INDEX: u64 = 1 << 29;
const INDIRECT: u64 = 1 << 28;

/// The bits of the interrupt status (4.2.2).
const USED_BUFFERS: u32 = 1;
const CONFIGURATION: u32 = 2;

/// What a device does. Its registers and its queues are in its [`Slot`].
pub trait Device {
    /// Returns the device's kind.
    fn kind(&self) -> DeviceKind;

    /// Returns the features of the device's own, bits 0 to 23 (virtio 1.2, 2.2).
    fn features(&self) -> u64 {
        0
    }

    /// Returns the largest number of entries of each queue.
    fn queues(&self) -> &'static [u16];

    /// Returns the device configuration.
    fn config(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Does what can be done now: takes chains from the queues and returns those that are complete.
    /// Never waits. `None` is a queue that the driver has not set up.
    fn serve(&mut self, queues: &mut [Option<DeviceQueue>]);

    /// Forgets all chains. Afterwards the memory of the queues is the driver's.
    fn reset(&mut self) {}

    /// Returns the descriptor, with its events, that shows that [`serve`](Self::serve) has something to
    /// do although the driver did not notify the device; `None` if that cannot happen now.
    fn awaited(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        None
    }

    /// Returns when [`serve`](Self::serve) next has something to do on a simulated machine, in its
    /// nanoseconds.
    fn due(&self) -> Option<u64> {
        None
    }
}

/// A queue as the driver describes it before the device uses it.
#[derive(Clone, Copy, Default, Debug)]
struct Setting {
    size: u16,
    is_ready: bool,
    at: Addresses,
}

/// The registers of a slot, and the device in it.
pub struct Slot {
    device: Box<dyn Device>,
    status: u8,
    accepted: u64,
    /// Which half of the features the feature registers show.
    features_select: u32,
    /// Which queue the queue registers show.
    queue_select: usize,
    settings: Vec<Setting>,
    queues: Vec<Option<DeviceQueue>>,
    interrupt_status: u32,
    /// Whether the driver notified the device since it was served.
    is_notified: bool,
    /// What is wrong with the device, on a simulated machine.
    faults: SlotFaults,
}

impl Slot {
    /// Puts a device into a slot.
    #[must_use]
    pub fn new(device: impl Device + 'static) -> Self {
        let mut slot = Self {
            device: Box::new(device),
            status: 0,
            accepted: 0,
            features_select: 0,
            queue_select: 0,
            settings: Vec::new(),
            queues: Vec::new(),
            interrupt_status: 0,
            is_notified: false,
            faults: SlotFaults::default(),
        };
        slot.reset();
        slot
    }

    /// Lets the device do what can be done now.
    pub fn serve(&mut self) {
        as_device(|| self.serve_now());
    }

    fn serve_now(&mut self) {
        let is_notified = core::mem::take(&mut self.is_notified);
        if self.status & status::DRIVER_OK == 0 {
            return;
        }
        match self.faults.conduct(is_notified, self.device.kind().0) {
            Conduct::Serves => self.device.serve(&mut self.queues),
            Conduct::Waits => return,
            Conduct::NeedsReset => {
                self.status |= status::DEVICE_NEEDS_RESET;
                self.interrupt_status |= CONFIGURATION;
                return;
            }
            Conduct::Lies => {
                self.device.serve(&mut self.queues);
                SlotFaults::lie(&mut self.queues);
                self.interrupt_status |= USED_BUFFERS;
            }
        }
        // Each queue is asked, because each keeps what it has announced.
        for queue in self.queues.iter_mut().flatten() {
            if queue.announce() {
                self.interrupt_status |= USED_BUFFERS;
                self.faults.raise();
            }
        }
    }

    /// Returns whether the driver notified the device since it was last served.
    #[must_use]
    pub const fn is_notified(&self) -> bool {
        self.is_notified
    }

    /// Returns whether the slot's interrupt line is asserted.
    #[must_use]
    pub fn is_asserted(&self) -> bool {
        self.interrupt_status != 0 && self.faults.is_delivered()
    }

    /// Returns when the device next has something to do by itself, on a simulated machine.
    #[must_use]
    pub fn due(&self) -> Option<u64> {
        if self.status & status::DRIVER_OK == 0 {
            return None;
        }
        let device = self.device.due();
        let faults = self.faults.due(self.interrupt_status != 0);
        device.into_iter().chain(faults).min()
    }

    /// Returns what the device waits for. A device that the driver has not started waits for nothing.
    #[must_use]
    pub fn awaited(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        let is_started = self.status & status::DRIVER_OK != 0;
        is_started.then(|| self.device.awaited()).flatten()
    }

    fn reset(&mut self) {
        self.device.reset();
        self.faults.reset();
        let count = self.device.queues().len();
        (self.status, self.accepted, self.interrupt_status) = (0, 0, 0);
        self.settings = alloc::vec![Setting::default(); count];
        self.queues = (0..count).map(|_| None).collect();
    }

    fn offered(&self) -> u64 {
        let withheld = simulated::withheld();
        let indirect = if withheld & 1 == 0 { 0 } else { INDIRECT };
        let index = if withheld & 2 == 0 { 0 } else { EVENT_INDEX };
        TRANSPORT_FEATURES & !indirect & !index | self.device.features()
    }

    fn set_status(&mut self, value: u8) {
        if value == 0 {
            return self.reset();
        }
        // 2.2.2: features that were not offered are not agreed to.
        let agrees = self.accepted & !self.offered() == 0 && self.accepted >> 32 & 1 == 1;
        let refused = if agrees { 0 } else { status::FEATURES_OK };
        let starts = value & !self.status & status::DRIVER_OK != 0;
        self.status = value & !refused;
        if starts {
            let event_index = self.accepted & EVENT_INDEX != 0;
            let ready = self.settings.iter().map(|setting| {
                let Setting { size, at, .. } = *setting;
                setting
                    .is_ready
                    .then(|| DeviceQueue::new(at, size, event_index))
            });
            self.queues = ready.collect();
            // Chains may have been made available before the device was started.
            self.is_notified = true;
        }
    }

    fn setting(&mut self) -> &mut Setting {
        let selected = self.queue_select;
        &mut self.settings[selected]
    }

    fn config(&self, offset: usize, len: usize) -> u32 {
        let bytes = (offset..offset + len).rev();
        as_device(|| {
            let config = self.device.config();
            bytes.fold(0, |value, at| {
                value << 8 | u32::from(config.get(at).copied().unwrap_or_default())
            })
        })
    }
}

/// The registers of a slot as a driver sees them; without a device they read as those of an empty
/// slot.
#[derive(Clone)]
pub struct SlotRegisters(Option<Rc<RefCell<Slot>>>);

impl SlotRegisters {
    /// Returns the registers of a slot; `None` is an empty one.
    #[must_use]
    pub const fn new(slot: Option<Rc<RefCell<Slot>>>) -> Self {
        Self(slot)
    }
}

impl core::fmt::Debug for SlotRegisters {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SlotRegisters")
    }
}

/// The offsets of the registers (4.2.2).
mod register {
    pub(super) const MAGIC_VALUE: usize = 0x00;
    pub(super) const VERSION: usize = 0x04;
    pub(super) const DEVICE_ID: usize = 0x08;
    pub(super) const DEVICE_FEATURES: usize = 0x10;
    pub(super) const DEVICE_FEATURES_SELECT: usize = 0x14;
    pub(super) const DRIVER_FEATURES: usize = 0x20;
    pub(super) const DRIVER_FEATURES_SELECT: usize = 0x24;
    pub(super) const QUEUE_SELECT: usize = 0x30;
    pub(super) const QUEUE_SIZE_MAX: usize = 0x34;
    pub(super) const QUEUE_SIZE: usize = 0x38;
    pub(super) const QUEUE_READY: usize = 0x44;
    pub(super) const QUEUE_NOTIFY: usize = 0x50;
    pub(super) const INTERRUPT_STATUS: usize = 0x60;
    pub(super) const INTERRUPT_ACKNOWLEDGE: usize = 0x64;
    pub(super) const STATUS: usize = 0x70;
    pub(super) const DESCRIPTORS: usize = 0x80;
    pub(super) const AVAILABLE: usize = 0x90;
    pub(super) const USED: usize = 0xa0;
    pub(super) const CONFIG_GENERATION: usize = 0xfc;
    pub(super) const CONFIG: usize = 0x100;
}

impl Registers for SlotRegisters {
    fn read8(&self, offset: usize) -> u8 {
        self.config(offset, 1) as u8
    }

    fn read16(&self, offset: usize) -> u16 {
        self.config(offset, 2) as u16
    }

    fn read32(&self, offset: usize) -> u32 {
        let slot = self.0.as_ref().map(|slot| slot.borrow());
        match (offset, slot) {
            (register::MAGIC_VALUE, _) => u32::from_le_bytes(*b"virt"),
            (register::VERSION, _) => 2,
            (_, None) => 0,
            (register::DEVICE_ID, Some(slot)) => slot.device.kind().0,
            (register::DEVICE_FEATURES, Some(slot)) => {
                let shift = 32 * slot.features_select;
                slot.offered().checked_shr(shift).unwrap_or_default() as u32
            }
            (register::QUEUE_SIZE_MAX, Some(slot)) => {
                let size = slot.device.queues().get(slot.queue_select);
                size.copied().unwrap_or_default().into()
            }
            (register::QUEUE_READY, Some(slot)) => {
                let setting = slot.settings.get(slot.queue_select);
                setting.is_some_and(|setting| setting.is_ready).into()
            }
            (register::INTERRUPT_STATUS, Some(slot)) => slot.interrupt_status,
            (register::STATUS, Some(slot)) => slot.status.into(),
            (register::CONFIG_GENERATION, Some(_)) => 0,
            (register::CONFIG.., Some(slot)) => slot.config(offset - register::CONFIG, 4),
            _ => panic!("a virtio-mmio slot has no register to read at {offset:#x}"),
        }
    }

    fn read64(&self, offset: usize) -> u64 {
        panic!("a virtio-mmio slot has no 64-bit register at {offset:#x}")
    }

    fn write8(&self, offset: usize, _value: u8) {
        panic!("a virtio-mmio slot has no 8-bit register at {offset:#x}")
    }

    fn write16(&self, offset: usize, _value: u16) {
        panic!("a virtio-mmio slot has no 16-bit register at {offset:#x}")
    }

    fn write32(&self, offset: usize, value: u32) {
        let Some(slot) = &self.0 else {
            panic!("an empty virtio-mmio slot has no register to write at {offset:#x}")
        };
        let slot = &mut *slot.borrow_mut();
        match offset {
            register::DEVICE_FEATURES_SELECT | register::DRIVER_FEATURES_SELECT => {
                slot.features_select = value;
            }
            register::DRIVER_FEATURES if slot.features_select < 2 => {
                slot.accepted |= u64::from(value) << (32 * slot.features_select);
            }
            register::DRIVER_FEATURES => {}
            register::QUEUE_SELECT => slot.queue_select = value as usize,
            register::QUEUE_SIZE => slot.setting().size = value as u16,
            register::QUEUE_READY => slot.setting().is_ready = value == 1,
            register::QUEUE_NOTIFY => slot.is_notified = true,
            register::INTERRUPT_ACKNOWLEDGE => {
                slot.interrupt_status &= !value;
                if slot.faults.is_raised_again() {
                    slot.interrupt_status |= USED_BUFFERS;
                }
            }
            register::STATUS => as_device(|| slot.set_status(value as u8)),
            register::DESCRIPTORS..0xb0 => {
                let setting = slot.setting();
                let address = match offset & !0xf {
                    register::DESCRIPTORS => &mut setting.at.descriptors,
                    register::AVAILABLE => &mut setting.at.available,
                    register::USED => &mut setting.at.used,
                    _ => panic!("a virtio-mmio slot has no register to write at {offset:#x}"),
                };
                *address = match offset & 0xf {
                    0 => *address & !0xffff_ffff | u64::from(value),
                    4 => *address & 0xffff_ffff | u64::from(value) << 32,
                    _ => panic!("a virtio-mmio slot has no register to write at {offset:#x}"),
                };
            }
            _ => panic!("a virtio-mmio slot has no register to write at {offset:#x}"),
        }
    }

    fn write64(&self, offset: usize, _value: u64) {
        panic!("a virtio-mmio slot has no 64-bit register at {offset:#x}")
    }
}

impl SlotRegisters {
    fn config(&self, offset: usize, len: usize) -> u32 {
        let slot = self.0.as_ref().map(|slot| slot.borrow());
        match (offset.checked_sub(register::CONFIG), slot) {
            (Some(at), Some(slot)) => slot.config(at, len),
            _ => panic!("a virtio-mmio slot has no register of {len} bytes at {offset:#x}"),
        }
    }
}
