//! The lines with which a board overrides what it extends.

use crate::description::Description;
use crate::description::inherit::Loaded;
use crate::language::Read as _;
use crate::language::schema::{Kind, Presence};
use crate::language::tree::Value;
use crate::source::{FileId, path_of};

/// The lines to add to one file.
pub(crate) struct Overriding<'l> {
    loaded: &'l Loaded,
    /// The index of the file.
    n: usize,
}

/// Returns the table in which a key is usually written: the driver's, or the outermost.
pub(crate) fn header(path: &str) -> String {
    let mut parts = path.split('.');
    let first = parts.next().unwrap_or_default();
    let root = Description::KIND;
    match (root.inside(first), parts.next()) {
        (Some(Kind::OneDriver(_) | Kind::Drivers(_) | Kind::Named(_)), Some(second)) => {
            format!("{first}.{second}")
        }
        _ => first.to_owned(),
    }
}

impl<'l> Overriding<'l> {
    /// Creates the advice for the n-th file.
    pub(crate) fn of(loaded: &'l Loaded, n: usize) -> Self {
        Self { loaded, n }
    }

    /// Returns the path of the file.
    fn file(&self) -> String {
        let name = self.loaded.files.get(self.n).map_or("", |file| &file.name);
        self.loaded
            .sources
            .get(self.n)
            .cloned()
            .unwrap_or_else(|| path_of(name))
    }

    /// Returns the advice to override the value of a key.
    pub(super) fn value(&self, path: &str, value: &str) -> String {
        let table = self.table(path);
        let key = path.strip_prefix(&table).unwrap_or(path);
        let key = key.trim_start_matches('.');
        let line = format!("{key} = {value}");
        let key_line = key.rsplit('.').next().unwrap_or(key);
        match self.is_inline(&table) {
            true => format!(
                "write in `{table}` of {}, within its braces: {key_line} = {value}",
                self.file()
            ),
            false => self.line(&table, &line),
        }
    }

    /// Returns the advice to add a line to a table.
    pub(super) fn line(&self, table: &str, line: &str) -> String {
        match self.has(table) {
            true => format!("write under [{table}] in {}: {line}", self.file()),
            false => format!("write in {}:\n[{table}]\n{line}", self.file()),
        }
    }

    /// Returns the advice to remove an inherited key or table.
    pub(super) fn without(&self, path: &str) -> String {
        let file = self.file();
        let has_list = self
            .loaded
            .files
            .get(self.n)
            .is_some_and(|file| !file.keys.without.is_absent());
        match has_list {
            true => format!("add \"{path}\" to `without` in {file}"),
            false => format!("write above the first table of {file}: without = [\"{path}\"]"),
        }
    }

    /// Returns the advice to override or remove an inherited key whose right value is unknown.
    pub(super) fn some_way(&self, path: &str) -> String {
        let is_table = kind_of(path).is_some_and(|kind| {
            matches!(
                kind,
                Kind::Table(_)
                    | Kind::Named(_)
                    | Kind::Addresses
                    | Kind::OneDriver(_)
                    | Kind::Drivers(_)
            )
        });
        let without = optional(path).map(|part| self.without(&part));
        match (is_table, without) {
            (false, None) => self.value(path, "..."),
            (false, Some(without)) => {
                format!("{}\nor remove it: {without}", self.value(path, "..."))
            }
            (true, None) => format!("override it under [{}] in {}", header(path), self.file()),
            (true, Some(without)) => format!(
                "override it under [{}] in {}\nor remove it: {without}",
                header(path),
                self.file()
            ),
        }
    }

    /// Returns the innermost table around a key in the file, or the one to create.
    fn table(&self, path: &str) -> String {
        let mut table = path;
        while let Some((outer, _)) = table.rsplit_once('.') {
            if self.has(outer) {
                return outer.to_owned();
            }
            table = outer;
        }
        header(path)
    }

    /// Returns whether the file has a table at this path.
    fn has(&self, table: &str) -> bool {
        let file = self.loaded.files.get(self.n);
        let entry = file.and_then(|file| file.root.find(table));
        entry.is_some_and(|entry| matches!(entry.node.value, Value::Table(_)))
    }

    /// Returns whether the file has the table in braces.
    fn is_inline(&self, table: &str) -> bool {
        let file = self.loaded.files.get(self.n);
        let entry = file.and_then(|file| file.root.find(table));
        // Braces are directly after the key; a header is before everything in the table.
        entry.is_some_and(|entry| {
            entry.node.at.file == FileId(self.n) && entry.node.at.start > entry.key_at.end
        })
    }
}

/// Returns the kind of a path in the schema.
fn kind_of(path: &str) -> Option<&'static Kind> {
    const ROOT: &Kind = &Description::KIND;
    path.split('.').try_fold(ROOT, |kind, key| kind.inside(key))
}

/// Returns the innermost optional key or table that contains a path.
fn optional(path: &str) -> Option<String> {
    const ROOT: &Kind = &Description::KIND;
    let mut kind = ROOT;
    let mut so_far: Vec<&str> = Vec::new();
    let mut found = None;
    for key in path.split('.') {
        let may_go = match kind {
            Kind::Table(table) => table
                .keys
                .iter()
                .any(|known| known.name == key && known.presence == Presence::Optional),
            Kind::Named(_) | Kind::Drivers(_) | Kind::Addresses => true,
            _ => false,
        };
        so_far.push(key);
        if may_go {
            found = Some(so_far.join("."));
        }
        let Some(inner) = kind.inside(key) else { break };
        kind = inner;
    }
    found
}
