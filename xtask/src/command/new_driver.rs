//! `cargo xtask new-driver`: creates the skeleton of a driver and of its binding.

mod class;
mod place;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::failure::{Failure, FileError};
use crate::files;
use crate::workspace::Workspace;
use class::Class;

/// Create the skeleton of a driver: binding, driver, tests and a golden board
///
/// Writes codegen/src/binding/NAME.rs, drivers/src/CLASS/NAME.rs with its tests, and
/// tests/golden/NAME, and adds the driver to its class. The result compiles; TODO marks what to
/// fill in from the data sheet. docs/new-driver.md explains each part. Existing files are never
/// overwritten.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  cargo xtask new-driver console my-uart")]
pub struct Arguments {
    /// Class: console, ethernet, interrupt-controller, power, rtc or timer
    #[arg(value_name = "CLASS", value_parser = class::named)]
    class: &'static Class,
    /// Name of the driver in board files: lower-case letters, digits and hyphens
    #[arg(value_name = "NAME", value_parser = name)]
    name: String,
}

/// Returns whether a name is valid for a driver, a file and a type.
fn name(name: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let sound = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(plain)
        && !name.ends_with('-')
        && !name.contains("--");
    match sound {
        true => Ok(name.to_owned()),
        false => {
            Err("a name has lower-case letters, digits and single hyphens, a letter first".into())
        }
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let changes = changes(&workspace.root, arguments.class, &arguments.name)?;
    for (path, text) in &changes {
        let whole = workspace.root.join(path);
        files::write(&whole, text)?;
    }
    // What reads the output may end before everything is printed.
    for (path, _) in &changes {
        println!("wrote {}", path.display());
    }
    println!(
        "Next: docs/new-driver.md, and\n    grep -rn TODO {}\n    \
         UPDATE_GOLDEN=1 cargo test -p vmos-codegen --test golden\n    cargo test -p vmos-drivers",
        changes
            .iter()
            .map(|(path, _)| path.display().to_string())
            .collect::<Vec<_>>()
            .join(" ")
    );
    Ok(())
}

/// Returns every file that is created or changed, with its new text.
fn changes(root: &Path, class: &Class, name: &str) -> Result<Vec<(PathBuf, String)>, Failure> {
    let module = name.replace('-', "_");
    let folder = format!("drivers/src/{}", class.module());
    let new = [
        (
            format!("codegen/src/binding/{module}.rs"),
            class.binding(name),
        ),
        (format!("{folder}/{module}.rs"), class.driver(name)),
        (format!("{folder}/{module}/tests.rs"), class.tests(name)),
        (format!("tests/golden/{name}/board.toml"), class.board(name)),
        (format!("tests/golden/{name}/board.rs"), String::new()),
    ];
    let mut changes = Vec::new();
    for (path, text) in new {
        let path = PathBuf::from(path);
        if root.join(&path).exists() {
            let path = path.display();
            return Err(Failure::usage(format!(
                "{path} already exists; choose another name, or edit it"
            )));
        }
        changes.push((path, text));
    }
    let of_class = format!("{folder}.rs");
    let known = [
        (
            "codegen/src/binding.rs",
            place::in_binding as fn(&str, &Class, &str) -> Option<String>,
        ),
        (&of_class, place::in_drivers),
    ];
    for (path, change) in known {
        let whole = root.join(path);
        let text = fs::read_to_string(&whole).map_err(FileError::at("read", &whole))?;
        let text = change(&text, class, name).ok_or_else(|| {
            format!(
                "{path} has no list of drivers for `{}`: add the lines by hand",
                class.key
            )
        })?;
        changes.push((PathBuf::from(path), text));
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::class::CLASSES;
    use super::*;

    #[test]
    fn every_class_has_its_files_and_lines() {
        let root = Workspace::find().expect("a workspace").root;
        for class in CLASSES {
            let changes = changes(&root, class, "some-new-part").expect("there is a place");
            assert_eq!(changes.len(), 7);
            let (new, _) = changes.split_at(5);
            for (path, text) in new {
                assert!(!text.contains('@'), "{}:\n{text}", path.display());
            }
            let (_, binding) = &changes[5];
            assert!(binding.contains("pub mod some_new_part;\n"), "{binding}");
            let line = "        SomeNewPart(some_new_part::SomeNewPart),\n";
            assert_eq!(binding.matches(line).count(), 1, "{binding}");
        }
    }

    #[test]
    fn existing_files_are_not_overwritten() {
        let root = Workspace::find().expect("a workspace").root;
        let class = class::named("console").expect("a class");
        let failure = changes(&root, class, "pl011").expect_err("pl011 exists");
        assert!(failure.to_string().contains("already exists"), "{failure}");
    }
}
