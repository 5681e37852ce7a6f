//! The registers of the simulated device: virtio-mmio (4.2.2, 4.2.4) and the common configuration
//! of virtio-pci (4.1.4.3).

use super::{FakeDevice, QueueState, State};
use crate::mmio::Registers;

impl State {
    fn reset(&mut self) {
        if !self.resets {
            return;
        }
        self.status = 0;
        self.accepted = 0;
        self.isr = 0;
        self.config_vector = 0xffff;
        for queue in &mut self.queues {
            *queue = QueueState {
                max: queue.max,
                vector: 0xffff,
                ..QueueState::default()
            };
        }
    }

    fn set_status(&mut self, status: u8) {
        if status == 0 {
            return self.reset();
        }
        self.status = if self.agrees { status } else { status & !8 };
    }

    fn queue(&mut self) -> &mut QueueState {
        let selected = self.selected;
        &mut self.queues[selected]
    }

    fn config(&mut self, offset: usize, len: usize) -> u64 {
        if self.tears > 0 && offset != 0 {
            self.tears -= 1;
            self.generation += 1;
            for byte in &mut self.config {
                *byte = byte.wrapping_add(1);
            }
        }
        let bytes = &self.config[offset..offset + len];
        bytes
            .iter()
            .rev()
            .fold(0, |value, byte| value << 8 | u64::from(*byte))
    }

    fn feature_half(&self) -> u32 {
        (self.offered >> (32 * self.feature_select)) as u32
    }

    fn accept_half(&mut self, bits: u32) {
        self.accepted |= u64::from(bits) << (32 * self.feature_select);
    }
}

fn low(place: &mut u64, value: u32) {
    *place = *place & !0xffff_ffff | u64::from(value);
}

fn high(place: &mut u64, value: u32) {
    *place = *place & 0xffff_ffff | u64::from(value) << 32;
}

/// A virtio-mmio slot.
#[derive(Clone)]
pub(crate) struct MmioRegisters(pub(crate) FakeDevice);

impl Registers for MmioRegisters {
    fn read8(&self, offset: usize) -> u8 {
        let mut state = self.0.0.borrow_mut();
        state.reads += 1;
        state.config(offset - 0x100, 1) as u8
    }

    fn read16(&self, offset: usize) -> u16 {
        let mut state = self.0.0.borrow_mut();
        state.reads += 1;
        state.config(offset - 0x100, 2) as u16
    }

    fn read32(&self, offset: usize) -> u32 {
        let mut state = self.0.0.borrow_mut();
        state.reads += 1;
        let legacy = state.version == 1;
        match offset {
            0x00 => 0x7472_6976,
            0x04 => state.version,
            0x08 => state.kind,
            0x10 => state.feature_half(),
            0x34 => {
                let selected = state.selected;
                state.queues.get(selected).map_or(0, |queue| queue.max)
            }
            0x40 if legacy => state.queue().pfn,
            0x44 if !legacy => u32::from(state.queue().ready),
            0x60 => state.isr,
            0x70 => u32::from(state.status),
            0xfc if !legacy => state.generation,
            0x100.. => state.config(offset - 0x100, 4) as u32,
            _ => panic!(
                "no register to read at {offset:#x} in version {}",
                state.version
            ),
        }
    }

    fn read64(&self, offset: usize) -> u64 {
        panic!("virtio-mmio has no 64-bit register at {offset:#x}")
    }

    fn write8(&self, offset: usize, _value: u8) {
        panic!("virtio-mmio has no 8-bit register at {offset:#x}")
    }

    fn write16(&self, offset: usize, _value: u16) {
        panic!("virtio-mmio has no 16-bit register at {offset:#x}")
    }

    fn write32(&self, offset: usize, value: u32) {
        let mut state = self.0.0.borrow_mut();
        state.writes += 1;
        let legacy = state.version == 1;
        match offset {
            0x14 | 0x24 => state.feature_select = value,
            0x20 => state.accept_half(value),
            0x28 if legacy => state.page_size = value,
            0x30 => state.selected = value as usize,
            0x38 => state.queue().size = value,
            0x3c if legacy => state.queue().align = value,
            0x40 if legacy => state.queue().pfn = value,
            0x44 if !legacy => state.queue().ready = value == 1,
            0x50 => {
                assert_ne!(state.status & 4, 0, "a kick before DRIVER_OK");
                state.kicks.push(value as u16);
            }
            0x64 => state.isr &= !value,
            0x70 => state.set_status(value as u8),
            0x80 if !legacy => low(&mut state.queue().descriptors, value),
            0x84 if !legacy => high(&mut state.queue().descriptors, value),
            0x90 if !legacy => low(&mut state.queue().available, value),
            0x94 if !legacy => high(&mut state.queue().available, value),
            0xa0 if !legacy => low(&mut state.queue().used, value),
            0xa4 if !legacy => high(&mut state.queue().used, value),
            0x100.. => {
                let place = state.config.get_mut(offset - 0x100..offset - 0x100 + 4);
                place
                    .expect("the field is in the configuration")
                    .copy_from_slice(&value.to_le_bytes());
            }
            _ => panic!(
                "no register to write at {offset:#x} in version {}",
                state.version
            ),
        }
    }

