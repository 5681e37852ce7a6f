//! Explains why a crate does not compile for a board: its feature `std` is enabled, often by default. The
//! compiler only reports that it cannot find the crate `std`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::workspace::cargo;

/// The names of features that need the standard library.
const FEATURES: [&str; 3] = ["std", "use-std", "use_std"];

/// Returns what to change if crates that an app uses are compiled with such a feature for `triple`.
#[must_use]
pub fn of(root: &Path, app: &str, triple: &str) -> Option<String> {
    // Unlike the metadata, the tree has the features of each crate in a build of this app only.
    let output = cargo()
        .args(["tree", "--offline", "--package", app, "--target", triple])
        .args(["--edges", "normal,no-proc-macro", "--no-dedupe"])
        .args(["--prefix", "depth", "--format", "{p}|{f}"])
        .current_dir(root)
        .output()
        .ok()?;
    explain(&String::from_utf8_lossy(&output.stdout), app)
}

/// Like the function above, but reads cargo's tree.
fn explain(tree: &str, app: &str) -> Option<String> {
    let mut dependency = "";
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in tree.lines() {
        let (package, features) = line.split_once('|')?;
        let name = package.trim_start_matches(|letter: char| letter.is_ascii_digit());
        let depth = &package[..package.len() - name.len()];
        let name = name.split(' ').next().unwrap_or(name);
        if depth == "1" {
            dependency = name;
        }
        if features.split(',').any(|one| FEATURES.contains(&one)) && depth != "0" {
            found.entry(dependency).or_default().insert(name);
        }
    }
    if found.is_empty() {
        return None;
    }
    let found = found.into_iter().map(|(dependency, crates)| {
        let others = crates.into_iter().filter(|name| *name != dependency);
        let others: Vec<_> = others.map(|name| format!("`{name}`")).collect();
        match others.is_empty() {
            true => format!("`{dependency}`"),
            false => format!("`{dependency}` (for {})", others.join(", ")),
        }
    });
    let found = found.collect::<Vec<_>>().join(", ");
    Some(format!(
        "if the compiler reports that it cannot find the crate `std`: the feature `std` is enabled by \
         {found}; write `default-features = false` for them in apps/{app}/Cargo.toml, and enable only \
         features that need no `std`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "\
0app v0.1.0 (/a b/apps/app)|std
1client v1.2.0|default,std
2parser v1.0.0|default,std
2other v1.0.0|alloc
1wrapper v1.0.0|
2parser v1.0.0|default,std
1vmos v0.1.0 (/a b/kernel)|rand
";

    #[test]
    fn dependencies_with_the_feature_are_named_with_the_crates_below() {
        let said = explain(TREE, "app").unwrap();
        assert!(
            said.contains("by `client` (for `parser`), `wrapper` (for `parser`); write"),
            "{said}"
        );
        assert!(said.contains("apps/app/Cargo.toml"), "{said}");
    }

    #[test]
    fn an_app_without_the_feature_gets_no_advice() {
        let tree = "0app v0.1.0 (/a)|std\n1client v1.2.0|default,alloc\n";
        assert_eq!(explain(tree, "app"), None);
        assert_eq!(explain("", "app"), None);
    }
}
