//! The registers of a board's devices by name, for a debugger. Those whose reading changes something
//! (a received byte is gone, an interrupt is claimed) are left out.

use crate::Board;
use crate::board::{Console, InterruptController, Registers};

/// The registers of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The key of the description that tells where they are.
    pub key: String,
    /// The first address.
    pub base: u64,
    /// What there is.
    pub registers: &'static [Register],
}

/// A register: its name in the device's manual, where it is from the base on, and its bytes.
pub type Register = (&'static str, u64, u8);

/// Arm DDI 0183, 3.2.
const PL011: &[Register] = &[
    ("UARTFR", 0x018, 4),
    ("UARTIBRD", 0x024, 4),
    ("UARTFBRD", 0x028, 4),
    ("UARTLCR_H", 0x02C, 4),
    ("UARTCR", 0x030, 4),
    ("UARTIFLS", 0x034, 4),
    ("UARTIMSC", 0x038, 4),
    ("UARTRIS", 0x03C, 4),
    ("UARTMIS", 0x040, 4),
];

/// PC16550D, table II, where a register takes one byte.
const NS16550: &[Register] = &[("IER", 1, 1), ("LCR", 3, 1), ("MCR", 4, 1), ("SCR", 7, 1)];

/// Arm IHI 0048 and IHI 0069, the distributor.
const GICD: &[Register] = &[
    ("GICD_CTLR", 0x000, 4),
    ("GICD_TYPER", 0x004, 4),
    ("GICD_IIDR", 0x008, 4),
    ("GICD_ISENABLER0", 0x100, 4),
    ("GICD_ISENABLER1", 0x104, 4),
    ("GICD_ISENABLER2", 0x108, 4),
    ("GICD_ISPENDR0", 0x200, 4),
    ("GICD_ISPENDR1", 0x204, 4),
    ("GICD_ISPENDR2", 0x208, 4),
    ("GICD_ISACTIVER0", 0x300, 4),
    ("GICD_ISACTIVER1", 0x304, 4),
];

/// Arm IHI 0048, 4.1.3.
const GICC: &[Register] = &[
    ("GICC_CTLR", 0x000, 4),
    ("GICC_PMR", 0x004, 4),
    ("GICC_BPR", 0x008, 4),
    ("GICC_RPR", 0x014, 4),
    ("GICC_HPPIR", 0x018, 4),
];

/// Arm IHI 0069, 12.10: the first redistributor, both of its frames.
const GICR: &[Register] = &[
    ("GICR_CTLR", 0x0_0000, 4),
    ("GICR_TYPER", 0x0_0008, 8),
    ("GICR_WAKER", 0x0_0014, 4),
    ("GICR_ISENABLER0", 0x1_0100, 4),
    ("GICR_ISPENDR0", 0x1_0200, 4),
    ("GICR_ISACTIVER0", 0x1_0300, 4),
];

/// Virtual I/O Device version 1.2, 4.2.2.
const VIRTIO: &[Register] = &[
    ("MagicValue", 0x000, 4),
    ("Version", 0x004, 4),
    ("DeviceID", 0x008, 4),
    ("InterruptStatus", 0x060, 4),
    ("Status", 0x070, 4),
    ("ConfigGeneration", 0x0FC, 4),
];

/// Every device of the board that is known here.
#[must_use]
pub fn of(board: &Board) -> Vec<Device> {
    let mut devices = Vec::new();
    let mut add = |key: &str, base: u64, registers| {
        devices.push(Device {
            key: key.to_owned(),
            base,
            registers,
        });
    };
    match &board.interrupt_controller {
        InterruptController::GicV2 {
            distributor,
            cpu_interface,
            ..
        } => {
            add(
                "interrupt-controller.gic-v2.distributor",
                distributor.base,
                GICD,
            );
            add(
                "interrupt-controller.gic-v2.cpu-interface",
                cpu_interface.base,
                GICC,
            );
        }
        InterruptController::GicV3 {
            distributor,
            redistributors,
            ..
        } => {
            add(
                "interrupt-controller.gic-v3.distributor",
                distributor.base,
                GICD,
            );
            add(
                "interrupt-controller.gic-v3.redistributors",
                *redistributors,
                GICR,
            );
        }
        // What others have is told by no fixed names, or by ports.
        _ => {}
    }
    match &board.console {
        Console::Pl011 { registers, .. } => add("console.pl011", registers.base, PL011),
        Console::Ns16550 {
            registers: Registers::Memory(range),
            layout,
            ..
        } if layout.stride == 1 => add("console.ns16550", range.base, NS16550),
        _ => {}
    }
    if let Some(slots) = &board.virtio_mmio {
        for slot in 0..slots.count {
            let base = slots.base + u64::from(slot) * slots.stride;
            add(&format!("virtio-mmio.{slot}"), base, VIRTIO);
        }
    }
    devices
}
