//! System reset by SBI firmware (SBI 2.0, chapter 10).

use super::riscv::{self, check_reach};
use crate::board::Value;
use crate::board::{self, Architecture};
use crate::diagnostic::Problems;
use crate::language::table::table;
use crate::part::Entered;
use crate::part::claims::Claimed;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, place};

table! {
    /// SBI firmware powers the machine off, without an exit status.
    pub struct SbiReset {}
}

impl Binding for SbiReset {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(riscv::ALL)
    }

    fn check(&self, around: &Surroundings<'_>, _claimed: &Claimed, problems: &mut Problems) {
        check_reach(&self.place, Entered::Supervisor, around, problems);
    }
}

impl Driver for SbiReset {
    const NAME: &'static str = "sbi";
    type Resolved = board::Power;

    fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
        Some(board::Power {
            doubles_status: false,
            part: board::Part {
                key: self.place.path.clone(),
                card: "SBI firmware".to_owned(),
                code: board::Code {
                    imports: vec![
                        ("vmos_drivers::power::sbi", "self"),
                        ("vmos_drivers::power::sbi", "Sbi"),
                        ("vmos_drivers::riscv", "self"),
                    ],
                    driver: "Sbi<P>".to_owned(),
                    config_type: "sbi::Config".to_owned(),
                    config: Value::structure("sbi::Config", Vec::new()),
                    processor: vec!["riscv::Firmware"],
                },
                registers: Vec::new(),
                entry: Vec::new(),
            },
        })
    }
}
