//! The machine timer of RISC-V machines, in a CLINT (core-local interruptor, SiFive) or an ACLINT
//! (RISC-V Advanced Core Local Interruptor 1.0).

use super::relays;
use super::riscv::{self, check_reach};
use super::supervisor_timer::{self, SupervisorTimer};
use crate::board::{self, Architecture, Block, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::scalar::choices;
use crate::language::table::table;
use crate::language::{Address, Field, Frequency, Place, Size, hexadecimal};
use crate::machine::device::Device;
use crate::part::Entered;
use crate::part::claims::{Claimed, Claims, Extent, Rule};
use crate::part::draft::{Machine, register};
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// A CLINT: a software interrupt and a timer for each hart, and one clock. Only accessible in M
    /// mode.
    pub struct Clint {
        /// The first address of the device's registers.
        base: Address => required,
        /// The size of the device's registers.
        size: Size => default("64 KiB"),
        /// The source of the time.
        clock: Clock => default("mtime"),
        /// The timer to use if firmware has started the kernel in S mode, for an image that
        /// supports both modes.
        supervisor: SupervisorTimer => optional,
        /// The frequency of the clock. Without it, the kernel reads it from the device tree.
        frequency: Frequency => optional,
    }
}

table! {
    /// The machine timer of an ACLINT, whose registers may be at any address.
    pub struct Aclint {
        /// The address of the software interrupts, one register for each hart, from hart 0 on: the
        /// base of the MSWI device. Required in M mode if the harts of other sockets pass their
        /// interrupts on to the kernel's hart.
        msip: Address => optional,
        /// The address of the comparators, one for each hart, from hart 0 on.
        mtimecmp: Address => required,
        /// The address of the clock.
        mtime: Address => required,
        /// The source of the time.
        clock: Clock => default("mtime"),
        /// The timer to use if firmware has started the kernel in S mode, for an image that
        /// supports both modes.
        supervisor: SupervisorTimer => optional,
        /// The frequency of the clock. Without it, the kernel reads it from the device tree.
        frequency: Frequency => optional,
    }
}

/// Where the kernel reads the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The `time` CSR.
    Csr,
    /// The memory-mapped register `mtime`.
    Mtime,
}

choices! { Clock {
    Csr = "csr": "the hart's `time` CSR, which is faster; not every hart has it in M mode",
    Mtime = "mtime": "the timer's own register",
} }

/// The offsets of the comparators and of the clock from the base of a CLINT.
const COMPARATORS: u64 = 0x4000;
const CLOCK: u64 = 0xBFF8;
/// The size of the comparators of 4095 harts (ACLINT 1.0, table 2.2), and of one counter.
const COMPARATORS_SIZE: u64 = 0x7FF8;
const CLOCK_SIZE: u64 = 8;

/// Reports a fallback timer for S mode if the image cannot start in S mode, and a missing one if it
/// can.
fn check_supervisor(
    place: &Place,
    supervisor: &Field<SupervisorTimer>,
    around: &Surroundings<'_>,
    problems: &mut Problems,
) {
    let Some((entered, at)) = riscv::entered(around) else {
        return;
    };
    match (entered, supervisor) {
        (Entered::Either, Field::Absent) => {
            let title = format!("[{}] needs `supervisor`", place.path);
            problems.report(
                Diagnostic::new(Code::MissingKey, place.at, title)
                    .label("not accessible once firmware has started the kernel in S mode")
                    .also(at, "this leaves room for firmware")
                    .help("write supervisor = \"sbi\""),
            );
        }
        (Entered::Machine, Field::Given(given)) => {
            let title = format!("`{}` is never used", given.path);
            problems.report(
                Diagnostic::new(Code::WrongMode, given.at, title)
                    .label("the kernel is not started in S mode")
                    .also(at, "the kernel is entered in M mode, without firmware"),
            );
        }
        _ => check_reach(place, Entered::Machine, around, problems),
    }
}

/// A machine timer with all defaults applied.
struct Resolved<'t> {
    place: &'t Place,
    /// The device that contains the registers, as text for readers: a CLINT or an ACLINT.
    card: &'static str,
    /// The range of the `mtimecmp` registers, one for each hart, from hart 0 on.
    compare: board::Range,
    /// The address of `mtime`, if the kernel reads the time there; otherwise it reads the `time`
    /// CSR.
    time: Option<board::Range>,
    /// The timer to use instead if firmware starts the kernel in S mode.
    supervisor: Option<SupervisorTimer>,
    /// The frequency in Hz if the description states it; otherwise the kernel reads it from the
    /// device tree.
    frequency: Option<u64>,
    registers: Vec<Block>,
}

