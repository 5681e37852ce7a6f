//! Lines of files.

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

/// Where a line of a generated file comes from.
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
            "generated/{path} has {count} lines, and no line {line}"
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
        true => format!("generated/{path} is not a file that the generator makes").into(),
        false => format!(
            "generated/{path} is out of date, so that its lines mean nothing: cargo xtask gen \
             {board}"
        )
        .into(),
    }
}

fn told(workspace: &Workspace, one: &Loaded, origin: &Origin) -> String {
    let mut text = match origin.relation {
        Relation::Value => String::from("another value here would make it another line\n"),
        Relation::Name => String::from("it names\n"),
        Relation::Section => String::from("it is a part of what comes from\n"),
        Relation::Template => String::from("it is fixed text of a template that is picked by\n"),
        Relation::Fixed => {
            String::from("it is fixed text, the same for every board of these parts\n")
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

/// A line of a template, as the compiler shows one.
fn template_line(workspace: &Workspace, path: &str, line: usize) -> String {
    // The templates are part of this program; the file is there only to be shown.
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

/// A line of a file that is made from all boards.
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
            said += &format!("it names\n{}\n", one.setting("board.name"));
        }
    }
    if said.is_empty() {
        said += "it is fixed text, the same whatever boards there are\n";
    }
    let maker = match path {
        reference::FILE => "reference.rs from the tables of keys",
        schema::FILE => "schema.rs from the tables of keys",
        "README.md" => "boards_md.rs from all boards",
        _ => "index.rs from the list of all boards",
    };
    Ok(said + &format!("written by codegen/src/emit/{maker}\n"))
}

/// What the keys on a line of a description come to.
pub(super) fn description(
    workspace: &Workspace,
    loaded: &[Loaded],
    path: &str,
    line: usize,
) -> Result<String, Failure> {
    let whole = workspace.root.join(path);
    // The boards of VMOS, which a repository of one's own extends, are elsewhere.
    if let Some(text) = fs::read_to_string(&whole).ok()
        && text.lines().nth(line - 1).is_none()
    {
        let count = text.lines().count();
        return Err(Failure::usage(format!(
            "{path} has {count} lines, and no line {line}"
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
        return Err(Failure::usage(format!("there is no {path}")));
    }
    if answers.is_empty() {
        return Err(format!(
            "no key that counts is set at {path}:{line}: it is empty, a comment, or overridden on \
             every board that has it"
        )
        .into());
    }
    Ok(text_of(&format!("{path}:{line}"), &grouped(answers)))
}
