//! Edits the text of a board file; comments, order and notation stay unchanged.

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value};

/// A board file that is being changed.
pub(super) struct File(DocumentMut);

impl File {
    /// Parses the text; `None` if it is not TOML.
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    /// Returns the text.
    pub(super) fn text(&self) -> String {
        self.0.to_string()
    }

    /// Sets the value of a key, or of an element of a list, and creates the tables around it.
    /// `None` if that is impossible.
    pub(super) fn set(&mut self, path: &str, element: Option<usize>, value: &str) -> Option<()> {
        let mut value: Value = value.parse().ok()?;
        let (table, key) = path.rsplit_once('.')?;
        let table = self.table(table)?;
        if let Some(index) = element {
            let list = item(table, key)?.as_array_mut()?;
            let old = list.get_mut(index)?;
            *value.decor_mut() = old.decor().clone();
            *old = value;
            return Some(());
        }
        if let Some(old) = item(table, key) {
            *value.decor_mut() = old.as_value()?.decor().clone();
            *old = Item::Value(value);
            return Some(());
        }
        insert(table, key, value)
    }

    /// Removes a key or a table. If the file inherits it, its path is added to `without`.
    pub(super) fn remove(&mut self, path: &str) -> Option<()> {
        if self.remove_own(path).is_some() {
            return Some(());
        }
        self.0.get("extends")?;
        let root = self.0.as_table_mut();
        if !root.contains_key("without") {
            root.insert("without", Item::Value(Value::Array(Array::new())));
        }
        root.get_mut("without")?.as_array_mut()?.push(path);
        Some(())
    }

    fn remove_own(&mut self, path: &str) -> Option<()> {
        let mut inner: &mut Item = self.0.as_item_mut();
        let (tables, key) = path.rsplit_once('.').unwrap_or(("", path));
        for table in tables.split('.').filter(|table| !table.is_empty()) {
            inner = item(inner, table)?;
        }
        inner.as_table_like_mut()?.remove(key).map(|_| ())
    }

    /// Gives a value another key, which is in quotes.
    pub(super) fn rename(&mut self, path: &str, key: &str) -> Option<()> {
        let (table, old) = path.rsplit_once('.')?;
        let value = item(self.table(table)?, old)?.as_value()?.clone();
        let line = format!("{key} = {}", value.to_string().trim());
        self.remove_own(path)?;
        self.add(table, &line)
    }

    /// Adds a line, `key = value`, to the table at `path`.
    pub(super) fn add(&mut self, path: &str, line: &str) -> Option<()> {
        let parsed: DocumentMut = line.parse().ok()?;
        let (key, value) = parsed.as_table().iter().next()?;
        let (key, _) = parsed.get_key_value(key)?;
        let mut value = value.as_value()?.clone();
        value.decor_mut().clear();
        match self.table(path)? {
            // Keeps the quotes of the key.
            Item::Table(table) => {
                let mut key = key.clone();
                key.leaf_decor_mut().clear();
                table.insert_formatted(&key, Item::Value(value));
                Some(())
            }
            table => insert(table, key.get(), value),
        }
    }

    /// Adds a table of another file, which this file does not have.
    pub(super) fn add_table(&mut self, other: &Self, name: &str) -> Option<()> {
        let mut table = other.0.get(name)?.clone();
        clear_positions(&mut table);
        let root = self.0.as_table_mut();
        if root.contains_key(name) {
            return None;
        }
        root.insert(name, table);
        Some(())
    }

    /// Returns the keys of a table: the drivers of a class of parts.
    pub(super) fn drivers(&self, class: &str) -> Vec<String> {
        let table = self.0.get(class).and_then(Item::as_table_like);
        let keys = table.into_iter().flat_map(|table| table.iter());
        keys.map(|(key, _)| key.to_owned()).collect()
    }

