//! The registers of a board's devices by name, for a debugger. Those whose reading changes something
//! (a received byte is gone, an interrupt is claimed) are left out.

use crate::Board;
use crate::board::{
    Console, HartModes, InterruptController, MachineTimer, MachineTimerRegisters, RegisterLayout,
    Registers, Rtc, TimeReference, Timer,
};

/// The registers of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The key of the description that tells where they are.
    pub key: String,
    /// The first address.
    pub base: u64,
    /// What there is.
    pub registers: Vec<Register>,
}

/// A register: its name in the device's manual, where it is from the base on, and its bytes.
pub type Register = (String, u64, u8);

/// Registers that every such device has at the same place.
type Fixed = &'static [(&'static str, u64, u8)];

/// Arm DDI 0183, 3.2.
const PL011: Fixed = &[
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

/// PC16550D, table II: by their numbers.
const NS16550: Fixed = &[("IER", 1, 1), ("LCR", 3, 1), ("MCR", 4, 1), ("SCR", 7, 1)];

/// Arm IHI 0048 and IHI 0069, the distributor.
const GICD: Fixed = &[
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
const GICC: Fixed = &[
    ("GICC_CTLR", 0x000, 4),
    ("GICC_PMR", 0x004, 4),
    ("GICC_BPR", 0x008, 4),
    ("GICC_RPR", 0x014, 4),
    ("GICC_HPPIR", 0x018, 4),
];

/// Arm IHI 0069, 12.10: the first redistributor, both of its frames.
const GICR: Fixed = &[
    ("GICR_CTLR", 0x0_0000, 4),
    ("GICR_TYPER", 0x0_0008, 8),
    ("GICR_WAKER", 0x0_0014, 4),
    ("GICR_ISENABLER0", 0x1_0100, 4),
    ("GICR_ISPENDR0", 0x1_0200, 4),
    ("GICR_ISACTIVER0", 0x1_0300, 4),
];

/// Arm IHI 0069, 12.19.
const GITS: Fixed = &[
    ("GITS_CTLR", 0x000, 4),
    ("GITS_TYPER", 0x008, 8),
    ("GITS_CBASER", 0x080, 8),
    ("GITS_CWRITER", 0x088, 8),
    ("GITS_CREADR", 0x090, 8),
    ("GITS_BASER0", 0x100, 8),
    ("GITS_BASER1", 0x108, 8),
];

/// Arm Server Base System Architecture, appendix E.
const V2M: Fixed = &[("MSI_TYPER", 0x008, 4), ("MSI_IIDR", 0xFCC, 4)];

/// SiFive FU540-C000 manual, table 24.
const CLINT: Fixed = &[
    ("msip0", 0x0000, 4),
    ("mtimecmp0", 0x4000, 8),
    ("mtime", 0xBFF8, 8),
];

/// IA-PC HPET specification 1.0a, 2.3.
const HPET: Fixed = &[
    ("GCAP_ID", 0x000, 8),
    ("GEN_CONF", 0x010, 8),
    ("GINTR_STA", 0x020, 8),
    ("MAIN_CNT", 0x0F0, 8),
];

/// Arm DDI 0224, 3.2.
const PL031: Fixed = &[
    ("RTCDR", 0x000, 4),
    ("RTCMR", 0x004, 4),
    ("RTCLR", 0x008, 4),
    ("RTCCR", 0x00C, 4),
    ("RTCIMSC", 0x010, 4),
    ("RTCRIS", 0x014, 4),
    ("RTCMIS", 0x018, 4),
];

/// Android's GOLDFISH-VIRTUAL-HARDWARE.TXT, section VI. Reading the time latches its other half.
const GOLDFISH: Fixed = &[("IRQ_ENABLED", 0x010, 4), ("ALARM_STATUS", 0x018, 4)];

/// Virtual I/O Device version 1.2, 4.2.2.
const VIRTIO: Fixed = &[
    ("MagicValue", 0x000, 4),
    ("Version", 0x004, 4),
    ("DeviceID", 0x008, 4),
    ("InterruptStatus", 0x060, 4),
    ("Status", 0x070, 4),
    ("ConfigGeneration", 0x0FC, 4),
];

/// Every device of the board that is known here. What others have is told by no fixed addresses, or
/// by ports.
#[must_use]
pub fn of(board: &Board) -> Vec<Device> {
    let mut devices = Vec::new();
    interrupt_controller(board, &mut devices);
    timer(board, &mut devices);
    match &board.console {
        Console::Pl011 { registers, .. } => {
            devices.push(device("console.pl011", registers.base, PL011));
        }
        Console::Ns16550 {
            registers: Registers::Memory(range),
            layout,
            ..
        } => devices.push(Device {
            key: "console.ns16550".to_owned(),
            base: range.base,
            registers: ns16550(*layout),
        }),
        Console::Ns16550 { .. } => {}
    }
    match &board.rtc {
        Some(Rtc::Pl031 { registers }) => devices.push(device("rtc.pl031", registers.base, PL031)),
        Some(Rtc::Goldfish { registers }) => {
            devices.push(device("rtc.goldfish", registers.base, GOLDFISH));
        }
        _ => {}
    }
    if let Some(slots) = &board.virtio_mmio {
        for slot in 0..slots.count {
            let base = slots.base + u64::from(slot) * slots.stride;
            devices.push(device(&format!("virtio-mmio.{slot}"), base, VIRTIO));
        }
    }
    devices
}

fn device(key: &str, base: u64, registers: Fixed) -> Device {
    let owned = |&(name, offset, width): &(&str, u64, u8)| (name.to_owned(), offset, width);
    Device {
        key: key.to_owned(),
        base,
        registers: registers.iter().map(owned).collect(),
    }
}

/// Each register is as wide as an access, and the stride away from the last.
fn ns16550(layout: RegisterLayout) -> Vec<Register> {
    let width = u8::try_from(layout.width).unwrap_or(1);
    let lies =
        |&(name, number, _): &(&str, u64, u8)| (name.to_owned(), number * layout.stride, width);
    NS16550.iter().map(lies).collect()
}

fn interrupt_controller(board: &Board, devices: &mut Vec<Device>) {
    let mut add = |part: &str, base, registers| {
        let key = format!("interrupt-controller.{part}");
        devices.push(device(&key, base, registers));
    };
    match &board.interrupt_controller {
        InterruptController::GicV2 {
            distributor,
            cpu_interface,
            v2m,
        } => {
            add("gic-v2.distributor", distributor.base, GICD);
            add("gic-v2.cpu-interface", cpu_interface.base, GICC);
            if let Some(frame) = v2m {
                add("gic-v2.v2m", frame.base, V2M);
            }
        }
        InterruptController::GicV3 {
            distributor,
            redistributors,
            its,
            ..
        } => {
            add("gic-v3.distributor", distributor.base, GICD);
            add("gic-v3.redistributors", *redistributors, GICR);
            if let Some(its) = its {
                add("gic-v3.its", its.base, GITS);
            }
        }
        InterruptController::Plic {
            registers,
            sources,
            contexts,
        } => devices.push(Device {
            key: "interrupt-controller.plic".to_owned(),
            base: registers.base,
            registers: plic(board, *sources, contexts.first().copied()),
        }),
        // All but the register that selects another is told by what is selected.
        InterruptController::Apic { .. } => {}
    }
}

/// RISC-V Platform-Level Interrupt Controller Specification 1.0.0, 3: the priority of each source
/// that the board uses, what is pending, and what the contexts of hart 0 let through.
fn plic(board: &Board, sources: u32, modes: Option<HartModes>) -> Vec<Register> {
    const WORD: u32 = u32::BITS;
    let mut registers: Vec<Register> = Vec::new();
    for claim in &board.interrupts {
        let lines = claim.what.number..claim.what.number + claim.what.count;
        registers.extend(lines.map(|line| (format!("priority{line}"), 4 * u64::from(line), 4)));
    }
    let words = sources / WORD + 1;
    for word in 0..words {
        let offset = 0x1000 + 4 * u64::from(word);
        registers.push((format!("pending{word}"), offset, 4));
    }
    let contexts: &[&str] = match modes {
        Some(HartModes::Machine) => &["M"],
        Some(HartModes::Supervisor) => &["S"],
        Some(HartModes::Both) | None => &["M", "S"],
    };
    for (context, mode) in (0_u64..).zip(contexts) {
        for word in 0..words {
            let offset = 0x2000 + 0x80 * context + 4 * u64::from(word);
            registers.push((format!("{mode} enable{word}"), offset, 4));
        }
        let offset = 0x20_0000 + 0x1000 * context;
        registers.push((format!("{mode} threshold"), offset, 4));
    }
    registers
}

fn timer(board: &Board, devices: &mut Vec<Device>) {
    /// Where the comparators are in a CLINT.
    const COMPARE: u64 = 0x4000;
    match &board.timer {
        Timer::Machine(MachineTimer {
            registers: MachineTimerRegisters::Clint,
            compare,
            ..
        }) => devices.push(device("timer.clint", compare.base - COMPARE, CLINT)),
        Timer::Machine(MachineTimer { compare, time, .. }) => {
            devices.push(device("timer.aclint", compare.base, &[("mtimecmp0", 0, 8)]));
            let time = time.map(|time| device("timer.aclint.time", time.base, &[("mtime", 0, 8)]));
            devices.extend(time);
        }
        Timer::LocalApic {
            reference: TimeReference::Hpet { registers },
        } => devices.push(device(
            "timer.local-apic.reference.hpet",
            registers.base,
            HPET,
        )),
        _ => {}
    }
}
