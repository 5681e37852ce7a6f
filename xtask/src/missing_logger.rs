//! Explains why an image cannot be linked although it compiles: a crate logs by defmt, often by a
//! default feature, and the app has no logger for it. The linker only reports that `_defmt_acquire` is
//! undefined.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::workspace::cargo;

/// The crate whose functions a logger provides.
const DEFMT: &str = "defmt";
/// The crate that has the logger.
const OURS: &str = "vmos";

/// Returns what to change if crates that an app uses log by defmt.
#[must_use]
pub fn of(root: &Path, app: &str) -> Option<String> {
    let output = cargo()
        .args(["metadata", "--format-version=1", "--offline"])
        .current_dir(root)
        .output()
        .ok()?;
    explain(&serde_json::from_slice(&output.stdout).ok()?, app)
}

/// Like the function above, but reads cargo's metadata.
fn explain(metadata: &Value, app: &str) -> Option<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let names: BTreeMap<_, _> = list(&metadata["packages"])
        .iter()
        .map(|package| (text(&package["id"]), text(&package["name"])))
        .collect();
    let uses: BTreeMap<_, Vec<_>> = list(&metadata["resolve"]["nodes"])
        .iter()
        .map(|node| {
            let used = list(&node["dependencies"]);
            (text(&node["id"]), used.iter().map(text).collect())
        })
        .collect();
    let name = |id: &str| names.get(id).map_or("", String::as_str);
    let mut reached: Vec<&str> = names.keys().map(String::as_str).collect();
    reached.retain(|id| name(id) == app);
    let (mut seen, mut users) = (BTreeSet::new(), BTreeSet::new());
    while let Some(package) = reached.pop() {
        if !seen.insert(package) {
            continue;
        }
        for used in uses.get(package).into_iter().flatten() {
            let user = name(package);
            if name(used) == DEFMT && user != OURS {
                users.insert(format!("`{user}`"));
            }
            reached.push(used);
        }
    }
    if users.is_empty() {
        return None;
    }
    let users = users.into_iter().collect::<Vec<_>>().join(", ");
    Some(format!(
        "if the linker reports that `_defmt_acquire` is undefined: {users} can log by defmt, and the app \
         has no logger; leave out the feature `defmt` of such crates (`default-features = false` if it is \
         a default), or enable the feature `defmt` of vmos in apps/{app}/Cargo.toml"
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata() -> Value {
        let package = |name: &str| json!({"id": format!("id of {name}"), "name": name});
        let node = |name: &str, used: &[&str]| {
            let used: Vec<_> = used.iter().map(|name| format!("id of {name}")).collect();
            json!({"id": format!("id of {name}"), "dependencies": used})
        };
        let names = ["app", "other", "client", "quiet", "vmos", "defmt"];
        json!({
            "packages": names.map(package),
            "resolve": {"nodes": [
                node("app", &["client", "quiet", "vmos"]),
                node("other", &["quiet", "vmos"]),
                node("client", &["defmt", "quiet"]),
                node("quiet", &[]),
                node("vmos", &["defmt"]),
                node("defmt", &[]),
            ]},
        })
    }

    #[test]
    fn a_crate_that_logs_by_defmt_is_named() {
        let said = explain(&metadata(), "app").unwrap();
        assert!(said.contains("undefined: `client` can log"), "{said}");
        assert!(said.contains("apps/app/Cargo.toml"), "{said}");
    }

    #[test]
    fn an_app_whose_crates_do_not_log_by_defmt_gets_no_advice() {
        assert_eq!(explain(&metadata(), "other"), None);
    }
}
