//! The Power State Coordination Interface of Arm firmware (Arm DEN 0022).

use super::{Binding, Boot, Driver, place};
use crate::board::{self, Architecture, Conduit, ExceptionLevel};
use crate::check::Claimed;
use crate::description::Description;
use crate::description::scalar::choices;
use crate::description::table::table;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::machine::expect::Expected;

table! {
    /// The Power State Coordination Interface: firmware turns the machine off, without a status.
    pub struct Psci {
        /// The instruction that reaches the firmware.
        conduit: Conduit => required,
    }
}

choices! { Conduit {
    Hvc = "hvc": "hypervisor call, where something at EL2 answers",
    Smc = "smc": "secure monitor call, where something at EL3 answers",
} }

impl Binding for Psci {
    place!();

    fn architectures(&self) -> Option<&'static [Architecture]> {
        Some(&[Architecture::Aarch64, Architecture::Arm])
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, &["arm,psci-1.0", "arm,psci-0.2"])
            .word("method", &self.conduit, |conduit| match conduit {
                Conduit::Hvc => "hvc",
                Conduit::Smc => "smc",
            });
    }

    /// A call only goes up: from the level that it names it comes back to the caller.
    fn check(&self, description: &Description, _claimed: &Claimed, problems: &mut Problems) {
        let Some(Boot::LinuxImage(boot)) = description.boot.value().map(|one| &one.0) else {
            return;
        };
        let (Some(level), Some(conduit)) = (boot.exception_level.get(), self.conduit.get()) else {
            return;
        };
        let answered_above = match conduit.value {
            Conduit::Hvc => ExceptionLevel::El2,
            Conduit::Smc => ExceptionLevel::El3,
        };
        if level.value >= answered_above {
            let title = "this conduit does not reach the firmware";
            let diagnostic = Diagnostic::new(Code::WrongConduit, conduit.at, title)
                .label("the kernel would call itself")
                .also(level.at, "the kernel is entered here");
            problems.report(match level.value {
                ExceptionLevel::El2 => diagnostic.help("write conduit = \"smc\""),
                _ => diagnostic.help("nothing is above EL3: leave [power.psci] out"),
            });
        }
    }
}

impl Driver for Psci {
    const NAME: &'static str = "psci";
    type Resolved = board::Power;

    fn resolve(&self, _description: &Description) -> Option<Self::Resolved> {
        Some(board::Power::Psci {
            conduit: *self.conduit.value()?,
        })
    }
}
