//! The `use` lines, as rustfmt orders and wraps them.

use std::collections::{BTreeMap, BTreeSet};

/// What a line may be wide: rustfmt counts a `use` with braces two columns wider than it is.
const LINE: usize = 98;
/// What a line within the braces may be wide.
const ROW: usize = 100;

/// What is imported, by module.
#[derive(Default)]
pub(super) struct Imports {
    modules: BTreeMap<&'static str, BTreeSet<&'static str>>,
}

impl Imports {
    /// Imports `name` from `module`; `self` imports the module too.
    pub(super) fn add(&mut self, module: &'static str, name: &'static str) {
        self.modules.entry(module).or_default().insert(name);
    }

    /// One `use` for each module.
    pub(super) fn text(&self) -> String {
        self.modules
            .iter()
            .map(|(module, names)| line(module, names))
            .collect()
    }
}

fn line(module: &str, names: &BTreeSet<&str>) -> String {
    // `self` first, modules before types: the order of rustfmt's style of 2024.
    let mut names: Vec<&str> = names.iter().copied().collect();
    names.sort_by_key(|name| (*name != "self", name.starts_with(char::is_uppercase), *name));
    if let [name] = names[..] {
        let path = if name == "self" {
            module.to_owned()
        } else {
            format!("{module}::{name}")
        };
        return format!("use {path};\n");
    }
    let line = format!("use {module}::{{{}}};\n", names.join(", "));
    if line.trim_end().len() <= LINE {
        return line;
    }
    let mut text = format!("use {module}::{{\n");
    let mut row = String::from("   ");
    for name in names {
        if row.len() + " ,".len() + name.len() > ROW {
            text += &format!("{row}\n");
            row = String::from("   ");
        }
        row += &format!(" {name},");
    }
    text + &format!("{row}\n}};\n")
}
