//! Explains why a crate does not compile for a board: its feature `std` is enabled, often by default, or it
//! always needs the standard library. The compiler only reports that it cannot find the crate `std`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::crate_tree;
use crate::workspace::cargo;

/// The names of features that need the standard library.
const FEATURES: [&str; 3] = ["std", "use-std", "use_std"];

/// Returns what to change if crates that an app uses are compiled with such a feature for `triple`.
#[must_use]
pub fn of(root: &Path, app: &str, triple: &str) -> Option<String> {
    let tree = crate_tree::text(root, app, triple)?;
    let sources = sources(root).unwrap_or_default();
    let is_hosted = |library: &str| sources.get(library).is_some_and(|source| needs_std(source));
    explain(&tree, app, is_hosted)
}

/// Returns the root files of all libraries that the workspace uses, by their name and version.
fn sources(root: &Path) -> Option<BTreeMap<String, PathBuf>> {
    let output = cargo()
        .args(["metadata", "--format-version=1", "--offline"])
        .current_dir(root)
        .output()
        .ok()?;
    let metadata: Value = serde_json::from_slice(&output.stdout).ok()?;
    let packages = metadata["packages"].as_array()?.iter();
    let sources = packages.filter_map(|package| {
        let mut targets = package["targets"].as_array()?.iter();
        let library = targets.find(|target| target["kind"][0] == "lib")?;
        let [name, version] = [&package["name"], &package["version"]].map(Value::as_str);
        let source = library["src_path"].as_str()?;
        Some((format!("{} v{}", name?, version?), source.into()))
    });
    Some(sources.collect())
}

/// Returns whether a library always needs the standard library: its root file has no such attribute.
fn needs_std(source: &Path) -> bool {
    fs::read_to_string(source).is_ok_and(|text| !text.contains("no_std"))
}

/// The direct dependencies of an app, each with the crates for which it needs the standard library.
type Users<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Like the function above, but reads cargo's tree. `is_hosted` returns whether a crate, such as
/// `name v1.0.0`, always needs the standard library.
fn explain(tree: &str, app: &str, is_hosted: impl Fn(&str) -> bool) -> Option<String> {
    let mut dependency = "";
    // Whether features of the dependency can be disabled.
    let mut has_switch = false;
    let (mut by_feature, mut by_others, mut always) = (Users::new(), Users::new(), Users::new());
    for node in crate_tree::nodes(tree) {
        let name = node.name;
        let has = |wanted: &[&str]| node.features.iter().any(|one| wanted.contains(one));
        let has_std = has(&FEATURES);
        match node.depth {
            0 => continue,
            1 => {
                dependency = name;
                has_switch = has_std || has(&["default"]);
            }
            _ => {}
        }
        let users = if is_hosted(&format!("{name} {}", node.version)) {
            &mut always
        } else if !has_std {
            continue;
        } else if has_switch {
            &mut by_feature
        } else {
            &mut by_others
        };
        users.entry(dependency).or_default().insert(name);
    }
    // A feature that one dependency enables is enabled for all.
    let switched: BTreeSet<_> = by_feature.values().flatten().copied().collect();
    by_others.retain(|_, crates| {
        crates.retain(|name| !switched.contains(name));
        !crates.is_empty()
    });
    // A dependency that always needs it gets no other advice.
    let needs_it = |name: &str| always.get(name).is_some_and(|crates| crates.contains(name));
    by_feature.retain(|name, _| !needs_it(name));
    by_others.retain(|name, _| !needs_it(name));
    let features = format!(
        "; write `default-features = false` for them in apps/{app}/Cargo.toml, or in the root Cargo.toml if the \
         app has them from there, and enable only features that need no `std`"
    );
    let advice = [
        (by_feature, "the feature `std` is enabled by ", &*features),
        (
            by_others,
            "the feature `std` is required by ",
            "; find a feature of theirs that does without, or replace them",
        ),
        (
            always,
            "the standard library is always used by ",
            "; a board needs another crate, or a version with `#![no_std]`, unless a feature of theirs \
             does without",
        ),
    ];
    let advice = advice.iter().filter(|(users, ..)| !users.is_empty());
    let advice: Vec<_> = advice
        .map(|(users, what, way_out)| format!("{what}{}{way_out}", shown(users)))
        .collect();
    (!advice.is_empty()).then(|| {
        let advice = advice.join(". Also, ");
        format!("if the compiler reports that it cannot find the crate `std`: {advice}")
    })
}

/// Returns the names of dependencies, with the crates below them that they need it for.
fn shown(users: &Users<'_>) -> String {
    let users = users.iter().map(|(dependency, crates)| {
        let others = crates.iter().filter(|name| *name != dependency);
        let others: Vec<_> = others.map(|name| format!("`{name}`")).collect();
        match others.is_empty() {
            true => format!("`{dependency}`"),
            false => format!("`{dependency}` (for {})", others.join(", ")),
        }
    });
    users.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    const TREE: &str = "\
0|app v0.1.0 (/a b/apps/app)|std
1|client v1.2.0|default,std
2|parser v1.0.0|default,std
2|other v1.0.0|alloc
1|wrapper v1.0.0|
2|parser v1.0.0|default,std
1|vmos v0.1.0 (/a b/kernel)|rand
";

    fn explain(tree: &str, app: &str) -> Option<String> {
        super::explain(tree, app, |name| name.starts_with("hosted "))
    }

    #[test]
    fn dependencies_with_the_feature_are_named_with_the_crates_below() {
        let said = explain(TREE, "app").unwrap();
        assert!(said.contains("by `client` (for `parser`); write"), "{said}");
        assert!(said.contains("apps/app/Cargo.toml"), "{said}");
        // Without the client, its parser has the feature no longer.
        assert!(!said.contains("wrapper"), "{said}");
    }

    #[test]
    fn a_dependency_without_a_feature_to_disable_gets_other_advice() {
        let tree = "0|app v0.1.0 (/a)|\n1|wrapper v1.0.0|\n2|parser v1.0.0|default,std\n";
        let said = explain(tree, "app").unwrap();
        assert!(
            said.contains("required by `wrapper` (for `parser`); find"),
            "{said}"
        );
        assert!(!said.contains("default-features"), "{said}");
    }

    #[test]
    fn a_crate_that_always_needs_the_standard_library_is_named() {
        let tree = "0|app v0.1.0 (/a)|\n1|client v1.2.0|default\n2|hosted v0.3.0|default\n";
        let said = explain(tree, "app").unwrap();
        assert!(
            said.contains("always used by `client` (for `hosted`); a board"),
            "{said}"
        );
        for features in ["default,std", ""] {
            let tree =
                format!("0|app v0.1.0 (/a)|\n1|hosted v0.3.0|{features}\n2|parser v1.0.0|std\n");
            let said = explain(&tree, "app").unwrap();
            assert!(said.contains("always used by `hosted`; a board"), "{said}");
            assert!(!said.contains("parser"), "{said}");
        }
    }

    #[test]
    fn an_app_without_the_feature_gets_no_advice() {
        let tree = "0|app v0.1.0 (/a)|std\n1|client v1.2.0|default,alloc\n";
        assert_eq!(explain(tree, "app"), None);
        assert_eq!(explain("", "app"), None);
    }
}
