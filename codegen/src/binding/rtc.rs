//! Real-time clocks with registers in memory: the Arm PrimeCell PL031 (Arm DDI 0224), and the
//! goldfish RTC (Android, `docs/GOLDFISH-VIRTUAL-HARDWARE.TXT`, section VI).

use crate::board::{self, Block, Value};
use crate::language::table::table;
use crate::language::{Address, Interrupt, Size, hexadecimal};
use crate::machine::device::Device;
use crate::part::claims::{Claims, Rule, Wiring};
use crate::part::draft::Machine;
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// The Arm PrimeCell PL031 real-time clock.
    pub struct Pl031 {
        /// The first address of the device's registers.
        base: Address => required,
        /// The size of the device's registers.
        size: Size => default("4 KiB"),
        /// The interrupt of the clock's alarm, which the kernel does not use.
        interrupt: Interrupt => optional,
    }
}

table! {
    /// The goldfish real-time clock of Android's and of RISC-V's virtual machines.
    pub struct Goldfish {
        /// The first address of the device's registers.
        base: Address => required,
        /// The size of the device's registers.
        size: Size => default("4 KiB"),
        /// The interrupt of the clock's alarm, which the kernel does not use.
        interrupt: Interrupt => optional,
    }
}

/// The alarm interrupt of both clocks is level-triggered: it stays asserted until it is cleared
/// (DDI 0224, 2.2.2).
const USUAL: board::Trigger = board::Trigger::Level;

/// Implements the bindings of both clocks, which differ only in names and in the unit that they
/// count.
macro_rules! clock {
    ($Clock:ident, $name:literal, $what:literal, $compatible:literal, $model:literal, $registers:expr) => {
        impl Binding for $Clock {
            place!();

            fn claim(&self, claims: &mut Claims<'_>) {
                let rule = Rule::registers($what, 0x1000, 0x1000);
                claims.device(&self.place, &self.base, &self.size, rule);
                let key = format!("{}.interrupt", self.place.path);
                claims.interrupts(&key, &self.interrupt, Some(1), Wiring::Shared, USUAL);
            }

            fn expect(&self, expected: &mut Expected) {
                expected
                    .part(&self.place, &[$compatible])
                    .model($model)
                    .registers(0, &self.place.path, &self.base, &self.size)
                    .interrupt(0, &self.interrupt);
            }
        }

        impl Driver for $Clock {
            const NAME: &'static str = $name;
            const KINDS: &'static [&'static str] = &[$compatible];
            const MODELS: &'static [&'static str] = &[$model];
            type Resolved = board::Part;

            fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
                let registers = board::Range {
                    base: self.base.value()?.0,
                    size: self.size.value()?.0,
                };
                Some(board::Part {
                    key: self.place.path.clone(),
                    card: String::new(),
                    code: Self::code(Some(registers)),
                    registers: vec![Block::fixed(&self.place.path, registers.base, $registers)],
                    entry: Vec::new(),
                })
            }

            fn import(machine: &Machine<'_>, device: &Device) -> Option<Section> {
                let registers = device.registers.first().copied().flatten()?;
                let size = Some(registers.size).filter(|size| *size != USUAL_SIZE);
                let section = Section::new(concat!("rtc.", $name))
                    .line("base", hexadecimal(registers.base))
                    .optional("size", size.map(|size| Size(size).written()));
                Some(machine.own_interrupt(section, device))
            }
        }

        impl $Clock {
            /// The driver and configuration of the clock for `board.rs`; only the types if the
            /// board has no clock.
            pub(crate) fn code(registers: Option<board::Range>) -> board::Code {
                board::Code {
                    imports: vec![
                        ("vmos_drivers::address", "Range"),
                        ("vmos_drivers::mmio", "Mmio"),
                        (concat!("vmos_drivers::rtc::", $name), stringify!($Clock)),
                    ],
                    driver: concat!(stringify!($Clock), "<Mmio>").to_owned(),
                    config_type: "Range".to_owned(),
                    config: Value::optional(registers.map(Value::Range)),
                    processor: Vec::new(),
                }
            }
        }
    };
}

/// The default size of the registers. An imported file leaves this key out if the size is the
/// default.
const USUAL_SIZE: u64 = 0x1000;

/// The registers of the PL031 (DDI 0224, 3.2).
const PL031: &[(&str, u64, u8)] = &[
    ("RTCDR", 0x000, 4),
    ("RTCMR", 0x004, 4),
    ("RTCLR", 0x008, 4),
    ("RTCCR", 0x00C, 4),
    ("RTCIMSC", 0x010, 4),
    ("RTCRIS", 0x014, 4),
    ("RTCMIS", 0x018, 4),
];

/// The registers of the goldfish clock (GOLDFISH-VIRTUAL-HARDWARE.TXT, section VI), without those
/// of the time: reading one half latches the other.
const GOLDFISH: &[(&str, u64, u8)] = &[("IRQ_ENABLED", 0x010, 4), ("ALARM_STATUS", 0x018, 4)];

clock!(Pl031, "pl031", "a PL031", "arm,pl031", "pl031", PL031);
clock!(
    Goldfish,
    "goldfish",
    "a goldfish RTC",
    "google,goldfish-rtc",
    "goldfish_rtc",
    GOLDFISH
);
