//! The crates of an app, as a tree, from `cargo tree`. Unlike cargo's metadata, it has the features that
//! each crate has in a build of this app alone.

use std::path::Path;

use crate::workspace::cargo;

/// A crate at a place in the tree.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Node<'a> {
    /// The number of crates above it: 0 for the app.
    pub(crate) depth: usize,
    /// The name of its package.
    pub(crate) name: &'a str,
    /// Its version, such as `v1.2.0`.
    pub(crate) version: &'a str,
    /// The features with which it is compiled.
    pub(crate) features: Vec<&'a str>,
}

/// Returns cargo's text with the tree of an app for the compiler target `triple`.
pub(crate) fn text(root: &Path, app: &str, triple: &str) -> Option<String> {
    let output = cargo()
        .args(["tree", "--offline", "--package", app, "--target", triple])
        .args(["--edges", "normal,no-proc-macro", "--no-dedupe"])
        .args(["--prefix", "depth", "--format", "|{p}|{f}"])
        .current_dir(root)
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns the crates of a text from [`text`], each in front of those that it uses.
pub(crate) fn nodes(text: &str) -> impl Iterator<Item = Node<'_>> {
    text.lines().filter_map(|line| {
        let (depth, rest) = line.split_once('|')?;
        // The path of a package may have any character.
        let (package, features) = rest.rsplit_once('|')?;
        let mut words = package.split(' ');
        Some(Node {
            depth: depth.parse().ok()?,
            name: words.next()?,
            version: words.next()?,
            features: features.split(',').filter(|one| !one.is_empty()).collect(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_depth_the_package_and_its_features() {
        let nodes: Vec<_> =
            nodes("0|app v0.1.0 (/a|b c)|\n1|client v1.2.0|default,std\n").collect();
        let app = Node {
            depth: 0,
            name: "app",
            version: "v0.1.0",
            features: vec![],
        };
        let client = Node {
            depth: 1,
            name: "client",
            version: "v1.2.0",
            features: vec!["default", "std"],
        };
        assert_eq!(nodes, [app, client]);
    }
}
