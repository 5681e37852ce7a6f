//! What is asked of the parts of a RISC-V machine in common: that the mode the kernel runs in
//! reaches them.

use super::Boot;
use crate::board::Architecture;
use crate::description::{Description, Place};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::source::Location;

/// The architectures.
pub(super) const ALL: &[Architecture] = &[Architecture::Riscv64, Architecture::Riscv32];

/// The modes in which a kernel may be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entered {
    /// M mode.
    Machine,
    /// S mode, with firmware below.
    Supervisor,
    /// M mode, or S mode if firmware is given to the machine.
    Either,
}

/// How the kernel is entered, and where that is said; `None` where it cannot be told.
pub(super) fn entered(description: &Description) -> Option<(Entered, Location)> {
    match &description.boot.value()?.0 {
        Boot::SbiPayload(boot) => Some((Entered::Supervisor, boot.place.at)),
        Boot::MachineMode(boot) => {
            let entered = match boot.takes_firmware()? {
                true => Entered::Either,
                false => Entered::Machine,
            };
            Some((entered, boot.place.at))
        }
        _ => None,
    }
}

/// Tells of a part that only `mode` reaches, where the kernel is never entered in it.
pub(super) fn check_reach(
    place: &Place,
    mode: Entered,
    description: &Description,
    problems: &mut Problems,
) {
    let Some((entered, at)) = entered(description) else {
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