    /// Returns the keys in the table of a driver.
    pub(super) fn keys(&self, class: &str, driver: &str) -> Vec<String> {
        let table = self.0.get(class).and_then(|class| class.get(driver));
        let table = table.and_then(Item::as_table_like);
        let keys = table.into_iter().flat_map(|table| table.iter());
        keys.map(|(key, _)| key.to_owned()).collect()
    }

    /// Adds the table of a driver from another file. `None` if this file has the driver.
    pub(super) fn add_driver(&mut self, other: &Self, class: &str, driver: &str) -> Option<()> {
        let mut table = other.0.get(class)?.get(driver)?.clone();
        clear_positions(&mut table);
        let root = self.0.as_table_mut();
        if !root.contains_key(class) {
            let mut outer = Table::new();
            outer.set_implicit(true);
            root.insert(class, Item::Table(outer));
        }
        let drivers = root.get_mut(class)?.as_table_like_mut()?;
        if drivers.contains_key(driver) {
            return None;
        }
        drivers.insert(driver, table);
        Some(())
    }

    /// Adds a key to the table of a driver, with its value in another file. `None` if the table is
    /// missing, or has the key.
    pub(super) fn add_key(
        &mut self,
        other: &Self,
        class: &str,
        driver: &str,
        key: &str,
    ) -> Option<()> {
        let value = other.0.get(class)?.get(driver)?.get(key)?.clone();
        let table = item(item(self.0.as_item_mut(), class)?, driver)?;
        let table = table.as_table_like_mut()?;
        if table.contains_key(key) {
            return None;
        }
        let mut value = value.into_value().ok()?;
        value.decor_mut().clear();
        table.insert(key, Item::Value(value));
        Some(())
    }

    /// Returns the table at `path`, which is created if it is missing.
    fn table(&mut self, path: &str) -> Option<&mut Item> {
        let mut inner: &mut Item = self.0.as_item_mut();
        let keys: Vec<&str> = path.split('.').collect();
        for (depth, key) in keys.iter().enumerate() {
            if item(inner, key).is_none() {
                let mut table = Table::new();
                // Only the innermost table needs a header.
                table.set_implicit(depth + 1 < keys.len());
                table.decor_mut().set_prefix("\n");
                let is_inline = inner.is_inline_table();
                let new = match is_inline {
                    true => Item::Value(Value::InlineTable(InlineTable::new())),
                    false => Item::Table(table),
                };
                inner.as_table_like_mut()?.insert(key, new);
            }
            inner = item(inner, key)?;
        }
        inner.is_table_like().then_some(inner)
    }
}

/// Returns the item of a table with this key.
fn item<'t>(table: &'t mut Item, key: &str) -> Option<&'t mut Item> {
    table.as_table_like_mut()?.get_mut(key)
}

fn insert(table: &mut Item, key: &str, value: Value) -> Option<()> {
    table.as_table_like_mut()?.insert(key, Item::Value(value));
    Some(())
}

