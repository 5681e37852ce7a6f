//! What is asked of the parts of a RISC-V machine in common: that the mode the kernel runs in
//! reaches them.

use crate::board::Architecture;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::Place;
use crate::part::Entered;
use crate::part::surroundings::Surroundings;
use crate::source::Location;

/// The architectures.
pub(super) const ALL: &[Architecture] = &[Architecture::Riscv64, Architecture::Riscv32];

/// What a hart's own timer raises, as the driver of its interrupts calls it, and where that is.
pub(super) const TIMER_INTERRUPT: &str = "plic::TIMER";
pub(super) const TIMER_IMPORT: (&str, &str) = ("vmos_drivers::interrupt_controller::plic", "self");

/// How the kernel is entered, and where that is said; `None` where it cannot be told.
pub(super) fn entered(around: &Surroundings<'_>) -> Option<(Entered, Location)> {
    around.loader?.entered()
}

/// Tells of a part that only `mode` reaches, where the kernel is never entered in it.
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

/// What is wrong with a part that only `mode` reaches, for a kernel that `at` enters in the other.
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
