//! QEMU's device that ends the emulator (hw/misc/debugexit.c).

use crate::board::Value;
use crate::board::{self, Architecture};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::table::table;
use crate::language::{self, Port};
use crate::machine::device::Device;
use crate::part::claims::{Claimed, Claims};
use crate::part::draft::Machine;
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// QEMU's isa-debug-exit: a write of v ends the emulator with the exit status 2 v + 1.
    pub struct IsaDebugExit {
        /// The I/O port of the device.
        port: Port => default("0xF4"),
    }
}

impl Binding for IsaDebugExit {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::X86_64])
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        claims.ports(&self.place.path, &self.port, 4);
    }

    fn expect(&self, expected: &mut Expected) {
        let part = expected.part(&self.place, &[]).model("isa-debug-exit");
        part.ports(&self.port, |port| port.0.into());
    }

    /// Reports QEMU arguments without the device, or with the device at another port.
    fn check(&self, around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
        let Some(qemu) = around.qemu else {
            return;
        };
        let (Some(arguments), Some(port)) = (qemu.arguments.get(), self.port.get()) else {
            return;
        };
        let device = arguments
            .value
            .iter()
            .find(|argument| argument.value.0.starts_with("isa-debug-exit"));
        let wanted = format!("isa-debug-exit,iobase={:#x},iosize=4", port.value.0);
        let problem = match device {
            None => {
                let title = "QEMU's arguments do not add this device";
                Diagnostic::new(Code::QemuOption, self.place.at, title)
                    .label("a write would have no effect")
                    .also(arguments.at, "QEMU's arguments")
                    .helps(
                        qemu.with_arguments(&["-device", &wanted])
                            .map(|line| format!("write {line} in [qemu]")),
                    )
            }
            Some(device) if !is_at(&device.value.0, port.value.0) => {
                let title = "QEMU has this device at another port";
                Diagnostic::new(Code::QemuOption, port.at, title)
                    .label("a write here would have no effect")
                    .also(device.at, "QEMU's argument")
                    .help(format!("write \"{wanted}\" for QEMU's argument"))
            }
            Some(_) => return,
        };
        problems.report(problem);
    }
}

/// Returns whether QEMU's argument adds the device at `port`, explicitly or by default.
fn is_at(argument: &str, port: u16) -> bool {
    let stated = argument
        .split(',')
        .find_map(|word| word.strip_prefix("iobase="));
    match stated {
        None => port == 0x501,
        Some(stated) => {
            let parsed = match stated.strip_prefix("0x") {
                Some(digits) => u16::from_str_radix(digits, 16),
                None => stated.parse(),
            };
            parsed == Ok(port)
        }
    }
}

impl Driver for IsaDebugExit {
    const NAME: &'static str = "isa-debug-exit";
    const KINDS: &'static [&'static str] = &["isa-debug-exit"];
    type Resolved = board::Power;

    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved> {
        // Another way to power off, if there is one, reports success.
        let success = match around.means_of_power {
            1 => "isa_debug_exit::Success::IsWritten",
            _ => "isa_debug_exit::Success::IsLeft",
        };
        let config = vec![
            ("port", Value::Hexadecimal(self.port.value()?.0.into())),
            ("success", Value::path(success)),
        ];
        Some(board::Power {
            doubles_status: true,
            part: board::Part {
                key: self.place.path.clone(),
                card: "isa-debug-exit".to_owned(),
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::power::isa_debug_exit", "self"),
                        ("vmos_drivers::power::isa_debug_exit", "IsaDebugExit"),
                        ("vmos_drivers::port", "Ports"),
                    ],
                    driver: "IsaDebugExit<Ports<P>>".to_owned(),
                    config_type: "isa_debug_exit::Config".to_owned(),
                    config: Value::structure("isa_debug_exit::Config", config),
                    processor: vec![],
                },
                registers: Vec::new(),
                entry: Vec::new(),
            },
        })
    }

    fn import(_machine: &Machine<'_>, device: &Device) -> Option<Section> {
        let port = device.ports.first().filter(|port| **port != 0xF4);
        Some(
            Section::new("power.isa-debug-exit")
                .note("ends QEMU with an exit status")
                .optional("port", port.map(|port| language::port(*port))),
        )
    }
}
