//! Semihosting: calls that a debugger or emulator answers (Arm "Semihosting for AArch32 and
//! AArch64", RISC-V semihosting specification).

use super::{Binding, Driver, place};
use crate::board::{self, Architecture};
use crate::check::Claimed;
use crate::description::Description;
use crate::description::table::table;
use crate::diagnostic::{Code, Diagnostic, Problems};

table! {
    /// Semihosting: the debugger or emulator ends the machine, with an exit status.
    pub struct Semihosting {}
}

impl Binding for Semihosting {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[
            Architecture::Aarch64,
            Architecture::Arm,
            Architecture::Riscv64,
            Architecture::Riscv32,
        ])
    }

    /// Where nobody answers, the call is a fault.
    fn check(&self, description: &Description, _claimed: &Claimed, problems: &mut Problems) {
        let Some(arguments) = description.qemu.value().map(|qemu| &qemu.arguments) else {
            return;
        };
        let Some(arguments) = arguments.get() else {
            return;
        };
        let enables = |text: &str| {
            matches!(
                text,
                "-semihosting" | "-semihosting-config" | "--semihosting-config"
            )
        };
        if !arguments
            .value
            .iter()
            .any(|argument| enables(&argument.value.0))
        {
            let title = "QEMU is not told to answer semihosting calls";
            problems.report(
                Diagnostic::new(Code::QemuOption, self.place.at, title)
                    .label("a call would be a fault")
                    .also(arguments.at, "QEMU's arguments")
                    .help(
                        "write arguments = [\"-semihosting-config\", \"enable=on,target=native\"] \
                         in [qemu]",
                    ),
            );
        }
    }
}

impl Driver for Semihosting {
    const NAME: &'static str = "semihosting";
    type Resolved = board::Power;

    fn resolve(&self, _description: &Description) -> Option<Self::Resolved> {
        Some(board::Power::Semihosting)
    }
}
