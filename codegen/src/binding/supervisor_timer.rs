//! The timers of S mode on RISC-V: the firmware's (SBI 2.0, chapter 6) and the hart's own (Sstc 1.0).

use super::riscv::{self, Entered, out_of_reach};
use super::{Binding, Driver, place};
use crate::board::{self, Architecture, SupervisorTimer};
use crate::check::Claimed;
use crate::description::table::table;
use crate::description::{Description, Frequency};
use crate::diagnostic::Problems;
use crate::machine::expect::Expected;

table! {
    /// The timer of SBI firmware.
    pub struct SbiTimer {
        /// The frequency of the `time` CSR. Without it, the kernel reads it from the device tree.
        frequency: Frequency => optional,
    }
}

table! {
    /// The S-mode timer of a hart with the extension Sstc.
    pub struct SstcTimer {
        /// The frequency of the `time` CSR. Without it, the kernel reads it from the device tree.
        frequency: Frequency => optional,
    }
}

macro_rules! supervisor_timer {
    ($Timer:ident, $name:literal, $kind:ident) => {
        impl Binding for $Timer {
            place!();

            fn architectures() -> Option<&'static [Architecture]> {
                Some(riscv::ALL)
            }

            fn expect(&self, expected: &mut Expected) {
                expected.part(&self.place, &[]).timebase(&self.frequency);
            }

            fn check(&self, description: &Description, _: &Claimed, problems: &mut Problems) {
                // It is the only timer, so M mode must be out of the question.
                match riscv::entered(description) {
                    None | Some((Entered::Supervisor, _)) => {}
                    Some((_, at)) => {
                        problems.report(out_of_reach(&self.place, Entered::Supervisor, at));
                    }
                }
            }
        }

        impl Driver for $Timer {
            const NAME: &'static str = $name;
            type Resolved = board::Timer;

            fn resolve(&self, _description: &Description) -> Option<Self::Resolved> {
                Some(board::Timer::Supervisor {
                    timer: SupervisorTimer::$kind,
                    frequency: self.frequency.optional()?.map(|one| one.value.0),
                })
            }
        }
    };
}

supervisor_timer!(SbiTimer, "sbi", Sbi);
supervisor_timer!(SstcTimer, "sstc", Sstc);
