//! Answers for a symbol of the linker script, the assembly or an image.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::thread;

use object::{Object as _, ObjectSection as _, ObjectSymbol as _};
use vmos_codegen::influence::Influence;

use super::board::{Loaded, grouped, shortened, text_of};
use crate::failure::Failure;
use crate::image::Image;
use crate::symbolise::Symbols;
use crate::workspace::{Workspace, relative_to_here};

/// Splits a symbol and an offset, as in `vmos_start+0x10`.
pub(super) fn parts(word: &str) -> (&str, u64) {
    let parts = word.rsplit_once('+').and_then(|(name, offset)| {
        let plain = offset.replace('_', "");
        let offset = match plain.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok()?,
            None => plain.parse().ok()?,
        };
        Some((name.trim_end(), offset))
    });
    parts.unwrap_or((word, 0))
}

/// Describes where a symbol comes from on the boards that have it, and what is `offset` bytes after
/// it in the built images; `None` if no board has it.
pub(super) fn answer(
    workspace: &Workspace,
    loaded: &[Loaded],
    name: &str,
    offset: u64,
) -> Result<Option<String>, Failure> {
    let mut answers = Vec::new();
    for (one, generated) in loaded.iter().zip(of_each(loaded, name)) {
        let images = in_images(workspace, one, name, offset);
        match generated? {
            Some((said, lines)) => answers.push((one, said, lines + &images)),
            None if images.is_empty() => {}
            None => {
                let said =
                    String::from("the symbol comes from the program, not from a description\n");
                answers.push((one, said, images));
            }
        }
    }
    if answers.is_empty() {
        return Ok(None);
    }
    Ok(Some(text_of(&format!("`{name}`"), &grouped(answers))))
}

/// A symbol's keys, and the line that defines it.
type Generated = Result<Option<(String, String)>, vmos_codegen::emit::Error>;

/// Returns the keys and the definition of a symbol for each board; the boards are searched in
/// parallel.
fn of_each(loaded: &[Loaded], name: &str) -> Vec<Generated> {
    thread::scope(|scope| {
        let trials: Vec<_> = loaded
            .iter()
            .map(|one| scope.spawn(move || generated(one, name)))
            .collect();
        let ended = trials.into_iter().map(thread::ScopedJoinHandle::join);
        // A thread that panics has printed the reason.
        ended.map(|one| one.unwrap_or(Ok(None))).collect()
    })
}

/// Returns the keys and the definition of a symbol in the generated files.
fn generated(loaded: &Loaded, name: &str) -> Generated {
    let artefacts = vmos_codegen::emit::artefacts(&loaded.board)?;
    let found = artefacts.iter().find_map(|(file, artefact)| {
        let lines: Vec<&str> = artefact.text.lines().collect();
        let at = lines.iter().position(|line| defines(line, name))?;
        Some((*file, at + 1, lines[at].to_owned()))
    });
    let Some((file, line, text)) = found else {
        return Ok(None);
    };
    let influence = Influence::between(
        &loaded.board,
        &loaded.written,
        |_| true,
        |name| name == file,
    )?;
    let mut keys: BTreeSet<String> = BTreeSet::new();
    if file.ends_with(".ld") {
        // Lines before it that move the location counter also move the symbol.
        let lines = artefacts[file].text.lines().zip(1..).take(line);
        let moves = lines.filter(|(text, _)| moves_location(text));
        for (_, line) in moves {
            keys.extend(influence.keys_of(file, line).into_iter().map(str::to_owned));
        }
    }
    if keys.is_empty() {
        let origin = influence.origin(file, line);
        keys.extend(origin.into_iter().flat_map(|origin| origin.keys));
    }
    let mut said = String::from("its address depends on\n");
    for key in &keys {
        said += &format!("{}\n", loaded.setting(key));
    }
    if keys.is_empty() {
        said = String::from("it is defined in fixed text, the same for every board\n");
    }
    let place = format!(
        "  generated/{}/{file}:{line}: {}\n",
        loaded.board.name,
        shortened(&text)
    );
    Ok(Some((said, place)))
}

