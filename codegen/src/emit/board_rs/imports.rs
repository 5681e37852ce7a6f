//! The `use` lines, in rustfmt's order and layout.

use std::collections::{BTreeMap, BTreeSet};

/// The largest width of a `use` line. rustfmt counts a `use` with braces as two columns wider.
const LINE: usize = 98;
/// The largest width of a line in braces.
const ROW: usize = 100;

/// The imported names, by module.
#[derive(Default)]
pub(super) struct Imports {
    modules: BTreeMap<&'static str, BTreeSet<&'static str>>,
}

impl Imports {
    /// Imports `name` from `module`; the name `self` imports the module too.
    pub(super) fn add(&mut self, module: &'static str, name: &'static str) {
        self.modules.entry(module).or_default().insert(name);
    }

    /// Returns one `use` for each module.
    pub(super) fn text(&self) -> String {
        self.modules
            .iter()
            .map(|(module, names)| line(module, names))
            .collect()
    }
}

fn line(module: &str, names: &BTreeSet<&str>) -> String {
    // `self` first, modules before types: the order of rustfmt's 2024 style.
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