/// Places a table from another file after the tables of its new file.
fn clear_positions(item: &mut Item) {
    if let Item::Table(table) = item {
        table.set_position(None);
        if !table.is_implicit() {
            table.decor_mut().set_prefix("\n");
        }
        for (_, inner) in table.iter_mut() {
            clear_positions(inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOARD: &str = "\
schema = 1

[console.uart]                     # the first
base = 0x1000_0000   # see the manual
interrupt = { spi = 1 }

[rtc]
clock = { base = 0x2000, interrupt = { spi = 2 } }

[undescribed]                      # left out
\"0x1000\" = \"ROM\"
";

    fn changed(text: &str, change: impl FnOnce(&mut File) -> Option<()>) -> String {
        let mut file = File::parse(text).expect("TOML");
        change(&mut file).expect("a possible change");
        file.text()
    }

    #[test]
    fn a_value_is_replaced_and_its_comment_stays() {
        let text = changed(BOARD, |file| {
            file.set("console.uart.base", None, "0x2000_0000")
        });
        assert_eq!(
            text,
            BOARD.replace("base = 0x1000_0000 ", "base = 0x2000_0000 ")
        );
        let text = changed(BOARD, |file| file.set("rtc.clock.base", None, "0x3000"));
        assert_eq!(text, BOARD.replace("base = 0x2000,", "base = 0x3000,"));
        let text = changed(BOARD, |file| {
            file.set("rtc.clock.interrupt", None, "{ spi = 3 }")
        });
        assert_eq!(text, BOARD.replace("{ spi = 2 }", "{ spi = 3 }"));
    }

    #[test]
    fn an_element_of_a_list_is_replaced() {
        let text = "[pci]\nlines = [{ a = 1 }, { a = 2 }]  # four\n";
        let wanted = text.replace("{ a = 2 }", "{ a = 9 }");
        assert_eq!(
            changed(text, |file| file.set("pci.lines", Some(1), "{ a = 9 }")),
            wanted
        );
        let mut file = File::parse(text).expect("TOML");
        assert_eq!(file.set("pci.lines", Some(2), "{ a = 9 }"), None);
    }

    #[test]
    fn a_sibling_gets_the_tables_around_a_value() {
        let text = "schema = 1\nextends = \"other\"\n\n[board]\nname = \"mine\"\n";
        let wanted = format!("{text}\n[console.uart]\nbase = 0x2000\n");
        assert_eq!(
            changed(text, |file| file.set("console.uart.base", None, "0x2000")),
            wanted
        );
    }

    #[test]
    fn a_line_is_added_with_its_quotes() {
        let line = "\"0x2000\" = \"flash: not used\"";
        let text = changed(BOARD, |file| file.add("undescribed", line));
        assert_eq!(text, format!("{BOARD}{line}\n"));
        let text = changed("schema = 1\n", |file| file.add("undescribed", line));
        assert_eq!(text, format!("schema = 1\n\n[undescribed]\n{line}\n"));
    }

    #[test]
    fn a_line_gets_another_key() {
        let text = changed(BOARD, |file| {
            file.rename("undescribed.0x1000", "\"0x3000\"")
        });
        assert_eq!(text, BOARD.replace("\"0x1000\"", "\"0x3000\""));
        let mut file = File::parse("extends = \"x\"\n").expect("TOML");
        assert_eq!(file.rename("undescribed.0x1000", "\"0x3000\""), None);
    }

    #[test]
    fn what_is_removed_is_gone_or_listed_as_left_out() {
        let text = changed(BOARD, |file| file.remove("undescribed.0x1000"));
        assert_eq!(text, BOARD.replace("\"0x1000\" = \"ROM\"\n", ""));
        let text = changed(BOARD, |file| file.remove("rtc"));
        assert!(
            !text.contains("rtc") && text.contains("[undescribed]"),
            "{text}"
        );
        let sibling = "extends = \"other\"\n\n[board]\nname = \"mine\"\n";
        let text = changed(sibling, |file| file.remove("rtc"));
        assert_eq!(text, sibling.replace("\n\n", "\nwithout = [\"rtc\"]\n\n"));
        let mut file = File::parse("schema = 1\n").expect("TOML");
        assert_eq!(file.remove("rtc"), None);
    }

    #[test]
    fn a_table_of_another_file_comes_last() {
        let other =
            File::parse("[a]\nb = 1\n\n[rtc.pl031]     # a clock\nbase = 0x1000\n").expect("TOML");
        let text = changed("[z]\ny = 1\n", |file| file.add_table(&other, "rtc"));
        assert_eq!(
            text,
            "[z]\ny = 1\n\n[rtc.pl031]     # a clock\nbase = 0x1000\n"
        );
    }

    #[test]
    fn other_text_is_refused() {
        assert!(File::parse("[a").is_none());
        let mut file = File::parse("a = 1\n").expect("TOML");
        assert_eq!(file.set("a.b", None, "2"), None);
        assert_eq!(file.set("b.c", None, "no value"), None);
        assert_eq!(file.text(), "a = 1\n");
    }
}
