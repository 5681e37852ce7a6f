//! `cargo xtask new-app`: creates an app.

use std::fs;
use std::path::Path;

use clap::Args;

use crate::failure::{Failure, FileError};
use crate::files;
use crate::workspace::{App, Workspace};

/// Create an app in apps/, from a small one or like an existing one
///
/// The new app is a separate package: existing files are not changed, and `cargo xtask run` without
/// `--app` runs the same app as before.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask new-app my-app
  cargo xtask new-app my-app --like http --description \"Shows my sensor\"")]
pub struct Arguments {
    /// Name of the new app: lower-case letters, digits and `-`
    name: String,
    /// App to copy; default: a small one that echoes datagrams
    #[arg(long, value_name = "APP")]
    like: Option<String>,
    /// What the app does, in one line
    #[arg(long)]
    description: Option<String>,
}

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../../../templates/project/app/", $path))
    };
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let Arguments {
        name, description, ..
    } = arguments;
    check_name(name, &workspace)?;
    let description = description.as_deref();
    let folder = workspace.root.join("apps").join(name);
    files::folder_or_nothing(&folder, || {
        match &arguments.like {
            Some(like) => {
                let like = workspace.app(like).map_err(Failure::usage)?;
                copy(&workspace.root.join("apps").join(&like.name), &folder)?;
                let manifest = folder.join("Cargo.toml");
                let text =
                    fs::read_to_string(&manifest).map_err(FileError::at("read", &manifest))?;
                files::write(&manifest, &renamed(&text, like, name, description))?;
            }
            None => {
                let hello = App {
                    name: "hello".to_owned(),
                    description: "Prints the name of the board, then echoes datagrams".to_owned(),
                    forwards: Vec::new(),
                    features: Vec::new(),
                };
                let manifest = renamed(template!("Cargo.toml.in"), &hello, name, description);
                files::write(&folder.join("Cargo.toml"), &manifest)?;
                files::write(&folder.join("src/main.rs"), template!("main.rs.in"))?;
            }
        }
        Ok(())
    })?;
    println!("created the app apps/{name}");
    println!("Next:");
    println!("    edit apps/{name}/src/main.rs");
    println!("    cargo xtask run BOARD --app {name}");
    Ok(())
}

/// Rejects names that cargo does not accept, and those of existing packages.
fn check_name(name: &str, workspace: &Workspace) -> Result<(), Failure> {
    let is_word = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !is_word {
        return Err(Failure::usage(format!(
            "`{name}` is not a valid app name: it must start with a lower-case letter and contain only lower-case letters, digits and `-`"
        )));
    }
    if workspace.has_member(name) || workspace.root.join("apps").join(name).exists() {
        return Err(Failure::usage(format!(
            "there is already a package `{name}`; choose another name"
        )));
    }
    Ok(())
}

/// Returns a manifest with another name and description.
fn renamed(manifest: &str, like: &App, name: &str, description: Option<&str>) -> String {
    let renamed = manifest.replacen(
        &format!("name = {:?}", like.name),
        &format!("name = {name:?}"),
        1,
    );
    match description {
        Some(new) => renamed.replacen(
            &format!("description = {:?}", like.description),
            &format!("description = {new:?}"),
            1,
        ),
        None => renamed,
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), FileError> {
    fs::create_dir_all(to).map_err(FileError::at("create the folder", to))?;
    for entry in fs::read_dir(from).map_err(FileError::at("list", from))? {
        let entry = entry.map_err(FileError::at("list", from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target)?;
        } else {
            fs::copy(&source, &target).map_err(FileError::at("copy", &source))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_gets_its_new_name_and_description_once() {
        let manifest = "[package]\nname = \"http\"\ndescription = \"Serves\"\n# name = \"http\"\n";
        let like = App {
            name: "http".to_owned(),
            description: "Serves".to_owned(),
            forwards: Vec::new(),
            features: Vec::new(),
        };
        assert_eq!(
            renamed(manifest, &like, "mine", Some("Shows \"it\"")),
            "[package]\nname = \"mine\"\ndescription = \"Shows \\\"it\\\"\"\n# name = \"http\"\n"
        );
    }
}
