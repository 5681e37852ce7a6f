//! Answers for a line of a file.

use std::fs;

use vmos_codegen::emit::{reference, schema};
use vmos_codegen::facts::Fixed;
use vmos_codegen::influence::{Influence, Origin, Relation};
use vmos_codegen::source::SourceFile;
use vmos_codegen::tree::Plan;

use super::board::{Loaded, grouped, text_of};
use super::key;
use crate::failure::{Failure, FileError};
use crate::workspace::{Workspace, relative_to_here};

/// Describes where a line of a generated file comes from.
pub(super) fn generated(
    workspace: &Workspace,
    loaded: &[Loaded],
    path: &str,
    line: usize,
) -> Result<String, Failure> {
    let whole = workspace.root.join("generated").join(path);
    let on_disk =
        fs::read_to_string(&whole).map_err(FileError::at("read", relative_to_here(&whole)))?;
    let Some(text) = on_disk.lines().nth(line - 1) else {
        let count = on_disk.lines().count();
        return Err(Failure::usage(format!(
            "generated/{path} has no line {line}: it has {count} lines"
        )));
    };
    let head = format!("generated/{path}:{line}\n{line} | {text}\n\n");
    let own = path.split_once('/').and_then(|(board, file)| {
        let loaded = loaded.iter().find(|one| one.board.name == board)?;
        Some((loaded, file))
    });
    let Some((one, file)) = own else {
        return Ok(head + &of_all_boards(loaded, path, &on_disk, text)?);
    };
    let influence = Influence::between(&one.board, &one.written, |_| true, |name| name == file)?;
    let artefact = influence.artefacts().get(file);
    if artefact.is_none_or(|artefact| artefact.text != on_disk) {
        return Err(stale(path, &one.board.name, artefact.is_none()));
    }
    let origin = influence
        .origin(file, line)
        .ok_or_else(|| format!("generated/{path} has no line {line}"))?;
    Ok(head + &told(workspace, one, &origin))
}

fn stale(path: &str, board: &str, is_extra: bool) -> Failure {
    match is_extra {
        true => format!("generated/{path} is not written by the generator").into(),
        false => format!(
            "generated/{path} is out of date; update it by cargo xtask gen \
             {board}"
        )
        .into(),
    }
}

fn told(workspace: &Workspace, one: &Loaded, origin: &Origin) -> String {
    let mut text = match origin.relation {
        Relation::Value => String::from("the line depends on the value of\n"),
        Relation::Name => String::from("the line names\n"),
        Relation::Section => String::from("the line belongs to the section generated from\n"),
        Relation::Template => {
            String::from("the line is fixed text of a template, which is selected by\n")
        }
        Relation::Fixed => {
            String::from("the line is fixed text, the same for every board with these devices\n")
        }
    };
    for path in &origin.keys {
        let is_table = one
            .fact(path)
            .is_none_or(|fact| matches!(fact.value, Fixed::Drivers(_)));
        text += &match is_table {
            true => key::said(one, path),
            false => one.setting(path),
        };
        text.push('\n');
    }
    text += &match origin.template_line {
        Some(line) => template_line(workspace, &origin.maker, line),
        None => format!("written by {}\n", origin.maker),
    };
    text
}

/// Quotes a line of a template, in the style of rustc.
fn template_line(workspace: &Workspace, path: &str, line: usize) -> String {
    // The templates are compiled into this program; the file is only read to quote it.
    let text = fs::read_to_string(workspace.root.join(path)).unwrap_or_default();
    let file = SourceFile {
        path: path.to_owned(),
        text,
    };
    let text = file.text.lines().nth(line - 1).unwrap_or_default();
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    format!("written by the template\n{margin}--> {path}:{line}\n{margin} |\n{number} | {text}\n")
}

/// Describes a line of a file that is generated from all boards.
fn of_all_boards(
    loaded: &[Loaded],
    path: &str,
    on_disk: &str,
    text: &str,
) -> Result<String, Failure> {
    let names: Vec<&str> = loaded.iter().map(|one| one.board.name.as_str()).collect();
    let boards: Vec<_> = loaded.iter().map(|one| one.board.clone()).collect();
    let plan = Plan::all(&boards)?;
    match plan.files().get(path) {
        Some(planned) if planned == on_disk => {}
        planned => return Err(stale(path, "", planned.is_none())),
    }
    let is_named = |name: &&str| {
        let mut rest = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
        rest.any(|word| word == *name || word == name.replace('-', "_"))
    };
    let mut said = String::new();
    for name in names.into_iter().filter(is_named) {
        if let Some(one) = loaded.iter().find(|one| one.board.name == name) {
            said += &format!("the line names\n{}\n", one.setting("board.name"));
        }
    }
    if said.is_empty() {
        said += "the line is fixed text, independent of the boards\n";
    }
    let maker = match path {
        reference::FILE => "reference.rs from the tables of keys",
        schema::FILE => "schema.rs from the tables of keys",
        "README.md" => "boards_md.rs from all boards",
        _ => "index.rs from the list of all boards",
    };
    Ok(said + &format!("written by codegen/src/emit/{maker}\n"))
}

/// Describes the keys that a line of a description sets.
pub(super) fn description(
    workspace: &Workspace,
    loaded: &[Loaded],
    path: &str,
    line: usize,
) -> Result<String, Failure> {
    let whole = workspace.root.join(path);
    // A board of VMOS that a board of another repository extends is in another folder.
    if let Some(text) = fs::read_to_string(&whole).ok()
        && text.lines().nth(line - 1).is_none()
    {
        let count = text.lines().count();
        return Err(Failure::usage(format!(
            "{path} has no line {line}: it has {count} lines"
        )));
    }
    let mut answers = Vec::new();
    for one in loaded {
        let is_here = |at| {
            let (file, of, _) = one.written.position(at);
            file == path && of == line
        };
        let mut keys: Vec<&str> = one
            .facts
            .iter()
            .map(|fact| fact.path.as_str())
            .filter(|path| {
                one.written
                    .find(path)
                    .is_some_and(|entry| is_here(entry.node.at))
            })
            .collect();
        let all = keys.clone();
        keys.retain(|key| {
            let inside = |other: &&str| other.starts_with(&format!("{key}."));
            !all.iter().any(inside)
        });
        if keys.is_empty() {
            let tables = one.written.tables().into_iter();
            let here = tables.filter(|path| {
                let entry = one.written.find(path);
                entry.is_some_and(|entry| is_here(entry.node.at))
            });
            for table in here {
                let generated = one.generated(&[&table])?;
                answers.push((one, key::said(one, &table), generated));
            }
        }
        for key in keys {
            answers.push((one, key::said(one, key), one.generated(&[key])?));
        }
    }
    let is_read = |one: &Loaded| one.board.sources.iter().any(|source| source == path);
    if !whole.is_file() && !loaded.iter().any(is_read) {
        return Err(Failure::usage(format!("{path} does not exist")));
    }
    if answers.is_empty() {
        return Err(format!(
            "{path}:{line} sets no key that a board uses: it is empty, a comment, or overridden on every board"
        )
        .into());
    }
    Ok(text_of(&format!("{path}:{line}"), &grouped(answers)))
}
