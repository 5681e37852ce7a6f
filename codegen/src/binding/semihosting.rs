//! Semihosting: calls that a debugger or emulator answers (Arm "Semihosting for AArch32 and
//! AArch64", RISC-V semihosting specification).

use super::sifive_test::SifiveTest;
use crate::board::Value;
use crate::board::{self, Architecture};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::table::table;
use crate::machine::device::Device;
use crate::part::claims::Claimed;
use crate::part::draft::Machine;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// Semihosting: the debugger or emulator ends the machine, with an exit status.
    pub struct Semihosting {}
}

/// The option that makes QEMU answer semihosting calls.
const ANSWERING: [&str; 2] = ["-semihosting-config", "enable=on,target=native"];

impl Binding for Semihosting {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[
            Architecture::Aarch64,
            Architecture::Arm,
            Architecture::ArmV6M,
            Architecture::ArmV7M,
            Architecture::ArmV8M,
            Architecture::Riscv64,
            Architecture::Riscv32,
        ])
    }

    /// Warns that the call faults if neither a debugger nor an emulator answers it.
    fn check(&self, around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
        let Some(qemu) = around.qemu else {
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
        let is_config = |word: &str| word.trim_start_matches('-') == "semihosting-config";
        let configs = arguments.value.windows(2);
        let configs = configs.filter(|pair| is_config(&pair[0].value.0));
        for value in configs.map(|pair| &pair[1]) {
            let options = value.value.0.split(',');
            let last = options
                .filter_map(|one| one.strip_prefix("enable="))
                .next_back();
            if last.is_some_and(|word| word != "on") {
                let title = "QEMU's arguments disable semihosting";
                problems.report(
                    Diagnostic::new(Code::QemuOption, value.at, title)
                        .label("a call would fault")
                        .also(self.place.at, "the board stops by a call")
                        .write("\"enable=on,target=native\""),
                );
            }
        }
    }
}

impl Driver for Semihosting {
    const NAME: &'static str = "semihosting";
    type Resolved = board::Power;

    fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
        Some(board::Power {
            doubles_status: false,
            part: board::Part {
                key: self.place.path.clone(),
                card: "semihosting".to_owned(),
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::power::semihosting", "self"),
                        ("vmos_drivers::power::semihosting", "Semihosting"),
                    ],
                    driver: "Semihosting<P>".to_owned(),
                    config_type: "semihosting::Config".to_owned(),
                    config: Value::structure("semihosting::Config", Vec::new()),
                    processor: vec!["semihosting::Trap"],
                },
                registers: Vec::new(),
                entry: Vec::new(),
            },
        })
    }

    /// Whether QEMU answers semihosting calls on this board: always on Arm; on RISC-V if there is
    /// no other device with an exit status.
    fn import(machine: &Machine<'_>, _device: &Device) -> Option<Section> {
        let has_finisher = || machine.find(SifiveTest::KINDS).is_some();
        let answers = machine.is_arm() || (machine.is_risc_v() && !has_finisher());
        answers.then(|| {
            Section::new("power.semihosting")
                .note("ends QEMU with an exit status")
                .needs(&ANSWERING)
        })
    }
}
