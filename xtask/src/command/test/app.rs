//! The tests of one app on a board: an image for each.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use syn::{Attribute, Item, ItemFn};

use crate::failure::{Failure, FileError};
use crate::workspace::{App, Workspace};

/// The variable by which the attributes of `vmos` know which test an image consists of.
const VARIABLE: &str = "VMOS_TEST";

/// Runs the tests of an app on boards, each in a machine of its own.
pub(super) fn run(
    workspace: &Workspace,
    boards: &[String],
    app: &App,
    filter: Option<&str>,
) -> Result<(), Failure> {
    let mut names = Vec::new();
    find(
        &workspace.root.join("apps").join(&app.name).join("src"),
        &mut names,
    )?;
    names.retain(|name| filter.is_none_or(|filter| name.contains(filter)));
    let name = &app.name;
    if names.is_empty() {
        return Err(Failure::usage(format!(
            "apps/{name} has no test for a board: write an `async fn` with `#[vmos::test]`"
        )));
    }
    let program = std::env::current_exe()?;
    let mut failed = 0;
    for board in boards {
        for test in &names {
            // The attributes read the variable while the app is compiled.
            let status = Command::new(&program)
                .args(["run", board, "--app", name])
                .current_dir(&workspace.root)
                .env(VARIABLE, test)
                .stdin(Stdio::null())
                .status()?;
            let word = if status.success() { "ok" } else { "FAILED" };
            println!("test {board}/{name}/{test} ... {word}");
            failed += u32::from(!status.success());
        }
    }
    match failed {
        0 => Ok(()),
        _ => Err(Failure::Status(1)),
    }
}

/// Adds the names of the async tests in a folder of sources, except for those that must panic or are
/// ignored.
fn find(folder: &Path, names: &mut Vec<String>) -> Result<(), Failure> {
    let entries = fs::read_dir(folder).map_err(FileError::at("list", folder))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(FileError::at("list", folder))?.path());
    }
    paths.sort();
    for path in paths {
        if path.is_dir() {
            find(&path, names)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).map_err(FileError::at("read", &path))?;
            // What the compiler does not understand it will say.
            if let Ok(file) = syn::parse_file(&text) {
                find_in(&file.items, names);
            }
        }
    }
    Ok(())
}

fn find_in(items: &[Item], names: &mut Vec<String>) {
    for item in items {
        match item {
            Item::Fn(function) if is_for_boards(function) => {
                names.push(function.sig.ident.to_string());
            }
            // A board does not see what is only for the host.
            Item::Mod(module) if !has(&module.attrs, &["cfg"]) => {
                let items = module.content.as_ref().map(|(_, items)| items.as_slice());
                find_in(items.unwrap_or_default(), names);
            }
            _ => {}
        }
    }
}

fn is_for_boards(function: &ItemFn) -> bool {
    let attributes = &function.attrs;
    let is_test = has(attributes, &["vmos", "test"]);
    let is_other = ["should_panic", "ignore", "cfg"]
        .iter()
        .any(|name| has(attributes, &[name]));
    is_test && !is_other && function.sig.asyncness.is_some()
}

/// Returns whether one of the attributes has this path.
fn has(attributes: &[Attribute], path: &[&str]) -> bool {
    attributes.iter().any(|attribute| {
        let segments = attribute.path().segments.iter();
        segments
            .map(|segment| segment.ident.to_string())
            .eq(path.iter().copied())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_async_tests_that_a_board_can_run_are_found() {
        let text = "
            #[vmos::tests]
            mod tests {
                #[vmos::test]
                async fn here(kernel: Kernel, spawner: Spawner) {}
                #[vmos::test]
                fn several(network: &mut Network) {}
                #[vmos::test]
                #[should_panic(expected = \"it\")]
                async fn fails(kernel: Kernel, spawner: Spawner) {}
                #[test]
                fn ordinary() {}
            }
            #[cfg(test)]
            mod host {
                #[vmos::test]
                async fn there(kernel: Kernel, spawner: Spawner) {}
            }
        ";
        let mut names = Vec::new();
        find_in(&syn::parse_file(text).unwrap().items, &mut names);
        assert_eq!(names, ["here"]);
    }
}
