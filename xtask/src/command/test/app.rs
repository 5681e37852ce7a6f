//! The tests of one app on a board: an image for each.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use syn::{Attribute, Item, ItemFn};

use crate::boards::{self, HOSTED};
use crate::failure::{Failure, FileError};
use crate::time_limit::{self, TimeLimit};
use crate::workspace::{App, Workspace};

/// The variable by which the attributes of `vmos` know which test an image consists of.
const VARIABLE: &str = "VMOS_TEST";

/// Runs the tests of an app on boards, each in a machine of its own that is stopped at the limit.
pub(super) fn run(
    workspace: &Workspace,
    boards: &[String],
    app: &App,
    filter: Option<&str>,
    limit: TimeLimit,
) -> Result<(), Failure> {
    let described = boards.iter().filter(|board| *board != HOSTED);
    let described: Vec<String> = described.cloned().collect();
    if !described.is_empty() {
        // Only for the error of one that does not exist.
        boards::load_some(workspace, &described)?;
    }
    let mut names = Vec::new();
    let sources = workspace.root.join("apps").join(&app.name).join("src");
    find(&sources.join("main.rs"), &sources, &mut names)?;
    let name = &app.name;
    if names.is_empty() {
        return Err(Failure::usage(format!(
            "apps/{name} has no test for a board: write an `async fn` with `#[vmos::test]`"
        )));
    }
    if let Some(twice) = repeated(&names) {
        return Err(Failure::usage(format!(
            "apps/{name} has two tests for a board named `{twice}`: an image has the test of one name, so \
             rename one of them"
        )));
    }
    if let Some(filter) = filter {
        let all = names.join(", ");
        names.retain(|name| name.contains(filter));
        if names.is_empty() {
            return Err(Failure::usage(format!(
                "apps/{name} has no test for a board whose name contains `{filter}`: there are {all}"
            )));
        }
    }
    let program = std::env::current_exe()?;
    let mut failed = 0;
    for board in boards {
        for test in &names {
            // The attributes read the variable while the app is compiled.
            let status = Command::new(&program)
                .args([
                    "run",
                    board,
                    "--app",
                    name,
                    "--time-limit",
                    &limit.to_string(),
                ])
                .current_dir(&workspace.root)
                .env(VARIABLE, test)
                .stdin(Stdio::null())
                .status()?;
            let word = match status.code() {
                Some(0) => "ok",
                Some(code) if code == i32::from(time_limit::STATUS) => "FAILED (time limit)",
                _ => "FAILED",
            };
            println!("test {board}/{name}/{test} ... {word}");
            failed += u32::from(!status.success());
        }
    }
    match failed {
        0 => Ok(()),
        _ => Err(Failure::Status(1)),
    }
}

/// Returns a name that occurs more than once.
fn repeated(names: &[String]) -> Option<&String> {
    let mut others = names.iter().enumerate();
    let found = others.find(|(at, name)| names[..*at].contains(name));
    found.map(|(_, name)| name)
}

/// Adds the names of the async tests in a file of sources and in its modules, except for those that must
/// panic, are ignored, or are only for the host. `folder` contains the files of its modules.
fn find(file: &Path, folder: &Path, names: &mut Vec<String>) -> Result<(), Failure> {
    let text = fs::read_to_string(file).map_err(FileError::at("read", file))?;
    let parsed = syn::parse_file(&text).map_err(|error| {
        let place = file.display();
        format!("cannot parse {place}: {error}; `cargo check` shows the place")
    })?;
    find_in(&parsed.items, folder, names)
}

fn find_in(items: &[Item], folder: &Path, names: &mut Vec<String>) -> Result<(), Failure> {
    for item in items {
        match item {
            Item::Fn(function) if is_for_boards(function) => {
                names.push(function.sig.ident.to_string());
            }
            // An image for a board does not contain modules that are only for the host.
            Item::Mod(module) if !has(&module.attrs, &["cfg"]) => {
                let name = module.ident.to_string();
                let inside = folder.join(&name);
                if let Some((_, items)) = &module.content {
                    find_in(items, &inside, names)?;
                    continue;
                }
                let files = [folder.join(format!("{name}.rs")), inside.join("mod.rs")];
                for file in files.iter().filter(|file| file.is_file()) {
                    find(file, &inside, names)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
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
        find_in(
            &syn::parse_file(text).unwrap().items,
            Path::new(""),
            &mut names,
        )
        .unwrap();
        assert_eq!(names, ["here"]);
    }

    #[test]
    fn the_app_of_the_examples_has_a_test_for_boards() {
        let apps = Workspace::find().unwrap().root.join("apps");
        let sources = apps.join("hello/src");
        let mut names = Vec::new();
        find(&sources.join("main.rs"), &sources, &mut names).unwrap();
        assert!(!names.is_empty());
    }

    #[test]
    fn two_tests_of_one_name_are_found_in_different_modules() {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("main.rs");
        let test = "#[vmos::test] async fn starts(kernel: Kernel, spawner: Spawner) {}";
        fs::write(&main, format!("mod a {{ {test} }} mod b {{ {test} }}")).unwrap();
        let mut names = Vec::new();
        find(&main, folder.path(), &mut names).unwrap();
        assert_eq!(repeated(&names).map(String::as_str), Some("starts"));
        assert_eq!(repeated(&names[..1]), None);
    }

    #[test]
    fn a_file_that_is_not_rust_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("main.rs");
        fs::write(&main, "fn main( {").unwrap();
        let error = find(&main, folder.path(), &mut Vec::new()).unwrap_err();
        let expected = format!("cannot parse {}: ", main.display());
        assert!(error.to_string().starts_with(&expected), "{error}");
    }

    #[test]
    fn files_of_modules_are_searched_unless_they_are_only_for_the_host() {
        let folder = tempfile::tempdir().unwrap();
        let test = |name| {
            format!("#[vmos::test]\nasync fn {name}(kernel: Kernel, spawner: Spawner) {{}}\n")
        };
        let main = "mod disk;\nmod net;\n#[cfg(test)]\nmod tests;\n";
        for (file, text) in [
            ("main.rs", main.to_owned()),
            ("disk.rs", format!("mod inner;\n{}", test("of_disk"))),
            ("disk/inner.rs", test("of_inner")),
            ("net/mod.rs", test("of_net")),
            ("tests.rs", test("of_the_host")),
        ] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut names = Vec::new();
        find(&folder.path().join("main.rs"), folder.path(), &mut names).unwrap();
        assert_eq!(names, ["of_inner", "of_disk", "of_net"]);
    }
}
