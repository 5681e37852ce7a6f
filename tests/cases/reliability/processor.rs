//! M9: faults of the processor, beyond those that every board reports in the quick tests.

use super::super::fault::reports;
use super::super::{Case, Need};

pub(crate) const CASES: [Case; 4] = [
    Case::once_a_board("m9_a_wild_access_is_reported", |setting| {
        reports(setting, "wild")
    })
    .needing(Need::Table),
    Case::once_a_board("m9_a_write_to_code_is_reported", |setting| {
        reports(setting, "code")
    })
    .needing(Need::Table),
    Case::once_a_board("m9_data_that_is_run_is_reported", |setting| {
        reports(setting, "data")
    })
    .needing(Need::Table),
    Case::once_a_board("m9_a_misaligned_access_is_reported", |setting| {
        reports(setting, "misaligned")
    })
    .needing(Need::Table),
];