/// Returns whether a line of a linker script, of assembly or of Rust defines a symbol.
fn defines(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("PROVIDE(").unwrap_or(line);
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let line = ["const ", "static "]
        .iter()
        .find_map(|word| line.strip_prefix(word))
        .unwrap_or(line);
    line.strip_prefix(name).is_some_and(|rest| {
        let rest = rest.trim_start();
        rest.starts_with('=') && !rest.starts_with("==") || rest.starts_with(':')
    })
}

fn moves_location(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with(". =") || line.starts_with(". +=") || line.contains(": ALIGN(")
}

/// Returns the built images of a board: app, path of the ELF file, and its bytes.
pub(super) fn images(workspace: &Workspace, loaded: &Loaded) -> Vec<(PathBuf, Vec<u8>)> {
    let apps = workspace.apps.iter();
    let files = apps.map(|app| Image::of(workspace, &loaded.board, &app.name).elf);
    files
        .filter_map(|elf| Some((elf.clone(), fs::read(elf).ok()?)))
        .collect()
}

/// Lists the addresses of a symbol in the built images.
fn in_images(workspace: &Workspace, loaded: &Loaded, name: &str, offset: u64) -> String {
    let mut text = String::new();
    for (path, bytes) in images(workspace, loaded) {
        let Ok(file) = object::File::parse(&*bytes) else {
            continue;
        };
        let symbol = file.symbols().find(|symbol| symbol.name() == Ok(name));
        let Some(symbol) = symbol else { continue };
        let section = symbol.section_index().and_then(|index| {
            let section = file.section_by_index(index).ok()?;
            Some(format!(", in {}", section.name().ok()?))
        });
        text += &format!(
            "  {}: {name} is {:#x}{}\n",
            relative_to_here(&path).display(),
            symbol.address(),
            section.unwrap_or_default()
        );
        if let Some(address) = symbol.address().checked_add(offset).filter(|_| offset > 0) {
            let symbols = Symbols::read(&path, &workspace.root).ok();
            let there = symbols.and_then(|symbols| symbols.describe(address));
            let there = there.map(|there| format!(", {there}")).unwrap_or_default();
            text += &format!("    and {name}+{offset:#x} is {address:#x}{there}\n");
        }
    }
    text
}

/// Describes what is at an address in the built images.
pub(super) fn at(workspace: &Workspace, loaded: &Loaded, address: u64) -> Option<String> {
    let mut text = String::new();
    for (path, bytes) in images(workspace, loaded) {
        let Ok(file) = object::File::parse(&*bytes) else {
            continue;
        };
        let section = file.sections().find(|section| {
            let begin = section.address();
            begin != 0 && (begin..begin + section.size()).contains(&address)
        });
        let Some(section) = section else { continue };
        let symbols = Symbols::read(&path, &workspace.root).ok();
        let symbol = symbols.and_then(|symbols| symbols.describe(address));
        text += &format!(
            "in {}: {}{}\n",
            relative_to_here(&path).display(),
            section.name().unwrap_or_default(),
            symbol
                .map(|symbol| format!(", {symbol}"))
                .unwrap_or_default()
        );
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_may_have_an_offset() {
        assert_eq!(parts("vmos_start+0x1_0"), ("vmos_start", 16));
        assert_eq!(parts("vmos_start+8"), ("vmos_start", 8));
        assert_eq!(parts("vmos_start"), ("vmos_start", 0));
        assert_eq!(parts("a+b"), ("a+b", 0));
    }

    #[test]
    fn a_definition_differs_from_a_use() {
        assert!(defines("        __stack_top = .;", "__stack_top"));
        assert!(defines("PROVIDE(__heap = .);", "__heap"));
        assert!(defines("__vectors:", "__vectors"));
        assert!(defines("const CONSOLE: Region = x;", "CONSOLE"));
        assert!(!defines("ASSERT(_start == __image_start, \"\")", "_start"));
        assert!(!defines("    __stack_top_2 = .;", "__stack_top"));
    }
}
