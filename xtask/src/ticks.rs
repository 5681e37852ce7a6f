//! Explains why embassy-time cannot be compiled: its tick is chosen by a feature, and two crates
//! chose different ones. The compiler only reports that a constant in embassy-time-driver is
//! defined twice.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::workspace::cargo;

/// The tick of embassy-time that VMOS uses.
const OURS: &str = "tick-hz-1_000_000_000";
/// The crates with such features.
const CRATES: [&str; 2] = ["embassy-time", "embassy-time-driver"];

/// Returns what to change, if crates of the workspace choose another tick.
#[must_use]
pub fn other(root: &Path) -> Option<String> {
    let output = cargo()
        .args(["metadata", "--format-version=1", "--offline"])
        .current_dir(root)
        .output()
        .ok()?;
    explain(&serde_json::from_slice(&output.stdout).ok()?)
}

/// Like the function above, but reads cargo's metadata.
fn explain(metadata: &Value) -> Option<String> {
    let all = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut askers = BTreeSet::new();
    for package in all(&metadata["packages"]) {
        let name = package["name"].as_str().unwrap_or_default();
        for dependency in all(&package["dependencies"]) {
            let on = dependency["name"].as_str().unwrap_or_default();
            if CRATES.contains(&name) || !CRATES.contains(&on) {
                continue;
            }
            for feature in all(&dependency["features"]) {
                let feature = feature.as_str().unwrap_or_default();
                if feature.starts_with("tick-hz-") && feature != OURS {
                    askers.insert(format!("`{name}` enables `{feature}` of {on}"));
                }
            }
        }
    }
    if askers.is_empty() {
        return None;
    }
    let askers = askers.into_iter().collect::<Vec<_>>().join(", ");
    Some(format!(
        "{askers}: remove this feature; the tick of VMOS is 1 ns (`{OURS}`), which the crate vmos \
         enables"
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(features: &[&str]) -> Value {
        let dependency =
            |name: &str, features: &[&str]| json!({"name": name, "features": features});
        json!({"packages": [
            {"name": "vmos", "dependencies": [dependency("embassy-time", &[OURS])]},
            {"name": "mine", "dependencies": [dependency("embassy-time", features)]},
            {"name": "embassy-time", "dependencies": [
                dependency("embassy-time-driver", &["tick-hz-1"]),
            ]},
        ]})
    }

    #[test]
    fn a_crate_that_chooses_another_tick_is_named() {
        let said = explain(&metadata(&["tick-hz-32_768"])).unwrap();
        assert!(
            said.starts_with("`mine` enables `tick-hz-32_768` of embassy-time: remove"),
            "{said}"
        );
    }

    #[test]
    fn crates_that_choose_no_tick_or_ours_are_fine() {
        assert_eq!(explain(&metadata(&[])), None);
        assert_eq!(explain(&metadata(&["generic-queue-8", OURS])), None);
    }
}
