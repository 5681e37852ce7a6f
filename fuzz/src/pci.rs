//! Simulates the configuration space of a PCI bus with functions that the bytes define.

use std::cell::RefCell;

use vmos_drivers::address::{PhysicalAddress, Range};
use vmos_drivers::board::{BarAssignment, PciHostBridge};
use vmos_drivers::pci::capability::Capabilities;
use vmos_drivers::pci::msix::TableLocation;
use vmos_drivers::pci::{self, Address, ConfigurationSpace};
use vmos_drivers::virtio;

/// The length of a function's header.
const HEADER: usize = 256;
/// The number of functions over which the bytes are repeated.
const FUNCTIONS: usize = 16;

/// Registers that keep written values, as far as a mask from the bytes allows.
struct Space {
    registers: RefCell<Vec<u32>>,
    steps: RefCell<u32>,
}

impl Space {
    fn place(address: Address, offset: u16) -> usize {
        let function = usize::from(address.requester()) % FUNCTIONS;
        (function * HEADER + usize::from(offset % 256)) / 4
    }
}

impl ConfigurationSpace for Space {
    fn buses(&self) -> u16 {
        4
    }

    fn read(&self, address: Address, offset: u16) -> u32 {
        let mut steps = self.steps.borrow_mut();
        *steps += 1;
        assert!(*steps < 1_000_000, "the enumeration does not end");
        let registers = self.registers.borrow();
        registers
            .get(Self::place(address, offset))
            .copied()
            .unwrap_or(u32::MAX)
    }

    fn write(&mut self, address: Address, offset: u16, value: u32) {
        if let Some(register) = self
            .registers
            .borrow_mut()
            .get_mut(Self::place(address, offset))
        {
            // A BAR keeps its low bits, like that of a device with some size.
            *register = match offset {
                0x10..0x28 => value & !0xfff | *register & 0xf,
                _ => value,
            };
        }
    }
}

/// Enumerates a bus and reads every function.
pub fn pci(bytes: &[u8]) {
    let mut registers: Vec<u32> = bytes
        .chunks(4)
        .take(FUNCTIONS * HEADER / 4)
        .map(|chunk| {
            let mut word = [0xff; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            u32::from_le_bytes(word)
        })
        .collect();
    registers.resize(FUNCTIONS * HEADER / 4, u32::MAX);
    let mut space = Space {
        registers: RefCell::new(registers),
        steps: RefCell::new(0),
    };
    let window = |base: u64, size| Range::new(PhysicalAddress(base), size);
    for bars in [BarAssignment::Kernel, BarAssignment::Firmware] {
        let host = PciHostBridge {
            bars,
            memory32: window(0x1000_0000, 0x1000_0000),
            memory64: window(0x80_0000_0000, 0x80_0000_0000),
            pins: &[],
            message_interrupts: true,
        };
        let (functions, _) = pci::enumerate(&mut space, &host);
        for function in &functions {
            let capabilities = Capabilities::new(&space, function.address);
            assert!(capabilities.count() <= 48);
            let _ = virtio::pci::kind(function);
            let _ = TableLocation::find(&space, function);
            for index in 0..6 {
                let _ = function.bar_range(index);
            }
        }
    }
}
