//! `cargo xtask new`: creates a board that extends another one.

use std::io;
use std::path::Path;

use clap::Args;
use vmos_codegen::Board;
use vmos_codegen::source::{Folder, Sources};

use crate::boards;
use crate::failure::{Failure, FileError};
use crate::files;
use crate::workspace::Workspace;

/// Create a board that extends another one, with the inherited content as comments
///
/// Writes `boards/<NAME>.toml`, which is complete, and generates its code. Change what differs and
/// delete the rest. An existing file is never overwritten.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask new my-board --from <BOARD>
  cargo xtask new my-board --from <BOARD> --title \"My machine\"")]
pub struct Arguments {
    /// Name of the new board: lower-case letters, digits and `-`
    name: String,
    /// Board to extend: a file in boards/ without `.toml`, or a board of VMOS itself
    #[arg(long, value_name = "BOARD")]
    from: String,
    /// Description of the machine, in one line
    #[arg(long)]
    title: Option<String>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let name = &arguments.name;
    let extends = format!("cargo xtask new my-{name} --from {name}");
    boards::refuse_name_of_vmos(&workspace.root, name, &extends)?;
    let title = arguments.title.as_deref();
    let board = write(&workspace.root, name, &arguments.from, title)?;
    let name = &board.name;
    println!("boards/{name}.toml extends {}", arguments.from);
    boards::bring_up_to_date(&workspace, core::slice::from_ref(&board))?;
    println!("Next:");
    println!("    edit boards/{name}.toml");
    println!("    cargo xtask run {name}");
    Ok(())
}

/// Writes the board file into `boards/` of `root`, and returns the board.
pub(super) fn write(
    root: &Path,
    name: &str,
    sibling: &str,
    title: Option<&str>,
) -> Result<Board, Failure> {
    boards::refuse_taken(name)?;
    let folder = Folder::new(root);
    let siblings = folder.names().map_err(FileError::at("list", root))?;
    if !siblings.iter().any(|known| known == sibling) {
        return Err(Failure::usage(boards::NoSuchBoard {
            name: sibling.to_owned(),
            names: siblings,
        }));
    }
    let path = root.join("boards").join(format!("{name}.toml"));
    if path.exists() {
        return Err(Failure::usage(format!(
            "boards/{name}.toml already exists; choose another name, or edit it"
        )));
    }
    let parent = load(&folder, sibling)?;
    let copied = format!("Like {}", parent.title);
    let draft = Draft {
        text: text(&folder, name, sibling, title.unwrap_or(&copied))
            .map_err(FileError::at("read the board", sibling))?,
        folder: &folder,
        name,
    };
    // Errors in the name are reported before anything is written.
    let board = load(&draft, name)?;
    // Fails if the file was created in the meantime.
    files::create(&path, &draft.text)?;
    Ok(board)
}

pub(super) fn load(sources: &dyn Sources, name: &str) -> Result<Board, Failure> {
    vmos_codegen::load_from(sources, name).map_err(Failure::mistakes)
}

/// A source of board files: the existing boards, and one that has not been written yet.
struct Draft<'a> {
    folder: &'a Folder,
    name: &'a str,
    text: String,
}

impl Sources for Draft<'_> {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        if name == self.name {
            return Ok(self.text.clone().into_bytes());
        }
        self.folder.read(name)
    }

    fn read_part(&self, kind: &str) -> io::Result<Vec<u8>> {
        self.folder.read_part(kind)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.folder.names()
    }

    fn path(&self, name: &str) -> String {
        self.folder.path(name)
    }
}

/// Returns the text of the new board file.
fn text(sources: &dyn Sources, name: &str, sibling: &str, title: &str) -> io::Result<String> {
    let mut text = String::from("#:schema ../generated/board.schema.json\n");
    text += &format!(
        r#"schema = 1
extends = "{sibling}"              # keys not set here are inherited

[board]
name = "{name}"
title = {title:?}

# Everything below is inherited from {sibling}. To change a value, remove the `# ` from its line and
# from the line of its [table], and write the new value. Delete the rest.
# To remove an inherited table, write without = ["pci"] above [board].
# Where a value comes from: cargo xtask why {name}:<key>. Whether it is true: cargo xtask verify {name}.
"#
    );
    let mut next = Some(sibling.to_owned());
    let mut seen: Vec<String> = Vec::new();
    while let Some(ancestor) = next.take().filter(|ancestor| !seen.contains(ancestor)) {
        let bytes = sources.read(&ancestor)?;
        let theirs = String::from_utf8_lossy(&bytes);
        if !seen.is_empty() {
            text += &format!("\n# Inherited from {ancestor}:\n");
        }
        text += &commented(&theirs);
        next = extends(&theirs);
        seen.push(ancestor);
    }
    Ok(text)
}

/// Returns the tables of a board file as comments, without `schema`, `extends` and `[board]`.
fn commented(text: &str) -> String {
    let mut commented = String::new();
    let mut is_about_machine = false;
    for line in text.lines() {
        if let Some(table) = line.strip_prefix('[') {
            is_about_machine = !table.starts_with("board]");
            if is_about_machine {
                commented.push('\n');
            }
        }
        if is_about_machine && !line.trim().is_empty() {
            commented += &format!("# {line}\n");
        }
    }
    commented
}

/// Returns the board that a board file extends.
fn extends(text: &str) -> Option<String> {
    let own = text.lines().take_while(|line| !line.starts_with('['));
    let mut values = own.filter_map(|line| line.strip_prefix("extends")?.trim().strip_prefix('='));
    let value = values.next()?.trim().strip_prefix('"')?;
    Some(value.split('"').next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use vmos_codegen::source::InMemory;

    use super::*;

    const PARENT: &str = "schema = 1\nextends = \"root\" # why\n\n[board]\nname = \"parent\"\n\n\
                          [qemu]\nmachine = \"some\"  # what\n\n# a note\n[timer.x]\na = 1\n";

    fn sources() -> InMemory {
        InMemory::new().with("parent", PARENT).with(
            "root",
            "schema = 1\n[board]\nname = \"root\"\n[memory]\nb = 2\n",
        )
    }

    #[test]
    fn a_new_board_shows_the_tables_of_its_ancestors() {
        let text = text(&sources(), "new", "parent", "New \"one\"").unwrap();
        assert!(text.contains("extends = \"parent\""), "{text}");
        assert!(text.contains("title = \"New \\\"one\\\"\""), "{text}");
        assert!(
            text.contains("\n# [qemu]\n# machine = \"some\"  # what\n"),
            "{text}"
        );
        assert!(
            text.contains("\n# Inherited from root:\n\n# [memory]\n# b = 2\n"),
            "{text}"
        );
    }

    #[test]
    fn a_new_board_does_not_show_the_names_of_its_ancestors() {
        let text = text(&sources(), "new", "parent", "New").unwrap();
        assert!(!text.contains("# schema"), "{text}");
        assert!(!text.contains("name = \"parent\""), "{text}");
        assert!(!text.contains("extends = \"root\""), "{text}");
    }

    #[test]
    fn extends_counts_only_above_the_tables() {
        assert_eq!(extends(PARENT).as_deref(), Some("root"));
        assert_eq!(extends("[a]\nextends = \"x\"\n"), None);
    }
}
