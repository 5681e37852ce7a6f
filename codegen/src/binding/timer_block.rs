//! Timers that are a block of registers with one interrupt and a stated clock.

use crate::board::{self, Block, Trigger, Value};
use crate::language::{Address, Field, Frequency, Interrupt, Place, Size};
use crate::machine::device::Device;
use crate::notation;
use crate::part::claims::{Claims, Rule, Wiring};
use crate::part::draft::Machine;
use crate::part::expect::{Expected, Part};
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;

/// The interrupt stays asserted until the driver clears it (Arm DDI 0271, 2.2.5; Arm DDI 0407, 4.4.4; nRF51
/// Series Reference Manual 3.0, 9.1.5).
const USUAL: Trigger = Trigger::Level;

/// The names, offsets and sizes of a timer's registers for a debugger, without those that reading changes.
pub(super) type Registers = &'static [(&'static str, u64, u8)];

/// The registers that an SP804 (Arm DDI 0271, 3.2) and the dual timer of Arm's Cortex-M System Design Kit
/// (Arm DDI 0479, 4.4.2) have in common.
pub(super) const DUAL_TIMER: Registers = &[
    ("Timer1Value", 0x04, 4),
    ("Timer1Control", 0x08, 4),
    ("Timer2Load", 0x20, 4),
    ("Timer2Value", 0x24, 4),
    ("Timer2Control", 0x28, 4),
    ("Timer2RIS", 0x30, 4),
];

/// The keys of such a timer.
pub(super) struct TimerBlock<'a> {
    pub(super) place: &'a Place,
    pub(super) base: &'a Field<Address>,
    pub(super) size: &'a Field<Size>,
    pub(super) interrupt: &'a Field<Interrupt>,
    pub(super) clock: &'a Field<Frequency>,
}

/// Returns the keys of a table that has exactly these.
macro_rules! timer_block {
    ($table:expr) => {
        $crate::binding::timer_block::TimerBlock {
            place: &$table.place,
            base: &$table.base,
            size: &$table.size,
            interrupt: &$table.interrupt,
            clock: &$table.clock,
        }
    };
}

pub(super) use timer_block;

/// The driver of such a timer.
pub(super) struct TimerDriver {
    /// The name of the device for readers.
    pub(super) title: &'static str,
    /// The path of the driver's module, which contains `Config` too.
    pub(super) path: &'static str,
    /// The driver's type in that module.
    pub(super) name: &'static str,
    /// The registers for a debugger.
    pub(super) registers: Registers,
}

impl TimerBlock<'_> {
    /// Claims the registers and the interrupt.
    pub(super) fn claim(&self, rule: Rule, wiring: Wiring, claims: &mut Claims<'_>) {
        claims.device(self.place, self.base, self.size, rule);
        let key = format!("{}.interrupt", self.place.path);
        claims.interrupts(&key, self.interrupt, Some(1), wiring, USUAL);
    }

    /// Expects a device of one of `kinds`, or QEMU's `model`, with these keys.
    pub(super) fn expect<'e>(
        &self,
        kinds: &'static [&'static str],
        model: &'static str,
        expected: &'e mut Expected,
    ) -> &'e mut Part {
        expected
            .part(self.place, kinds)
            .model(model)
            .registers(0, &self.place.path, self.base, self.size)
            .interrupt(0, self.interrupt)
            .clock(self.clock)
    }

    /// Returns the timer for the emitters.
    pub(super) fn resolve(
        &self,
        driver: &TimerDriver,
        around: &Surroundings<'_>,
    ) -> Option<board::Timer> {
        let registers = board::Range {
            base: self.base.value()?.0,
            size: self.size.value()?.0,
        };
        let clock = self.clock.value()?.0;
        let config = vec![
            ("registers", Value::Range(registers)),
            ("clock", Value::Decimal(clock)),
        ];
        let (_, module) = driver.path.rsplit_once("::")?;
        let config_type = format!("{module}::Config");
        Some(board::Timer {
            interrupt: Value::Interrupt(around.number(*self.interrupt.value()?, 1, USUAL)?),
            part: board::Part {
                key: self.place.path.clone(),
                card: format!("{}, {}", driver.title, notation::frequency(clock)),
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::mmio", "Mmio"),
                        (driver.path, "self"),
                        (driver.path, driver.name),
                    ],
                    driver: format!("{}<Mmio>", driver.name),
                    config: Value::structure(&config_type, config),
                    config_type,
                    processor: Vec::new(),
                },
                registers: vec![Block::fixed(
                    &self.place.path,
                    registers.base,
                    driver.registers,
                )],
                entry: Vec::new(),
            },
        })
    }
}

/// Returns the table `name` for a machine that has `device`, whose registers have `size` bytes unless the
/// machine states another size.
pub(super) fn import(
    name: &'static str,
    size: u64,
    machine: &Machine<'_>,
    device: &Device,
) -> Section {
    let section = machine.registers(Section::new(name), device, size);
    machine.clock(machine.own_interrupt(section, device), device)
}
