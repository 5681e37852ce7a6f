//! Explains why an image cannot be linked although it compiles: a crate logs by defmt, often by a
//! default feature, and the app has no logger for it. The linker only reports that `_defmt_acquire` is
//! undefined.

use std::collections::BTreeSet;
use std::path::Path;

use crate::crate_tree;

/// The crate whose functions a logger provides.
const DEFMT: &str = "defmt";
/// The crate that has the logger.
const OURS: &str = "vmos";

/// Returns what to change if crates that an app uses for `triple` log by defmt.
#[must_use]
pub fn of(root: &Path, app: &str, triple: &str) -> Option<String> {
    explain(&crate_tree::text(root, app, triple)?, app)
}

/// Like the function above, but reads cargo's tree.
fn explain(tree: &str, app: &str) -> Option<String> {
    // The crates from the app to the current one.
    let mut way: Vec<&str> = Vec::new();
    let mut users = BTreeSet::new();
    for node in crate_tree::nodes(tree) {
        way.truncate(node.depth);
        let user = way.last().filter(|user| **user != OURS);
        if let Some(user) = user.filter(|_| node.name == DEFMT) {
            users.insert(format!("`{user}`"));
        }
        way.push(node.name);
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
    use super::*;

    const TREE: &str = "\
0|app v0.1.0 (/a b/apps/app)|
1|client v1.2.0|
2|quiet v1.0.0|
2|defmt v1.2.0|
3|bitflags v1.3.2|
1|vmos v0.1.0 (/a b/kernel)|
2|defmt v1.2.0|
";

    #[test]
    fn a_crate_that_logs_by_defmt_is_named() {
        let said = explain(TREE, "app").unwrap();
        assert!(said.contains("undefined: `client` can log"), "{said}");
        assert!(said.contains("apps/app/Cargo.toml"), "{said}");
    }

    #[test]
    fn an_app_whose_crates_do_not_log_by_defmt_gets_no_advice() {
        let tree = "0|app v0.1.0 (/a)|\n1|quiet v1.0.0|\n1|vmos v0.1.0 (/k)|\n2|defmt v1.2.0|\n";
        assert_eq!(explain(tree, "app"), None);
        assert_eq!(explain("", "app"), None);
    }
}
