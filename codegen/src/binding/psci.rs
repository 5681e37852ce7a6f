//! The Power State Coordination Interface of Arm firmware (Arm DEN 0022).

use crate::board::Value;
use crate::board::{self, Architecture};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::scalar::choices;
use crate::language::table::table;
use crate::machine::device::Device;
use crate::part::claims::Claimed;
use crate::part::draft::Machine;
use crate::part::expect::Expected;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// The Power State Coordination Interface (PSCI): firmware powers the machine off, without an
    /// exit status.
    pub struct Psci {
        /// The instruction that calls firmware.
        conduit: Conduit => required,
    }
}

/// The instruction that calls PSCI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conduit {
    /// Hypervisor call.
    Hvc,
    /// Secure monitor call.
    Smc,
}

choices! { Conduit {
    Hvc = "hvc": "hypervisor call, handled at EL2",
    Smc = "smc": "secure monitor call, handled at EL3",
} }

impl Binding for Psci {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::Aarch64, Architecture::Arm])
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, Self::KINDS)
            .word("method", &self.conduit, |conduit| match conduit {
                Conduit::Hvc => "hvc",
                Conduit::Smc => "smc",
            });
    }

    /// Reports a call instruction that would not reach the firmware, because the kernel runs at the
    /// level that the call traps to.
    fn check(&self, around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
        let (Some(level), Some(conduit)) = (around.exception_level(), self.conduit.get()) else {
            return;
        };
        let answered_at = match conduit.value {
            Conduit::Hvc => 2,
            Conduit::Smc => 3,
        };
        if level.value.number() >= answered_at {
            let title = "this conduit does not reach the firmware";
            let diagnostic = Diagnostic::new(Code::WrongConduit, conduit.at, title)
                .label("the kernel would call itself")
                .also(level.at, "the kernel is entered here");
            problems.report(match level.value.number() {
                2 => diagnostic.help("write conduit = \"smc\""),
                _ => diagnostic
                    .help("no exception level is above that of the kernel: remove [power.psci]"),
            });
        }
    }
}

impl Driver for Psci {
    const NAME: &'static str = "psci";
    const KINDS: &'static [&'static str] = &["arm,psci-1.0", "arm,psci-0.2"];
    type Resolved = board::Power;

    fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let (method, described) = match self.conduit.value()? {
            Conduit::Hvc => ("psci::Method::Hvc", "HVC"),
            Conduit::Smc => ("psci::Method::Smc", "SMC"),
        };
        Some(board::Power {
            doubles_status: false,
            part: board::Part {
                key: self.place.path.clone(),
                card: format!("PSCI by {described}"),
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::power::psci", "self"),
                        ("vmos_drivers::power::psci", "Psci"),
                    ],
                    driver: "Psci<P>".to_owned(),
                    config_type: "psci::Config".to_owned(),
                    config: Value::structure("psci::Config", vec![("method", Value::path(method))]),
                    processor: vec!["psci::Conduit"],
                },
                registers: Vec::new(),
                entry: Vec::new(),
            },
        })
    }

    fn import(_machine: &Machine<'_>, psci: &Device) -> Option<Section> {
        let conduit = psci.word("method")?;
        Some(Section::new("power.psci").line("conduit", format!("\"{conduit}\"")))
    }
}
