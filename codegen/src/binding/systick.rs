//! SysTick, the timer of the processors of Arm's M profile (Arm DDI 0403, B3.3).

use crate::board::{self, Architecture, Block, Value};
use crate::language::Frequency;
use crate::language::table::table;
use crate::machine::device::Device;
use crate::notation;
use crate::part::draft::Machine;
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// SysTick, the timer of the processor. Its registers and its exception are the same in all
    /// processors; a Cortex-M0 may lack it.
    pub struct SysTick {
        /// The frequency of the processor's clock.
        clock: Frequency => required,
    }
}

/// The exception number of SysTick (DDI 0403, B1.5.2).
const EXCEPTION: u32 = 15;

/// The address of its registers (DDI 0403, B3.3.1).
const BASE: u64 = 0xE000_E010;

impl Binding for SysTick {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(board::M_PROFILE)
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, Self::KINDS)
            .model("armv7m_systick")
            .clock(&self.clock)
            .clock_input("cpuclk", &self.clock);
    }
}

impl Driver for SysTick {
    const NAME: &'static str = "systick";
    const KINDS: &'static [&'static str] = &[
        "arm,armv7m-systick",
        "arm,armv6m-systick",
        "arm,armv8m-systick",
    ];
    type Resolved = board::Timer;

    fn import(machine: &Machine<'_>, device: &Device) -> Option<Section> {
        Some(machine.clock(Section::new("timer.systick"), device))
    }

    fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let clock = self.clock.value()?.0;
        let interrupt = board::Interrupt {
            number: EXCEPTION,
            count: 1,
            trigger: board::Trigger::Level,
        };
        Some(board::Timer {
            interrupt: Value::Interrupt(interrupt),
            part: board::Part {
                key: self.place.path.clone(),
                card: format!("SysTick, {}", notation::frequency(clock)),
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::mmio", "Mmio"),
                        ("vmos_drivers::timer::systick", "self"),
                        ("vmos_drivers::timer::systick", "SysTick"),
                    ],
                    driver: "SysTick<Mmio>".to_owned(),
                    config_type: "systick::Config".to_owned(),
                    config: Value::structure(
                        "systick::Config",
                        vec![("processor_clock", Value::Decimal(clock))],
                    ),
                    processor: Vec::new(),
                },
                registers: vec![Block::fixed(&self.place.path, BASE, REGISTERS)],
                entry: Vec::new(),
            },
        })
    }
}

/// The registers for a debugger, without SYST_CSR, because reading it clears a flag that the driver
/// needs.
const REGISTERS: &[(&str, u64, u8)] = &[
    ("SYST_RVR", 0x4, 4),
    ("SYST_CVR", 0x8, 4),
    ("SYST_CALIB", 0xC, 4),
];
