//! System reset by SBI firmware (SBI 2.0, chapter 10).

use super::riscv::{self, Entered, check_reach};
use super::{Binding, Driver, place};
use crate::board::{self, Architecture};
use crate::check::Claimed;
use crate::description::Description;
use crate::description::table::table;
use crate::diagnostic::Problems;

table! {
    /// SBI firmware powers the machine off, without an exit status.
    pub struct SbiReset {}
}

impl Binding for SbiReset {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(riscv::ALL)
    }

    fn check(&self, description: &Description, _claimed: &Claimed, problems: &mut Problems) {
        check_reach(&self.place, Entered::Supervisor, description, problems);
    }
}

impl Driver for SbiReset {
    const NAME: &'static str = "sbi";
    type Resolved = board::Power;

    fn resolve(&self, _description: &Description) -> Option<Self::Resolved> {
        Some(board::Power::Sbi)
    }
}
