//! The machine timer of RISC-V machines, in a CLINT (SiFive) or an ACLINT (RISC-V Advanced Core
//! Local Interruptor 1.0).

use super::riscv::{self, Entered, check_reach};
use super::{Binding, Driver, place};
use crate::board::{self, Architecture, MachineTimer, MachineTimerRegisters, SupervisorTimer};
use crate::check::Claimed;
use crate::check::claims::{Claims, Extent, Rule};
use crate::description::scalar::choices;
use crate::description::table::table;
use crate::description::{Address, Description, Field, Frequency, Place, Size};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::machine::expect::Expected;

table! {
    /// A CLINT: a software interrupt and a timer for each hart, and one clock. Only accessible in M mode.
    pub struct Clint {
        /// The first address of its registers.
        base: Address => required,
        /// The size of its registers.
        size: Size => default("64 KiB"),
        /// The source of the time.
        clock: Clock => default("mtime"),
        /// The timer to use if firmware has started the kernel in S mode, for an image that supports both modes.
        supervisor: SupervisorTimer => optional,
        /// The frequency of the clock. Without it, the kernel reads it from the device tree.
        frequency: Frequency => optional,
    }
}

table! {
    /// The machine timer of an ACLINT, whose registers may be at any address.
    pub struct Aclint {
        /// The address of the comparators, one for each hart, from hart 0 on.
        mtimecmp: Address => required,
        /// The address of the clock.
        mtime: Address => required,
        /// The source of the time.
        clock: Clock => default("mtime"),
        /// The timer to use if firmware has started the kernel in S mode, for an image that supports both modes.
        supervisor: SupervisorTimer => optional,
        /// The frequency of the clock. Without it, the kernel reads it from the device tree.
        frequency: Frequency => optional,
    }
}

/// The source of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The `time` CSR.
    Csr,
    /// The register of the timer.
    Mtime,
}

choices! { Clock {
    Csr = "csr": "the hart's `time` CSR, which is faster; not every hart has it in M mode",
    Mtime = "mtime": "the timer's own register",
} }

choices! { SupervisorTimer {
    Sbi = "sbi": "the timer of SBI firmware",
    Sstc = "sstc": "the hart's own comparator (extension Sstc)",
} }

/// From the base of a CLINT to its comparators, and to its clock.
const COMPARATORS: u64 = 0x4000;
const CLOCK: u64 = 0xBFF8;
/// Those of 4095 harts (ACLINT 1.0, table 2.2), and one counter.
const COMPARATORS_SIZE: u64 = 0x7FF8;
const CLOCK_SIZE: u64 = 8;

/// Whether the image may start in S mode and what the timer is then must agree.
fn check_supervisor(
    place: &Place,
    supervisor: &Field<SupervisorTimer>,
    description: &Description,
    problems: &mut Problems,
) {
    let Some((entered, at)) = riscv::entered(description) else {
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
        _ => check_reach(place, Entered::Machine, description, problems),
    }
}

impl Binding for Clint {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(riscv::ALL)
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        let rule = Rule::registers("a CLINT", 0x1000, 0xC000);
        let size = self.size.get().map(Extent::from);
        claims.range(&self.place.path, &self.base, size, rule);
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, &["riscv,clint0", "sifive,clint0"])
            .registers(0, &self.place.path, &self.base, &self.size)
            .timebase(&self.frequency);
    }

    fn check(&self, description: &Description, _claimed: &Claimed, problems: &mut Problems) {
        check_supervisor(&self.place, &self.supervisor, description, problems);
    }
}

impl Driver for Clint {
    const NAME: &'static str = "clint";
    type Resolved = board::Timer;

    fn resolve(&self, _description: &Description) -> Option<Self::Resolved> {
        let base = self.base.value()?.0;
        let time = board::Range {
            base: base.checked_add(CLOCK)?,
            size: CLOCK_SIZE,
        };
        Some(board::Timer::Machine(MachineTimer {
            registers: MachineTimerRegisters::Clint,
            compare: board::Range {
                base: base.checked_add(COMPARATORS)?,
                size: COMPARATORS_SIZE,
            },
            time: (*self.clock.value()? == Clock::Mtime).then_some(time),
            supervisor: self.supervisor.optional()?.map(|timer| timer.value),
            frequency: self.frequency.optional()?.map(|one| one.value.0),
        }))
    }
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
    }

    fn expect(&self, expected: &mut Expected) {
        let key = |name| format!("{}.{name}", self.place.path);
        expected
            .part(&self.place, &["riscv,aclint-mtimer"])
            .registers(0, &key("mtime"), &self.mtime, &Field::Absent)
            .registers(1, &key("mtimecmp"), &self.mtimecmp, &Field::Absent)
            .timebase(&self.frequency);
    }

    fn check(&self, description: &Description, _claimed: &Claimed, problems: &mut Problems) {
        check_supervisor(&self.place, &self.supervisor, description, problems);
    }
}

impl Driver for Aclint {
    const NAME: &'static str = "aclint";
    type Resolved = board::Timer;

    fn resolve(&self, _description: &Description) -> Option<Self::Resolved> {
        let time = board::Range {
            base: self.mtime.value()?.0,
            size: CLOCK_SIZE,
        };
        Some(board::Timer::Machine(MachineTimer {
            registers: MachineTimerRegisters::Aclint,
            compare: board::Range {
                base: self.mtimecmp.value()?.0,
                size: COMPARATORS_SIZE,
            },
            time: (*self.clock.value()? == Clock::Mtime).then_some(time),
            supervisor: self.supervisor.optional()?.map(|timer| timer.value),
            frequency: self.frequency.optional()?.map(|one| one.value.0),
        }))
    }
}
