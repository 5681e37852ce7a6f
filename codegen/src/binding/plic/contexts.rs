//! The contexts of a PLIC: the harts and privilege modes that it delivers to.

use crate::binding::riscv;
use crate::board::Value;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::scalar::choices;
use crate::language::{Field, Located};
use crate::part::Entered;
use crate::part::surroundings::Surroundings;

/// The modes of a hart to which a PLIC delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HartModes {
    /// The PLIC delivers to M mode only.
    Machine,
    /// The PLIC delivers to S mode only.
    Supervisor,
    /// The PLIC delivers to M mode and S mode; the context of M mode comes first.
    Both,
}

choices! { HartModes {
    Machine = "M": "M mode",
    Supervisor = "S": "S mode",
    Both = "MS": "M mode, then S mode",
} }

/// The key `contexts` of a PLIC.
pub(super) type Contexts = Field<Vec<Located<HartModes>>>;

/// Returns the modes of the contexts, stated or by default; `None` if they are invalid.
pub(super) fn harts(contexts: &Contexts) -> Option<Vec<HartModes>> {
    let given = contexts.value()?;
    let harts: Vec<HartModes> = given.iter().map(|one| one.value).collect();
    Some(match harts.is_empty() {
        true => vec![HartModes::Both],
        false => harts,
    })
}

/// Returns the number of contexts of the listed harts.
pub(super) fn count(contexts: &Contexts) -> Option<u64> {
    let count = |modes: &HartModes| match modes {
        HartModes::Machine | HartModes::Supervisor => 1,
        HartModes::Both => 2,
    };
    Some(harts(contexts)?.iter().map(count).sum())
}

/// Returns the modes of the harts for `board.rs`.
pub(super) fn value(harts: &[HartModes]) -> Value {
    let modes = harts.iter().map(|modes| {
        Value::path(match modes {
            HartModes::Machine => "plic::Modes::Machine",
            HartModes::Supervisor => "plic::Modes::Supervisor",
            HartModes::Both => "plic::Modes::Both",
        })
    });
    Value::List(modes.collect())
}

/// Reports that no hart has a context for the mode of the kernel.
pub(super) fn check_mode(contexts: &Contexts, around: &Surroundings<'_>, problems: &mut Problems) {
    let (Some(harts), Some((entered, at))) = (harts(contexts), riscv::entered(around)) else {
        return;
    };
    let has = |wanted| harts.iter().any(|m| *m == HartModes::Both || *m == wanted);
    let (machine, supervisor) = (has(HartModes::Machine), has(HartModes::Supervisor));
    let (mode, is_there) = match entered {
        Entered::Machine => ("M", machine),
        Entered::Supervisor => ("S", supervisor),
        Entered::Either if machine => ("S", supervisor),
        Entered::Either => ("M", machine),
    };
    if let (false, Some(contexts)) = (is_there, contexts.get()) {
        let title = format!("the PLIC delivers to no hart in {mode} mode");
        problems.report(
            Diagnostic::new(Code::WrongMode, contexts.at, title)
                .label("no context for the kernel")
                .also(at, format!("the kernel is entered in {mode} mode")),
        );
    }
}
