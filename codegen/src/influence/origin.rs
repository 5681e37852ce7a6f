//! The origin of any generated line.

use super::Influence;
use crate::Written;
use crate::emit::{Artefact, Maker};
use crate::facts::Fixed;

/// The origin of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// How the line depends on its keys.
    pub relation: Relation,
    /// The key paths; empty only for [`Relation::Fixed`].
    pub keys: Vec<String>,
    /// The path of the template or the module that generated it.
    pub maker: String,
    /// The line of the template, from 1.
    pub template_line: Option<usize>,
}

/// The relation between a line and its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Another value of one of the keys would change the line.
    Value,
    /// The line contains the names of the keys.
    Name,
    /// The line is in the section about the keys.
    Section,
    /// The values of the keys select the template that contains the line.
    Template,
    /// The line is the same in the files of all boards with these parts.
    Fixed,
}

impl Influence {
    /// Returns the origin of line `line`, from 1, of the board's file `file`; `None` if there is no
    /// such line.
    #[must_use]
    pub fn origin(&self, file: &str, line: usize) -> Option<Origin> {
        let artefact = self.artefacts().get(file)?;
        let lines: Vec<&str> = artefact.text.lines().collect();
        let text = lines.get(line.checked_sub(1)?)?;
        let (maker, template_line) = match &artefact.maker {
            Maker::Template { path, lines } => (path.clone(), lines.get(line - 1).copied()),
            Maker::Emitter { path } => (path.clone(), None),
        };
        let owned = |keys: Vec<&str>| keys.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let by_value = || (Relation::Value, owned(self.keys_of(file, line)));
        let by_name = || (Relation::Name, self.names.in_line(text));
        let by_section = || {
            let keys = self.section(artefact, file, &lines, line);
            (Relation::Section, keys)
        };
        let by_template = || (Relation::Template, chosen_by(&maker));
        let nothing = (Relation::Fixed, Vec::new());
        let (relation, keys) = [
            &by_value as &dyn Fn() -> _,
            &by_name,
            &by_section,
            &by_template,
        ]
        .iter()
        .map(|find| find())
        .find(|(_, keys)| !keys.is_empty())
        .unwrap_or(nothing);
        Some(Origin {
            relation,
            keys,
            maker,
            template_line,
        })
    }

    /// Returns the keys of a line's section: those of the nearest line above it, up to the empty
    /// line or heading that starts the section. For a template, its line is more exact.
    fn section(&self, artefact: &Artefact, file: &str, lines: &[&str], line: usize) -> Vec<String> {
        if matches!(artefact.maker, Maker::Template { .. }) || lines[line - 1].trim().is_empty() {
            return Vec::new();
        }
        for above in (1..line).rev() {
            let text = lines[above - 1];
            if text.trim().is_empty() {
                break;
            }
            let keys = self.keys_of(file, above);
            if !keys.is_empty() {
                return keys.into_iter().map(str::to_owned).collect();
            }
            let keys = self.names.in_line(text);
            if !keys.is_empty() {
                return keys;
            }
        }
        Vec::new()
    }
}

/// Returns the key that selects a template: those in a folder are for one processor.
fn chosen_by(maker: &str) -> Vec<String> {
    let inside = maker.strip_prefix("templates/").unwrap_or_default();
    match inside.contains('/') {
        true => vec![String::from("board.architecture")],
        false => Vec::new(),
    }
}

/// The names of a board's keys in its files.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// Names that may occur in a line, each with its key.
    names: Vec<(String, String)>,
}

impl Names {
    pub(super) fn of(written: &Written) -> Self {
        let mut names: Vec<(String, String)> = Vec::new();
        for fact in written.all_facts() {
            if let Fixed::Drivers(drivers) = &fact.value {
                for driver in drivers {
                    let path = format!("{}.{driver}", fact.path);
                    // A driver's module, with its table.
                    names.push((driver.replace('-', "_"), path.clone()));
                    names.push((path.clone(), path));
                }
            }
            names.push((fact.path.clone(), fact.path));
        }
        for path in written.tables() {
            names.push((path.clone(), path));
        }
        for file in written.files() {
            names.push((file.path.clone(), String::from("board.name")));
        }
        // A longer name comes before a shorter one that it starts with.
        names.sort_by_key(|(name, _)| core::cmp::Reverse(name.len()));
        Self { names }
    }

    /// Returns the keys that a line names; each name must be a separate word.
    fn in_line(&self, line: &str) -> Vec<String> {
        let mut rest = line.to_owned();
        let mut keys = Vec::new();
        for (name, key) in &self.names {
            // A plain word is a name only where keys are named; in code it has other meanings.
            let is_plain = name.chars().all(|c| c.is_ascii_lowercase());
            let wanted = if is_plain {
                format!("`{name}`")
            } else {
                name.clone()
            };
            while let Some(at) = find_word(&rest, &wanted) {
                rest.replace_range(at..at + wanted.len(), &" ".repeat(wanted.len()));
                if !keys.contains(key) {
                    keys.push(key.clone());
                }
            }
        }
        keys
    }
}

/// Returns where `word` occurs in `line` as a whole word.
fn find_word(line: &str, word: &str) -> Option<usize> {
    let belongs = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    line.match_indices(word).map(|(at, _)| at).find(|at| {
        let before = line[..*at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(|c| belongs(c) || c == '.') && !after.is_some_and(belongs)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_word_is_found() {
        assert_eq!(find_word("use a::gic_v3::{self}", "gic_v3"), Some(7));
        assert_eq!(find_word("gic_v3_extra gic_v3", "gic_v3"), Some(13));
        assert_eq!(find_word("x.console", "console"), None);
    }

    #[test]
    fn a_template_in_a_folder_is_picked_by_the_processor() {
        assert_eq!(
            chosen_by("templates/z80/entry.S.jinja"),
            ["board.architecture"]
        );
        assert!(chosen_by("templates/linker.ld.jinja").is_empty());
    }
}
