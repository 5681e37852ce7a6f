//! The timers of S mode on RISC-V: that of SBI firmware (SBI 2.0, chapter 6), and that of the hart
//! itself (Sstc 1.0).

use super::riscv::{self, out_of_reach};
use crate::board::{self, Architecture, Value};
use crate::diagnostic::Problems;
use crate::language::Frequency;
use crate::language::scalar::choices;
use crate::language::table::table;
use crate::machine::device::Device;
use crate::notation;
use crate::part::Entered;
use crate::part::claims::Claimed;
use crate::part::draft::Machine;
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// The timer of SBI firmware.
    pub struct SbiTimer {
        /// The frequency of the `time` CSR. Without it, the kernel reads it from the device tree.
        frequency: Frequency => optional,
    }
}

table! {
    /// The S-mode timer of a hart with the extension Sstc.
    pub struct SstcTimer {
        /// The frequency of the `time` CSR. Without it, the kernel reads it from the device tree.
        frequency: Frequency => optional,
    }
}

/// A timer of S mode on RISC-V.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SupervisorTimer {
    /// The timer of SBI firmware.
    Sbi,
    /// The timer of the hart itself, with the extension Sstc.
    Sstc,
}

choices! { SupervisorTimer {
    Sbi = "sbi": "the timer of SBI firmware",
    Sstc = "sstc": "the hart's own comparator (extension Sstc)",
} }

impl SupervisorTimer {
    /// The timer's name as text for readers.
    pub(super) const fn described(self) -> &'static str {
        match self {
            Self::Sbi => "the timer of SBI firmware",
            Self::Sstc => "the hart's own timer (Sstc)",
        }
    }

    /// The timer's driver and configuration for `board.rs`.
    pub(super) fn code(self, frequency: Option<u64>) -> board::Code {
        let mut imports = vec![("vmos_drivers::timer::supervisor", "self")];
        let (driver, processor) = match self {
            Self::Sbi => {
                imports.push(("vmos_drivers::timer::supervisor", "SbiTimer"));
                imports.push(("vmos_drivers::riscv", "self"));
                ("SbiTimer<P>", vec!["riscv::Firmware", "riscv::Timebase"])
            }
            Self::Sstc => {
                imports.push(("vmos_drivers::timer::supervisor", "SstcTimer"));
                ("SstcTimer<P>", vec!["supervisor::Sstc"])
            }
        };
        let stated = Value::optional(frequency.map(Value::Decimal));
        board::Code {
            imports,
            driver: driver.to_owned(),
            config_type: "supervisor::Config".to_owned(),
            config: Value::Call("supervisor::Config::stating".to_owned(), Box::new(stated)),
            processor,
        }
    }
}

/// The frequency of a RISC-V machine's clock as text for readers.
pub(super) fn rate(stated: Option<u64>) -> String {
    stated.map_or_else(
        || String::from("at the frequency in the device tree"),
        notation::frequency,
    )
}

/// Adds to a timer's table what an import knows of its frequency.
fn stated(machine: &Machine<'_>, section: Section) -> Section {
    match machine.has_tables() {
        true => section.note("the frequency is in the device tree"),
        false => section.todo(
            "frequency",
            "\"10 MHz\"",
            "the frequency of the `time` CSR: see the manual, or a device tree",
        ),
    }
}

macro_rules! supervisor_timer {
    ($Timer:ident, $name:literal, $kind:ident) => {
        impl Binding for $Timer {
            place!();

            fn architectures() -> Option<&'static [Architecture]> {
                Some(riscv::ALL)
            }

            fn expect(&self, expected: &mut Expected) {
                let part = expected.part(&self.place, &[]).timebase(&self.frequency);
                if matches!(SupervisorTimer::$kind, SupervisorTimer::Sstc) {
                    part.extension("sstc");
                }
            }

            fn check(&self, around: &Surroundings<'_>, _: &Claimed, problems: &mut Problems) {
                // It is the only timer, so the kernel must never be entered in M mode.
                match riscv::entered(around) {
                    None | Some((Entered::Supervisor, _)) => {}
                    Some((_, at)) => {
                        problems.report(out_of_reach(&self.place, Entered::Supervisor, at));
                    }
                }
            }
        }

        impl Driver for $Timer {
            const NAME: &'static str = $name;
            type Resolved = board::Timer;

            fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
                let frequency = self.frequency.optional()?.map(|one| one.value.0);
                let timer = SupervisorTimer::$kind;
                let mut code = timer.code(frequency);
                code.imports.push(riscv::TIMER_IMPORT);
                Some(board::Timer {
                    interrupt: Value::path(riscv::TIMER_INTERRUPT),
                    part: board::Part {
                        key: self.place.path.clone(),
                        card: format!("{}, {}", timer.described(), rate(frequency)),
                        code,
                        registers: Vec::new(),
                        entry: Vec::new(),
                    },
                })
            }

            fn import(machine: &Machine<'_>, _device: &Device) -> Option<Section> {
                let isa = machine.facts.devices.iter();
                let mut isa = isa.filter_map(|device| device.word("riscv,isa"));
                let has_sstc = isa.any(|isa| isa.contains("_sstc"));
                let is_it = has_sstc == matches!(SupervisorTimer::$kind, SupervisorTimer::Sstc);
                (machine.has_firmware() && is_it)
                    .then(|| stated(machine, Section::new(concat!("timer.", $name))))
            }
        }
    };
}

supervisor_timer!(SbiTimer, "sbi", Sbi);
supervisor_timer!(SstcTimer, "sstc", Sstc);
