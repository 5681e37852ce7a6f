//! The Power State Coordination Interface of Arm firmware (Arm DEN 0022).

use super::{Binding, Driver, place};
use crate::board::{self, Architecture, Conduit};
use crate::check::Claimed;
use crate::description::Description;
use crate::description::scalar::choices;
use crate::description::table::table;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::machine::expect::Expected;

table! {
    /// The Power State Coordination Interface (PSCI): firmware powers the machine off, without an exit status.
    pub struct Psci {
        /// The instruction that calls firmware.
        conduit: Conduit => required,
    }
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
            .part(&self.place, &["arm,psci-1.0", "arm,psci-0.2"])
            .word("method", &self.conduit, |conduit| match conduit {
                Conduit::Hvc => "hvc",
                Conduit::Smc => "smc",
            });
    }

    /// A call only goes up: from the level that it names it comes back to the caller.
    fn check(&self, description: &Description, _claimed: &Claimed, problems: &mut Problems) {
        let boot = description.boot.value();
        let level = boot.and_then(|boot| boot.0.exception_level());
        let (Some(level), Some(conduit)) = (level, self.conduit.get()) else {
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
                _ => diagnostic.help("no level is above it: remove [power.psci]"),
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
