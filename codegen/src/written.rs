//! Finds the locations of a key path (`console.pl011.base`) in the files.
//!
//! The merged tree of a board is kept with the text of its files after the board has been resolved,
//! so that later findings about the machine or the image can be reported at their lines.

use crate::diagnostic::{Diagnostic, Diagnostics, Problems};
use crate::language::tree::{Entry, Node, Table, Value};
use crate::source::{Location, SourceFile};

/// The content of a board's files, with locations.
#[derive(Clone, Debug)]
pub struct Written {
    root: Node,
    files: Vec<SourceFile>,
}

impl Written {
    /// Creates the located content from the tree and the files of a board.
    pub(crate) fn new(root: Node, files: Vec<SourceFile>) -> Self {
        Self { root, files }
    }

    /// Returns the key at a path, if a file has it: its location, its value, and the values that it
    /// overrides. `None` for a default, which is in no file.
    pub fn find(&self, path: &str) -> Option<&Entry> {
        let mut table = self.table()?;
        let mut rest = path;
        loop {
            // Only a quoted key can contain dots, and no name or address does.
            let (key, inner) = rest
                .split_once('.')
                .map_or((rest, None), |(key, inner)| (key, Some(inner)));
            let entry = table.get(key)?;
            match (inner, &entry.node.value) {
                (None, _) => return Some(entry),
                (Some(inner), Value::Table(next)) => (table, rest) = (next, inner),
                (Some(_), _) => return None,
            }
        }
    }

    /// Returns the location of the value at a path; for a default, that of the table around it; if
    /// that is missing too, that of the board's `[board]`.
    pub fn place(&self, path: &str) -> Location {
        let mut path = path;
        loop {
            if let Some(entry) = self.find(path) {
                return entry.node.at;
            }
            match path.rsplit_once('.') {
                Some((table, _)) => path = table,
                None => return self.root.at,
            }
        }
    }

    /// Returns every key that has a value and is not a table, with its path, in the order of the
    /// tree.
    pub fn values(&self) -> Vec<(String, &Entry)> {
        let mut values = Vec::new();
        if let Some(table) = self.table() {
            collect(table, "", &mut values);
        }
        values
    }

    /// Returns the whole merged tree.
    pub(crate) const fn root(&self) -> &Node {
        &self.root
    }

    /// Returns the outermost table.
    pub(crate) fn table(&self) -> Option<&Table> {
        match &self.root.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Returns the files: the board's own first, then those it extends, nearest first.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// Returns file, line and column of a location, lines and columns counted from 1.
    pub fn position(&self, at: Location) -> (&str, usize, usize) {
        self.files.get(at.file.0).map_or(("", 1, 1), |file| {
            let (line, column) = file.position(at.start);
            (file.path.as_str(), line, column)
        })
    }

    /// Converts findings into diagnostics that refer to these files.
    pub fn diagnostics(&self, list: Vec<Diagnostic>) -> Diagnostics {
        let mut problems = Problems::with_files(self.files.clone());
        list.into_iter().for_each(|one| problems.report(one));
        problems.into_diagnostics()
    }
}

fn collect<'t>(table: &'t Table, path: &str, values: &mut Vec<(String, &'t Entry)>) {
    for entry in &table.entries {
        let path = match path {
            "" => entry.key.clone(),
            path => format!("{path}.{}", entry.key),
        };
        match &entry.node.value {
            Value::Table(inner) => collect(inner, &path, values),
            _ => values.push((path, entry)),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::source::InMemory;
    use crate::tests::TOY;

    use super::*;

    fn toy() -> Written {
        let (_, written) = crate::load_written(&InMemory::new().with("toy", TOY), "toy").unwrap();
        written
    }

    #[test]
    fn a_path_leads_to_the_line_of_its_value() {
        let written = toy();
        let (path, line, column) = written.position(written.place("console.pl011.clock"));
        let text = TOY.lines().nth(line - 1).unwrap();
        assert_eq!(
            (path, &text[column - 1..]),
            ("boards/toy.toml", "\"24 MHz\"")
        );
    }

    #[test]
    fn a_path_leads_into_tables_on_one_line() {
        let written = toy();
        let at = written.place("interrupt-controller.gic-v3.its.base");
        assert_eq!(&TOY[at.start..at.end], "0x1020_0000");
    }

    #[test]
    fn a_default_has_the_location_of_its_table() {
        let written = toy();
        assert!(written.find("console.pl011.size").is_none());
        assert_eq!(
            written.place("console.pl011.size"),
            written.place("console.pl011")
        );
    }

    #[test]
    fn a_missing_table_has_the_location_of_the_board() {
        let written = toy();
        assert_eq!(written.place("no.such.thing"), written.place("board"));
    }

    #[test]
    fn an_inherited_value_has_its_location_in_the_other_file() {
        let own = "schema = 1\nextends = \"toy\"\n[board]\nname = \"own\"\n";
        let sources = InMemory::new().with("toy", TOY).with("own", own);
        let (_, written) = crate::load_written(&sources, "own").unwrap();
        let file = |path: &str| written.position(written.place(path)).0.to_owned();
        assert_eq!(file("board.name"), "boards/own.toml");
        assert_eq!(file("console.pl011.base"), "boards/toy.toml");
    }

    #[test]
    fn values_are_all_keys_except_tables() {
        let written = toy();
        let values = written.values();
        for (path, entry) in &values {
            assert!(!matches!(entry.node.value, Value::Table(_)), "{path}");
            assert_eq!(written.place(path), entry.node.at, "{path}");
        }
        assert!(
            values
                .iter()
                .any(|(path, _)| path == "virtio-mmio.interrupt.spi")
        );
    }
}
