//! The requirement that the kernel's mode can access a part, common to parts of RISC-V machines.

use crate::board::Architecture;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::{Field, Located, Place, Space};
use crate::machine::device::Device;
use crate::part::Entered;
use crate::part::claims::Claimed;
use crate::part::draft::Machine;
use crate::part::surroundings::Surroundings;
use crate::source::Location;

/// The architectures of RISC-V: 64 and 32 bits.
pub(super) const ALL: &[Architecture] = &[Architecture::Riscv64, Architecture::Riscv32];

/// The interrupt of a hart's own timer: the constant in the drivers of interrupt controllers, and
/// its module.
pub(super) const TIMER_INTERRUPT: &str = "riscv::TIMER";
pub(super) const TIMER_IMPORT: (&str, &str) = ("vmos_drivers::riscv", "self");

/// The cause numbers of supervisor and machine external interrupts, by which the node of an
/// interrupt controller says what mode it delivers to (RISC-V privileged architecture, table of
/// `mcause`).
pub(super) const SUPERVISOR_EXTERNAL: u32 = 9;
pub(super) const MACHINE_EXTERNAL: u32 = 11;

/// Returns how many harts controllers of `kinds` at `bases` deliver to in `mode`, from hart 0 on, if
/// the machine has another controller of the kind that delivers to further harts; otherwise `None`.
pub(super) fn reach(
    devices: &[Device],
    kinds: &[&str],
    bases: &[u64],
    mode: Entered,
) -> Option<u32> {
    let cause = cause_of(mode);
    let harts = |device: &Device| {
        let causes = device.interrupts.iter();
        causes.filter(|one| **one == Some(cause)).count()
    };
    let is_described = |device: &&Device| device.base().is_some_and(|base| bases.contains(&base));
    let all = devices.iter().filter(|device| device.is(kinds));
    let (described, others): (Vec<&Device>, Vec<&Device>) = all.partition(is_described);
    let reached: usize = described.into_iter().map(harts).sum();
    let is_partial = reached > 0 && others.into_iter().any(|other| harts(other) > 0);
    is_partial.then(|| u32::try_from(reached).unwrap_or(u32::MAX))
}

/// Reports a hart that QEMU does not start; `label` is its meaning.
pub(super) fn check_hart(
    hart: &Located<u32>,
    label: &str,
    around: &Surroundings<'_>,
    problems: &mut Problems,
) {
    let started = around.qemu.and_then(|qemu| qemu.processors());
    let Some((count, argument)) = started.filter(|(count, _)| hart.value >= *count) else {
        return;
    };
    let title = format!("QEMU does not start hart {}", hart.value);
    let harts = match count {
        1 => "this starts hart 0 only".to_owned(),
        count => format!("this starts harts 0 to {}", count - 1),
    };
    problems.report(
        Diagnostic::new(Code::BadNumber, hart.at, title)
            .label(label)
            .also(argument.at, harts),
    );
}

/// Returns the external interrupt of a mode. Firmware enters the kernel in S mode.
pub(super) fn cause_of(mode: Entered) -> u32 {
    match mode {
        Entered::Machine => MACHINE_EXTERNAL,
        Entered::Supervisor | Entered::Either => SUPERVISOR_EXTERNAL,
    }
}

/// Returns the modes in which the kernel may be entered on an imported machine, each with the key
/// for its registers and its external interrupt.
pub(super) fn modes_of(machine: &Machine<'_>) -> Vec<(&'static str, u32)> {
    let mut modes = Vec::new();
    if !machine.has_firmware() {
        modes.push(("machine", MACHINE_EXTERNAL));
    }
    if machine.has_firmware() || machine.takes_firmware() {
        modes.push(("supervisor", SUPERVISOR_EXTERNAL));
    }
    modes
}

/// Checks the table `name` of `place`, which has the registers for one mode: it must be there
/// exactly if the kernel may be entered in this mode.
pub(super) fn check_for_mode<T>(
    place: &Place,
    name: &str,
    table: &Field<T>,
    mode: Entered,
    around: &Surroundings<'_>,
    problems: &mut Problems,
) {
    let Some((entered, at)) = entered(around) else {
        return;
    };
    let letter = match mode {
        Entered::Machine => "M",
        Entered::Supervisor | Entered::Either => "S",
    };
    let is_entered = entered == mode || entered == Entered::Either;
    let problem = match (table, is_entered) {
        (Field::Absent, true) => {
            let title = format!("[{}] needs `{name}`", place.path);
            Diagnostic::new(Code::MissingKey, place.at, title)
                .label(format!("it delivers to no hart in {letter} mode"))
                .also(at, format!("the kernel may be entered in {letter} mode"))
        }
        (Field::Given(given), false) => {
            let title = format!("`{}` is never used", given.path);
            Diagnostic::new(Code::WrongMode, given.at, title)
                .label(format!("the kernel does not run in {letter} mode"))
                .also(at, "the kernel is entered here")
        }
        _ => return,
    };
    problems.report(problem);
}

/// Reports the use of source 0, which means no interrupt (PLIC 1.0, chapter 1.4; AIA 1.0, 4.2).
pub(super) fn check_source_0(
    space: Space,
    controller: &Place,
    claimed: &Claimed,
    problems: &mut Problems,
) {
    let word = space.word();
    let claims = claimed.interrupts.iter();
    for claim in claims.filter(|claim| claim.first.space.word() == word && claim.first.number == 0)
    {
        let title = format!("there is no interrupt `{}`", claim.first.space.said(0));
        problems.report(
            Diagnostic::new(Code::InterruptOutOfRange, claim.at, title)
                .label("0 stands for no interrupt: sources are numbered from 1 on")
                .also(controller.at, "the interrupt controller"),
        );
    }
}

/// Returns the modes in which the kernel may be entered, with their location; `None` if they are
/// unknown.
pub(super) fn entered(around: &Surroundings<'_>) -> Option<(Entered, Location)> {
    around.loader?.entered()
}

/// Reports a part that only `mode` can access if the kernel is never entered in that mode.
pub(super) fn check_reach(
    place: &Place,
    mode: Entered,
    around: &Surroundings<'_>,
    problems: &mut Problems,
) {
    let Some((entered, at)) = entered(around) else {
        return;
    };
    if entered == mode || entered == Entered::Either {
        return;
    }
    problems.report(out_of_reach(place, mode, at));
}

/// Returns the error for a part that only `mode` can access, if the kernel is entered in the other
/// mode, as the board file states at `at`.
pub(super) fn out_of_reach(place: &Place, mode: Entered, at: Location) -> Diagnostic {
    let (why, here) = match mode {
        Entered::Supervisor => (
            "it is accessed through firmware",
            "M mode, without firmware",
        ),
        Entered::Machine | Entered::Either => ("only M mode can access it", "S mode"),
    };
    let title = format!("`{}` is not accessible to the kernel", place.path);
    Diagnostic::new(Code::WrongMode, place.at, title)
        .label(why)
        .also(at, format!("the kernel is entered in {here}"))
}