impl Resolved<'_> {
    fn timer(self) -> board::Timer {
        let config = vec![
            ("compare", Value::Range(self.compare)),
            ("time", Value::optional(self.time.map(Value::Range))),
            (
                "frequency",
                Value::optional(self.frequency.map(Value::Decimal)),
            ),
        ];
        let mut code = board::Code {
            imports: vec![
                ("vmos_drivers::timer::mtimer", "self"),
                ("vmos_drivers::timer::mtimer", "Mtimer"),
                ("vmos_drivers::mmio", "Mmio"),
                ("vmos_drivers::riscv", "self"),
            ],
            driver: "Mtimer<Mmio, P>".to_owned(),
            config_type: "mtimer::Config".to_owned(),
            config: Value::structure("mtimer::Config", config),
            processor: vec!["riscv::Hart", "riscv::Timebase"],
        };
        code.imports.push(riscv::TIMER_IMPORT);
        let clock = match self.time {
            Some(_) => "",
            None => ", time from the `time` CSR",
        };
        let rate = supervisor_timer::rate(self.frequency);
        let mut card = format!("{}{clock}, {rate}", self.card);
        if let Some(timer) = self.supervisor {
            let other = timer.code(self.frequency);
            code.imports.push(("vmos_drivers::timer", "ByMode"));
            code.imports.extend(other.imports);
            code.driver = format!("ByMode<{}, {}, P>", code.driver, other.driver);
            code.config_type = format!("({}, {})", code.config_type, other.config_type);
            code.config = Value::Pair(Box::new(code.config), Box::new(other.config));
            code.processor.extend(other.processor);
            card += &format!("; in S mode {}", timer.described());
        }
        board::Timer {
            interrupt: Value::path(riscv::TIMER_INTERRUPT),
            part: board::Part {
                key: self.place.path.clone(),
                card,
                code,
                registers: self.registers,
                entry: Vec::new(),
            },
        }
    }
}

/// Adds the keys of an imported timer that follow from QEMU's harts and from the image's modes.
fn imported(machine: &Machine<'_>, section: Section) -> Section {
    // QEMU's harts have the register; a device tree does not show whether others do.
    let section = match machine.origin.qemu {
        Some(_) => section.line("clock", "\"csr\""),
        None => section,
    };
    match machine.takes_firmware() {
        true => section.line("supervisor", "\"sbi\""),
        false => section,
    }
}

/// The names, offsets and widths in bytes of a CLINT's registers (SiFive FU540-C000 manual, table
/// 24).
const CLINT: &[(&str, u64, u8)] = &[
    ("msip0", 0x0000, 4),
    ("mtimecmp0", COMPARATORS, 8),
    ("mtime", CLOCK, 8),
];

impl Binding for Clint {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(riscv::ALL)
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        let rule = Rule::registers("a CLINT", 0x1000, 0xC000);
        claims.device(&self.place, &self.base, &self.size, rule);
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, Self::KINDS)
            .registers(0, &self.place.path, &self.base, &self.size)
            .timebase(&self.frequency);
    }

    fn software_interrupts(&self) -> Option<&Field<Address>> {
        Some(&self.base)
    }

    fn check(&self, around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
        check_supervisor(&self.place, &self.supervisor, around, problems);
    }
}

impl Driver for Clint {
    const NAME: &'static str = "clint";
    const KINDS: &'static [&'static str] = &["riscv,clint0", "sifive,clint0"];
    type Resolved = board::Timer;

    fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let base = self.base.value()?.0;
        let time = board::Range {
            base: base.checked_add(CLOCK)?,
            size: CLOCK_SIZE,
        };
        let resolved = Resolved {
            place: &self.place,
            card: "CLINT",
            compare: board::Range {
                base: base.checked_add(COMPARATORS)?,
                size: COMPARATORS_SIZE,
            },
            time: (*self.clock.value()? == Clock::Mtime).then_some(time),
            supervisor: self.supervisor.optional()?.map(|timer| timer.value),
            frequency: self.frequency.optional()?.map(|one| one.value.0),
            registers: vec![Block::fixed(&self.place.path, base, CLINT)],
        };
        Some(resolved.timer())
    }

    fn import(machine: &Machine<'_>, clint: &Device) -> Option<Section> {
        if !machine.is_risc_v() || machine.has_firmware() {
            return None;
        }
        let registers = register(clint, 0)?;
        let section = Section::new("timer.clint")
            .note("the frequency is in the device tree")
            .line("base", hexadecimal(registers.base))
            .line("size", Size(registers.size).written());
        Some(imported(machine, section))
    }
}