    fn write64(&self, offset: usize, _value: u64) {
        panic!("virtio-mmio has no 64-bit register at {offset:#x}")
    }
}

/// The registers of one structure of a virtio-pci function; `kind` is its `cfg_type`.
#[derive(Clone)]
pub(crate) struct CommonRegisters {
    pub(crate) device: FakeDevice,
    pub(crate) kind: u8,
}

impl Registers for CommonRegisters {
    fn read8(&self, offset: usize) -> u8 {
        let mut state = self.device.0.borrow_mut();
        state.reads += 1;
        match (self.kind, offset) {
            (1, 0x14) => state.status,
            (1, 0x15) => state.generation as u8,
            (3, 0) => core::mem::take(&mut state.isr) as u8,
            (4, _) => state.config(offset, 1) as u8,
            _ => panic!(
                "no 8-bit register at {offset:#x} of structure {}",
                self.kind
            ),
        }
    }

    fn read16(&self, offset: usize) -> u16 {
        let mut state = self.device.0.borrow_mut();
        state.reads += 1;
        match (self.kind, offset) {
            (1, 0x10) => state.config_vector,
            (1, 0x18) => {
                let selected = state.selected;
                state
                    .queues
                    .get(selected)
                    .map_or(0, |queue| queue.max as u16)
            }
            (1, 0x1a) => state.queue().vector,
            (1, 0x1c) => u16::from(state.queue().ready),
            (1, 0x1e) => state.selected as u16,
            (4, _) => state.config(offset, 2) as u16,
            _ => panic!(
                "no 16-bit register at {offset:#x} of structure {}",
                self.kind
            ),
        }
    }

    fn read32(&self, offset: usize) -> u32 {
        let mut state = self.device.0.borrow_mut();
        state.reads += 1;
        match (self.kind, offset) {
            (1, 0x04) => state.feature_half(),
            (4, _) => state.config(offset, 4) as u32,
            _ => panic!(
                "no 32-bit register at {offset:#x} of structure {}",
                self.kind
            ),
        }
    }

    fn read64(&self, offset: usize) -> u64 {
        panic!("no 64-bit register at {offset:#x}")
    }

    fn write8(&self, offset: usize, value: u8) {
        let mut state = self.device.0.borrow_mut();
        state.writes += 1;
        match (self.kind, offset) {
            (1, 0x14) => state.set_status(value),
            _ => panic!(
                "no 8-bit register at {offset:#x} of structure {}",
                self.kind
            ),
        }
    }

    fn write16(&self, offset: usize, value: u16) {
        let mut state = self.device.0.borrow_mut();
        state.writes += 1;
        let vector = if value < state.vectors { value } else { 0xffff };
        match (self.kind, offset) {
            (1, 0x10) => state.config_vector = vector,
            (1, 0x16) => state.selected = usize::from(value),
            (1, 0x18) => state.queue().size = u32::from(value),
            (1, 0x1a) => state.queue().vector = vector,
            (1, 0x1c) => state.queue().ready = value == 1,
            (2, _) => {
                assert_eq!(
                    offset,
                    4 * usize::from(value),
                    "the doorbell of another queue"
                );
                state.kicks.push(value);
            }
            _ => panic!(
                "no 16-bit register at {offset:#x} of structure {}",
                self.kind
            ),
        }
    }

    fn write32(&self, offset: usize, value: u32) {
        let mut state = self.device.0.borrow_mut();
        state.writes += 1;
        match (self.kind, offset) {
            (1, 0x00 | 0x08) => state.feature_select = value,
            (1, 0x0c) => state.accept_half(value),
            (1, 0x20) => low(&mut state.queue().descriptors, value),
            (1, 0x24) => high(&mut state.queue().descriptors, value),
            (1, 0x28) => low(&mut state.queue().available, value),
            (1, 0x2c) => high(&mut state.queue().available, value),
            (1, 0x30) => low(&mut state.queue().used, value),
            (1, 0x34) => high(&mut state.queue().used, value),
            _ => panic!(
                "no 32-bit register at {offset:#x} of structure {}",
                self.kind
            ),
        }
    }

    fn write64(&self, offset: usize, _value: u64) {
        panic!("no 64-bit register at {offset:#x}")
    }
}
