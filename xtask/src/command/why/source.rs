//! Answers for a line of source code that images are built from.

use std::fs;

use super::board::{Loaded, grouped, text_of};
use super::symbol;
use crate::failure::{Failure, FileError};
use crate::symbolise::Symbols;
use crate::workspace::{Workspace, relative_to_here};

/// The largest number of addresses of one image that are shown.
const SHOWN: usize = 6;

/// Describes a line of source code: the boards that select its driver, with the key, and its
/// addresses in the built images.
pub(super) fn answer(
    workspace: &Workspace,
    loaded: &[Loaded],
    path: &str,
    line: usize,
) -> Result<String, Failure> {
    let whole = workspace.root.join(path);
    let text =
        fs::read_to_string(&whole).map_err(FileError::at("read", relative_to_here(&whole)))?;
    let Some(words) = text.lines().nth(line.saturating_sub(1)) else {
        let count = text.lines().count();
        return Err(Failure::usage(format!(
            "{path} has {count} lines, and no line {line}"
        )));
    };
    let mut answers = Vec::new();
    for one in loaded {
        let picked = picked_by(one, path)?;
        let places = in_images(workspace, one, path, line);
        if picked.is_none() && places.is_empty() {
            continue;
        }
        let said = match picked {
            Some(key) => format!("the driver is selected by\n{}", one.setting(&key)),
            None => {
                String::from("no board file selects this code; the images that use it contain it\n")
            }
        };
        answers.push((one, said, places));
    }
    let head = format!("{path}:{line}");
    if answers.is_empty() {
        return Err(format!(
            "no built image contains {head} (cargo xtask build BOARD), and no board selects a driver in {path}"
        )
        .into());
    }
    Ok(format!(
        "{line} | {words}\n\n{}",
        text_of(&head, &grouped(answers))
    ))
}

/// Returns the key that selects the driver in a file, found through the imports of the board's
/// code.
fn picked_by(loaded: &Loaded, path: &str) -> Result<Option<String>, Failure> {
    let Some(module) = module_of(path) else {
        return Ok(None);
    };
    let artefacts = vmos_codegen::emit::artefacts_of(&loaded.board, |name| name == "board.rs")?;
    let text = artefacts
        .get("board.rs")
        .map_or("", |one| one.text.as_str());
    let imported = format!("use vmos_drivers::{module}::");
    if !text.lines().any(|line| line.starts_with(&imported)) {
        return Ok(None);
    }
    // A driver's file has its name in board files, with underscores for hyphens.
    let name = module
        .rsplit("::")
        .next()
        .unwrap_or_default()
        .replace('_', "-");
    let found = loaded.facts.iter().find_map(|fact| {
        let (table, last) = fact.path.rsplit_once('.')?;
        (last == name)
            .then(|| fact.path.clone())
            .or_else(|| (table.rsplit('.').next() == Some(name.as_str())).then(|| table.to_owned()))
    });
    let tables = loaded.written.tables().into_iter();
    let by_table = || {
        let mut tables = tables.filter(|table| table.rsplit('.').next() == Some(name.as_str()));
        tables.next()
    };
    Ok(found.or_else(by_table))
}

/// Returns `console::pl011` for `drivers/src/console/pl011.rs` and for files in its folder.
fn module_of(path: &str) -> Option<String> {
    let inside = path.strip_prefix("drivers/src/")?.strip_suffix(".rs")?;
    let parts: Vec<&str> = inside.split('/').take(2).collect();
    Some(parts.join("::"))
}

/// Returns the addresses of a line in the images of a board.
fn in_images(workspace: &Workspace, loaded: &Loaded, path: &str, line: usize) -> String {
    let mut text = String::new();
    for (elf, _) in symbol::images(workspace, loaded) {
        let Ok(symbols) = Symbols::read(&elf, &workspace.root) else {
            continue;
        };
        let places = symbols.places(path, u32::try_from(line).unwrap_or(u32::MAX));
        for address in places.iter().take(SHOWN) {
            let there = symbols.describe(*address).unwrap_or_default();
            let elf = relative_to_here(&elf);
            text += &format!("  {}: {address:#x}, {there}\n", elf.display());
        }
        if places.len() > SHOWN {
            let more = places.len() - SHOWN;
            text += &format!("  and at {more} more addresses\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_is_a_module_of_its_class() {
        assert_eq!(
            module_of("drivers/src/console/pl011.rs").as_deref(),
            Some("console::pl011")
        );
        assert_eq!(
            module_of("drivers/src/interrupt_controller/gic_v3/redistributor.rs").as_deref(),
            Some("interrupt_controller::gic_v3")
        );
        assert_eq!(module_of("kernel/src/lib.rs"), None);
    }
}