/// Returns the addresses of the comparators and of the clock from the properties of QEMU's model.
fn by_model(timer: &Device) -> Option<(u64, u64)> {
    let base = timer.base()?;
    let at = |name| base.checked_add(timer.number(name)?.into());
    Some((at("timecmp-base")?, at("time-base")?))
}

impl Binding for Aclint {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(riscv::ALL)
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        let registers = [
            ("mtimecmp", &self.mtimecmp, COMPARATORS_SIZE, "comparators"),
            ("mtime", &self.mtime, CLOCK_SIZE, "a machine timer's clock"),
        ];
        for (name, base, bytes, what) in registers {
            let rule = Rule::registers(what, 8, 8);
            let size = base.get().map(|base| Extent { bytes, at: base.at });
            claims.range(&format!("{}.{name}", self.place.path), base, size, rule);
        }
        relays::claim(&self.place, &self.msip, claims);
    }

    fn expect(&self, expected: &mut Expected) {
        let key = |name| format!("{}.{name}", self.place.path);
        expected
            .part(&self.place, Self::KINDS)
            .registers(0, &key("mtime"), &self.mtime, &Field::Absent)
            .registers(1, &key("mtimecmp"), &self.mtimecmp, &Field::Absent)
            .timebase(&self.frequency);
        relays::expect(&self.msip, expected);
    }

    fn software_interrupts(&self) -> Option<&Field<Address>> {
        Some(&self.msip)
    }

    fn check(&self, around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
        check_supervisor(&self.place, &self.supervisor, around, problems);
    }
}

impl Driver for Aclint {
    const NAME: &'static str = "aclint";
    const KINDS: &'static [&'static str] = &["riscv,aclint-mtimer"];
    const MODELS: &'static [&'static str] = &["riscv.aclint.mtimer"];
    type Resolved = board::Timer;

    fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let time = board::Range {
            base: self.mtime.value()?.0,
            size: CLOCK_SIZE,
        };
        let compare = board::Range {
            base: self.mtimecmp.value()?.0,
            size: COMPARATORS_SIZE,
        };
        let time = (*self.clock.value()? == Clock::Mtime).then_some(time);
        let path = &self.place.path;
        let first = Block::fixed(path, compare.base, &[("mtimecmp0", 0, 8)]);
        let clock =
            time.map(|time| Block::fixed(&format!("{path}.time"), time.base, &[("mtime", 0, 8)]));
        let resolved = Resolved {
            place: &self.place,
            card: "ACLINT",
            compare,
            time,
            supervisor: self.supervisor.optional()?.map(|timer| timer.value),
            frequency: self.frequency.optional()?.map(|one| one.value.0),
            registers: [first].into_iter().chain(clock).collect(),
        };
        Some(resolved.timer())
    }

    /// The register order in the device tree: the clock first, then the comparators (Linux,
    /// Documentation/devicetree/bindings/timer/riscv,aclint-mtimer.yaml).
    fn import(machine: &Machine<'_>, timer: &Device) -> Option<Section> {
        if !machine.is_risc_v() || machine.has_firmware() {
            return None;
        }
        if let Some((mtimecmp, mtime)) = by_model(timer) {
            let frequency = timer.number("timebase-freq").map(u64::from);
            let section = Section::new("timer.aclint")
                .line("mtimecmp", hexadecimal(mtimecmp))
                .line("mtime", hexadecimal(mtime))
                .optional(
                    "frequency",
                    frequency.map(|hertz| Frequency(hertz).written()),
                );
            return Some(imported(machine, section));
        }
        let section = Section::new("timer.aclint")
            .note("the frequency is in the device tree")
            .optional("msip", relays::of_first_socket(machine).map(hexadecimal))
            .line("mtimecmp", hexadecimal(register(timer, 1)?.base))
            .line("mtime", hexadecimal(register(timer, 0)?.base));
        Some(imported(machine, section))
    }
}
