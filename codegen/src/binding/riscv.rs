//! A common requirement on the parts of a RISC-V machine: that the kernel's mode can access them.

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

/// Returns how the kernel is entered, with its location; `None` if that is unknown.
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

/// Returns the error for a part that only `mode` can access, if the kernel, as stated at `at`, is
/// entered in the other.
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
