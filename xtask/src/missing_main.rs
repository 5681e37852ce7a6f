//! Explains why an app cannot be linked for this host: it has no `main` there. The linker only reports that `main`
//! is undefined.

use std::fs;
use std::path::Path;

/// Returns what to change if the app's `src/main.rs` is without `main` on every system.
#[must_use]
pub fn of(root: &Path, app: &str) -> Option<String> {
    let path = Path::new("apps").join(app).join("src/main.rs");
    let source = fs::read_to_string(root.join(&path)).ok()?;
    is_without_main(&source).then(|| {
        format!(
            "{}: on this host, an app is an ordinary program: instead of `#![no_std]` and `#![no_main]` write \
             `#![cfg_attr(target_os = \"none\", no_std, no_main)]`",
            path.display()
        )
    })
}

/// Returns whether a source has the attribute `#![no_main]`, unconditionally.
fn is_without_main(source: &str) -> bool {
    syn::parse_file(source).is_ok_and(|file| {
        let mut attributes = file.attrs.iter();
        attributes.any(|attribute| attribute.path().is_ident("no_main"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_for_boards_only_is_without_main() {
        assert!(is_without_main(
            "//! An app.\n#![no_std]\n#![no_main]\nfn f() {}"
        ));
    }

    #[test]
    fn an_app_for_boards_and_this_host_has_main() {
        let source =
            "#![cfg_attr(target_os = \"none\", no_std, no_main)]\n// #![no_main]\nfn f() {}";
        assert!(!is_without_main(source));
    }

    #[test]
    fn a_source_that_cannot_be_parsed_is_explained_by_the_compiler() {
        assert!(!is_without_main("#![no_main]\nfn {"));
    }
}
