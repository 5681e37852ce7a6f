//! The timer of the nRF51 series (nRF51 Series Reference Manual 3.0, chapter 18).

use crate::board::{self, Architecture, Block, Value};
use crate::language::table::table;
use crate::language::{Address, Frequency, Interrupt, Size};
use crate::notation;
use crate::part::claims::{Claims, Extent, Rule, Wiring};
use crate::part::expect::Expected;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// The timer of the nRF51 series. Of the timers of a chip, only `TIMER0` counts with 32 bits, which
    /// the driver needs.
    pub struct Nrf51Timer {
        /// The first address of the device's registers.
        base: Address => required,
        /// The size of the device's registers.
        size: Size => default("4 KiB"),
        /// The timer's interrupt.
        interrupt: Interrupt => required,
        /// The frequency of HFCLK.
        clock: Frequency => required,
    }
}

/// An event asserts the interrupt until it is cleared (manual, 9.1.5).
const USUAL: board::Trigger = board::Trigger::Level;

impl Binding for Nrf51Timer {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::ArmV6M])
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        let rule = Rule::registers("a timer of the nRF51", 0x1000, 0x1000);
        let size = self.size.get().map(Extent::from);
        claims.range(&self.place.path, &self.base, size, rule);
        let key = format!("{}.interrupt", self.place.path);
        claims.interrupts(&key, &self.interrupt, Some(1), Wiring::Shared, USUAL);
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, Self::KINDS)
            .model("nrf51_soc.timer")
            .registers(0, &self.place.path, &self.base, &self.size)
            .interrupt(0, &self.interrupt)
            .clock(&self.clock);
    }

    /// Neither a device tree nor QEMU tells the frequency.
    fn choices(&self) -> &'static [&'static str] {
        &["clock"]
    }
}

impl Driver for Nrf51Timer {
    const NAME: &'static str = "nrf51-timer";
    const MODELS: &'static [&'static str] = &["nrf51_soc.timer"];
    type Resolved = board::Timer;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let registers = board::Range {
            base: self.base.value()?.0,
            size: self.size.value()?.0,
        };
        let clock = self.clock.value()?.0;
        let config = vec![
            ("registers", Value::Range(registers)),
            ("clock", Value::Decimal(clock)),
        ];
        Some(board::Timer {
            interrupt: Value::Interrupt(around.number(*self.interrupt.value()?, 1, USUAL)?),
            part: board::Part {
                key: self.place.path.clone(),
                card: format!("nRF51 timer, {}", notation::frequency(clock)),
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::mmio", "Mmio"),
                        ("vmos_drivers::timer::nrf51_timer", "self"),
                        ("vmos_drivers::timer::nrf51_timer", "Nrf51Timer"),
                    ],
                    driver: "Nrf51Timer<Mmio>".to_owned(),
                    config_type: "nrf51_timer::Config".to_owned(),
                    config: Value::structure("nrf51_timer::Config", config),
                    processor: Vec::new(),
                },
                registers: vec![Block::fixed(&self.place.path, registers.base, REGISTERS)],
                entry: Vec::new(),
            },
        })
    }
}

/// The registers for a debugger (manual, 18.2).
const REGISTERS: &[(&str, u64, u8)] = &[
    ("EVENTS_COMPARE1", 0x144, 4),
    ("INTENSET", 0x304, 4),
    ("MODE", 0x504, 4),
    ("BITMODE", 0x508, 4),
    ("PRESCALER", 0x510, 4),
    ("CC0", 0x540, 4),
    ("CC1", 0x544, 4),
];
