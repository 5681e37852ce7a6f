//! The SMSC LAN9118 Ethernet controller and its relatives (SMSC LAN9118 data sheet, revision 1.5).

use crate::board::{self, Block, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::table::table;
use crate::language::{Address, Interrupt, Number, Size};
use crate::machine::device::Device;
use crate::part::claims::{Claimed, Claims, Rule, Wiring};
use crate::part::draft::Machine;
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::sizes::{LEAST_SMALL_STACK, STACK_ALIGNMENT, check_block};
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// The SMSC LAN9118 Ethernet controller, and the LAN9115 to LAN9117, LAN9210, LAN9211, LAN9215 to
    /// LAN9218, LAN9220 and LAN9221, with a 32-bit bus.
    pub struct Lan9118 {
        /// The first address of the device's registers.
        base: Address => required,
        /// The size of the device's registers.
        size: Size => default("256 bytes"),
        /// The device's interrupt. Without it, the kernel reads the device every 10 ms.
        interrupt: Interrupt => optional,
        /// The largest number of frames in memory, received and to be sent: 1600 bytes for each that is
        /// in use at the same time. Frames beyond it are dropped, and counted.
        frames: Number<4, 1024> => default("64"),
        /// The size of the kernel's stack in an image that uses the device, instead of `memory.stack`: a
        /// multiple of 8 bytes. Only for an image that runs from flash.
        stack: Size => optional,
    }
}

/// The line stays asserted until the event is acknowledged (5.3.2); the driver makes it active high,
/// unless the board file states the opposite.
const USUAL: board::Trigger = board::Trigger::Level;

/// The memory of a frame, with the allocator's own, in bytes.
const FRAME: u64 = 1600;

/// The default size of the registers.
const USUAL_SIZE: u64 = 0x100;

impl Binding for Lan9118 {
    place!();

    fn claim(&self, claims: &mut Claims<'_>) {
        let rule = Rule::registers("a LAN9118", 0x100, 0x100);
        claims.device(&self.place, &self.base, &self.size, rule);
        let key = format!("{}.interrupt", self.place.path);
        claims.interrupts(&key, &self.interrupt, Some(1), Wiring::Shared, USUAL);
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, Self::KINDS)
            .model("lan9118")
            .registers(0, &self.place.path, &self.base, &self.size)
            .interrupt(0, &self.interrupt);
    }

    fn choices(&self) -> &'static [&'static str] {
        &["frames", "stack"]
    }

    fn check(&self, around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
        // Flash that is described as RAM is reported by the loader's check.
        let is_in_flash = around.loader.is_some_and(|loader| !loader.reports_ram())
            || around
                .memory
                .is_some_and(|memory| !memory.flash.is_absent());
        if is_in_flash {
            let (unit, least) = (STACK_ALIGNMENT, LEAST_SMALL_STACK);
            check_block(&self.stack, "the stack", unit, least, problems);
        } else if let Some(stack) = self.stack.get() {
            let title = format!("`{}.stack` has no effect", self.place.path);
            problems.report(
                Diagnostic::new(Code::BadQuantity, stack.at, title)
                    .label("the image does not run from flash: see `memory.stack`"),
            );
        }
        let ram = around.memory.and_then(|memory| memory.ram.value());
        let stated = ram.into_iter().flat_map(|ram| ram.iter());
        let mut stated = stated.map(|entry| entry.value.size.get().map(|size| size.value.0));
        let sum = stated.try_fold(0, |sum: u64, size| Some(sum.saturating_add(size?)));
        let (Some(frames), Some(ram)) = (self.frames.get(), sum) else {
            return;
        };
        let room = u64::from(frames.value.0) * FRAME;
        let stack = self.stack.get().filter(|_| is_in_flash);
        let needed = stack.map_or(room, |stack| room.saturating_add(stack.value.0));
        if ram > 0 && needed > ram {
            let frames_and_stack = match stack {
                Some(_) => format!("{} frames and the stack", frames.value.0),
                None => format!("{} frames", frames.value.0),
            };
            // The larger of both is the one to change.
            let stack = stack.filter(|stack| stack.value.0 > room);
            let at = stack.map_or(frames.at, |stack| stack.at);
            let title = format!("{frames_and_stack} do not fit into RAM");
            problems.report(Diagnostic::new(Code::RamTooSmall, at, title).label(format!(
                "they take {needed} bytes, and the board has {ram} bytes of RAM"
            )));
        }
    }
}

impl Driver for Lan9118 {
    const NAME: &'static str = "lan9118";
    const KINDS: &'static [&'static str] = &["smsc,lan9118", "smsc,lan9115"];
    const MODELS: &'static [&'static str] = &["lan9118"];
    type Resolved = board::Ethernet;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let registers = board::Range {
            base: self.base.value()?.0,
            size: self.size.value()?.0,
        };
        let interrupt = around.optional_number(&self.interrupt, USUAL)?;
        let active_low = interrupt.is_some_and(|line| line.trigger == board::Trigger::LevelLow);
        let frames = self.frames.value()?.0;
        let config = vec![
            ("registers", Value::Range(registers)),
            (
                "active_low",
                Value::path(if active_low { "true" } else { "false" }),
            ),
            ("frames", Value::Decimal(frames.into())),
        ];
        Some(board::Ethernet {
            interrupt,
            stack: self.stack.optional()?.map(|stack| stack.value.0),
            part: board::Part {
                key: self.place.path.clone(),
                card: format!("LAN9118, {frames} frames"),
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::ethernet::lan9118", "self"),
                        ("vmos_drivers::ethernet::lan9118", "Lan9118"),
                        ("vmos_drivers::mmio", "Mmio"),
                    ],
                    driver: "Lan9118<Mmio>".to_owned(),
                    config_type: "lan9118::Config".to_owned(),
                    config: Value::structure("lan9118::Config", config),
                    processor: Vec::new(),
                },
                registers: vec![Block::fixed(&self.place.path, registers.base, REGISTERS)],
                entry: Vec::new(),
            },
        })
    }

    fn import(machine: &Machine<'_>, device: &Device) -> Option<Section> {
        let section = Section::new("ethernet.lan9118");
        let section = machine.registers(section, device, USUAL_SIZE);
        Some(machine.own_interrupt(section, device))
    }
}

/// The registers for a debugger (5.3), without the FIFOs and RX_DROP, whose reading changes them.
const REGISTERS: &[(&str, u64, u8)] = &[
    ("ID_REV", 0x50, 4),
    ("IRQ_CFG", 0x54, 4),
    ("INT_STS", 0x58, 4),
    ("INT_EN", 0x5C, 4),
    ("FIFO_INT", 0x68, 4),
    ("RX_CFG", 0x6C, 4),
    ("TX_CFG", 0x70, 4),
    ("HW_CFG", 0x74, 4),
    ("RX_FIFO_INF", 0x7C, 4),
    ("TX_FIFO_INF", 0x80, 4),
    ("PMT_CTRL", 0x84, 4),
];
