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

/// Has QEMU answer semihosting calls.
const ANSWERING: [&str; 2] = ["-semihosting-config", "enable=on,target=native"];

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
        let Some(qemu) = description.qemu.value() else {
            return;
        };
        let (Some(arguments), Some(line)) = (qemu.arguments.get(), qemu.with_arguments(&ANSWERING))
        else {
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
            let title = "QEMU's arguments do not enable semihosting";
            problems.report(
                Diagnostic::new(Code::QemuOption, self.place.at, title)
                    .label("a call would fault")
                    .also(arguments.at, "QEMU's arguments")
                    .help(format!("write {line} in [qemu]")),
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
