//! The system timer of Arm's SSE subsystems for microcontrollers (Arm 101370, "System timer").

use super::block::{self, block};
use crate::board::{self, Architecture, Block, Trigger, Value};
use crate::language::table::table;
use crate::language::{Address, Frequency, Interrupt, Size};
use crate::notation;
use crate::part::claims::{Claims, Rule, Wiring};
use crate::part::expect::Expected;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// A system timer of Arm's SSE subsystems for microcontrollers, such as SSE-300.
    pub struct SseTimer {
        /// The first address of the timer's registers.
        base: Address => required,
        /// The size of the timer's registers.
        size: Size => default("4 KiB"),
        /// The control frame of the system counter, which the kernel starts.
        counter: Counter => required,
        /// The interrupt of the timer.
        interrupt: Interrupt => required,
        /// The frequency of the system counter.
        clock: Frequency => required,
    }
}

block! {
    /// The control frame of the system counter (Arm 101370, "System counter").
    pub struct Counter: "the control frame of a system counter", "4 KiB", 0x1000, 0x1000
}

/// The interrupt is asserted while the counter is at or after the comparator.
const USUAL: Trigger = Trigger::Level;

/// The size of the timer's registers, in bytes.
const REGISTERS_SIZE: u64 = 0x1000;

impl Binding for SseTimer {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(board::M_PROFILE)
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        let rule = Rule::registers("a system timer", REGISTERS_SIZE, REGISTERS_SIZE);
        claims.device(&self.place, &self.base, &self.size, rule);
        block::claim(&self.place, "counter", &self.counter, claims);
        let key = format!("{}.interrupt", self.place.path);
        claims.interrupts(&key, &self.interrupt, Some(1), Wiring::Shared, USUAL);
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, Self::KINDS)
            .model("sse-timer")
            .registers(0, &self.place.path, &self.base, &self.size)
            .interrupt(0, &self.interrupt)
            .clock(&self.clock);
        if let Some(counter) = self.counter.value() {
            expected
                .part(&counter.place, &[])
                .model("sse-counter")
                .registers(0, &counter.place.path, &counter.base, &counter.size)
                .clock_input("CLK", &self.clock);
        }
    }
}

/// Not imported: QEMU's list of devices does not contain the addresses of a subsystem's parts.
impl Driver for SseTimer {
    const NAME: &'static str = "sse-timer";
    type Resolved = board::Timer;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let registers = board::Range {
            base: self.base.value()?.0,
            size: self.size.value()?.0,
        };
        let counter = block::range(self.counter.value()?)?;
        let clock = self.clock.value()?.0;
        let path = &self.place.path;
        Some(board::Timer {
            interrupt: Value::Interrupt(around.number(*self.interrupt.value()?, 1, USUAL)?),
            part: board::Part {
                key: path.clone(),
                card: format!("SSE system timer, {}", notation::frequency(clock)),
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::mmio", "Mmio"),
                        ("vmos_drivers::timer::sse_timer", "self"),
                        ("vmos_drivers::timer::sse_timer", "SseTimer"),
                    ],
                    driver: "SseTimer<Mmio>".to_owned(),
                    config_type: "sse_timer::Config".to_owned(),
                    config: Value::structure(
                        "sse_timer::Config",
                        vec![
                            ("registers", Value::Range(registers)),
                            ("counter", Value::Range(counter)),
                            ("clock", Value::Decimal(clock)),
                        ],
                    ),
                    processor: Vec::new(),
                },
                registers: vec![
                    Block::fixed(path, registers.base, REGISTERS),
                    Block::fixed(&format!("{path}.counter"), counter.base, COUNTER_REGISTERS),
                ],
                entry: Vec::new(),
            },
        })
    }
}

/// The registers of the timer for a debugger.
const REGISTERS: &[(&str, u64, u8)] = &[
    ("CNTPCT_LO", 0x00, 4),
    ("CNTPCT_HI", 0x04, 4),
    ("CNTP_CVAL_LO", 0x20, 4),
    ("CNTP_CVAL_HI", 0x24, 4),
    ("CNTP_CTL", 0x2C, 4),
];

/// The registers of the counter for a debugger.
const COUNTER_REGISTERS: &[(&str, u64, u8)] = &[("CNTCR", 0x00, 4), ("CNTSR", 0x04, 4)];
