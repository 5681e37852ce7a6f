//! The generic timer of Arm processors (Arm ARM DDI 0487, D12).

use crate::board::{self, Architecture, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::scalar::choices;
use crate::language::table::table;
use crate::language::{Frequency, Interrupt, Place};
use crate::machine::device::Device;
use crate::machine::models::GENERIC_TIMER;
use crate::machine::processors;
use crate::notation;
use crate::part::claims::{Claimed, Claims, Wiring};
use crate::part::draft::Machine;
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// The generic timer of Arm processors.
    pub struct ArmGeneric {
        /// The counter and timer to use.
        counter: Counter => default("virtual"),
        /// The timer's interrupt.
        interrupt: Interrupt => required,
        /// The counter's frequency. Without it, the kernel reads it from CNTFRQ, which firmware has
        /// set.
        frequency: Frequency => optional,
    }
}

/// A generic timer of an Arm processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// The virtual counter and timer: `CNTVCT` and `CNTV`.
    Virtual,
    /// The physical counter and timer: `CNTPCT` and `CNTP`.
    Physical,
}

choices! { Counter {
    Virtual = "virtual": "CNTVCT and CNTV, which every exception level can use",
    Physical = "physical": "CNTPCT and CNTP",
} }

impl Binding for ArmGeneric {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::Aarch64, Architecture::Arm])
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        let key = format!("{}.interrupt", self.place.path);
        claims.interrupts(&key, &self.interrupt, Some(1), Wiring::Private, USUAL);
    }

    fn check(&self, around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
        let missing = missing(&self.place, around);
        missing
            .into_iter()
            .for_each(|missing| problems.report(missing));
    }

    fn expect(&self, expected: &mut Expected) {
        if let Some(counter) = self.counter.value() {
            expected
                .part(&self.place, Self::KINDS)
                .interrupt(nth(*counter), &self.interrupt)
                .timebase(&self.frequency);
        }
    }
}

/// Returns the error for a processor without a generic timer.
fn missing(place: &Place, around: &Surroundings<'_>) -> Option<Diagnostic> {
    let architecture = around.architecture()?.value;
    let cpu = around.qemu?.cpu.get()?;
    let name = processors::name(&cpu.value.0);
    if architecture != Architecture::Arm || processors::has_extensions(name) {
        return None;
    }
    let title = format!("the processor, {name}, has no generic timer");
    Some(
        Diagnostic::new(Code::WrongArchitecture, place.at, title)
            .label("only in processors with the large physical address extension")
            .also(cpu.at, "the processor")
            .help("describe the timer that the machine has instead"),
    )
}

/// Returns the index of the timer's interrupt in the `interrupts` property of its device tree node
/// (Linux, Documentation/devicetree/bindings/timer/arm,arch_timer.yaml).
fn nth(counter: Counter) -> usize {
    match counter {
        Counter::Physical => 1,
        Counter::Virtual => 2,
    }
}

/// The timer's output is level-sensitive (DDI 0487, D12.2.4).
const USUAL: board::Trigger = board::Trigger::Level;

impl Driver for ArmGeneric {
    const NAME: &'static str = "arm-generic";
    const KINDS: &'static [&'static str] = &["arm,armv8-timer", "arm,armv7-timer"];
    const MODELS: &'static [&'static str] = &[GENERIC_TIMER];
    type Resolved = board::Timer;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let frequency = self.frequency.optional()?.map(|one| one.value.0);
        let (counter, described) = match self.counter.value()? {
            Counter::Virtual => ("arm_generic::Counter::Virtual", "virtual counter"),
            Counter::Physical => ("arm_generic::Counter::Physical", "physical counter"),
        };
        let rate = frequency.map_or_else(
            || String::from("at the frequency in CNTFRQ"),
            notation::frequency,
        );
        let config = vec![
            ("counter", Value::path(counter)),
            ("frequency", Value::optional(frequency.map(Value::Decimal))),
        ];
        Some(board::Timer {
            interrupt: Value::Interrupt(around.number(*self.interrupt.value()?, 1, USUAL)?),
            part: board::Part {
                key: self.place.path.clone(),
                card: format!("Arm generic, {described}, {rate}"),
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::timer::arm_generic", "self"),
                        ("vmos_drivers::timer::arm_generic", "ArmGeneric"),
                    ],
                    driver: "ArmGeneric<P>".to_owned(),
                    config_type: "arm_generic::Config".to_owned(),
                    config: Value::structure("arm_generic::Config", config),
                    processor: vec!["arm_generic::SystemRegisters"],
                },
                registers: Vec::new(),
                // CNTFRQ contains the frequency if firmware has set it.
                entry: frequency
                    .map(|hertz| ("frequency", hertz))
                    .into_iter()
                    .collect(),
            },
        })
    }

    fn import(machine: &Machine<'_>, timer: &Device) -> Option<Section> {
        let section =
            Section::new("timer.arm-generic").note("the virtual timer; its frequency is in CNTFRQ");
        if timer.is(&[GENERIC_TIMER]) {
            let what = "the PPI of the virtual timer; 11 on most machines (Arm BSA)";
            return Some(section.todo("interrupt", "{ ppi = 11 }", what));
        }
        let interrupt = timer
            .interrupts
            .get(nth(Counter::Virtual))
            .copied()
            .flatten()?;
        Some(machine.interrupt(section, "interrupt", interrupt))
    }
}
