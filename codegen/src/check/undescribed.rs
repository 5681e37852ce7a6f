//! Is what is said to be left out really left out?

use super::claims::RangeClaim;
use crate::description::{Description, hexadecimal};
use crate::diagnostic::{Code, Diagnostic, Problems};

/// Tells of addresses under `[undescribed]` that something described claims.
pub(super) fn check(description: &Description, ranges: &[RangeClaim], problems: &mut Problems) {
    let Some(undescribed) = description.undescribed.value() else {
        return;
    };
    for entry in &undescribed.0 {
        let holds = |claim: &&RangeClaim| {
            claim.range.base <= entry.address && entry.address - claim.range.base < claim.range.size
        };
        if let Some(claim) = ranges.iter().find(holds) {
            let title = format!("{} is described after all", hexadecimal(entry.address));
            problems.report(
                Diagnostic::new(Code::UndescribedIsDescribed, entry.at, title)
                    .label(format!("`{}` claims this address", claim.key))
                    .also(claim.at, super::overlap::describe(claim)),
            );
        }
    }
}
