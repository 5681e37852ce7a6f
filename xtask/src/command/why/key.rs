//! Answers for a key: where it is set.

use vmos_codegen::facts::Fixed;

use super::board::{Loaded, grouped, text_of};
use crate::failure::Failure;
use crate::suggest;

/// Describes where the requested key is set, on each board that has it.
pub(super) fn answer(loaded: &[Loaded], asked: &str) -> Result<String, Failure> {
    let mut answers = Vec::new();
    for one in loaded {
        let Some(path) = find(one, asked) else {
            continue;
        };
        let generated = one.generated(&[&path])?;
        answers.push((one, said(one, &path), generated));
    }
    if answers.is_empty() {
        return Err(unknown(loaded, asked));
    }
    Ok(text_of(&format!("`{asked}`"), &grouped(answers)))
}

/// Describes where a key or a table is set.
pub(super) fn said(loaded: &Loaded, path: &str) -> String {
    let is_value = loaded
        .fact(path)
        .is_some_and(|fact| !matches!(fact.value, Fixed::Drivers(_)));
    let mut text = loaded.setting(path);
    if !is_value {
        text += &loaded.contents(path);
    }
    text
}

/// Finds the key path that is meant: the exact path, the path without the driver
/// (`timer.interrupt`), or with `irq` for `interrupt`. Returns `None` if it is ambiguous.
fn find(loaded: &Loaded, asked: &str) -> Option<String> {
    let asked = match without_index(asked) {
        Some(list) => list,
        None => asked.trim_matches(['[', ']', ' ']),
    };
    if loaded.fact(asked).is_some() || loaded.written.find(asked).is_some() {
        return Some(asked.to_owned());
    }
    let asked: Vec<&str> = asked
        .split('.')
        .map(|part| if part == "irq" { "interrupt" } else { part })
        .collect();
    let mut meant = loaded.facts.iter().filter(|fact| {
        let path: Vec<&str> = fact.path.split('.').collect();
        let mut rest = path.iter();
        path.first() == asked.first()
            && path.last() == asked.last()
            && asked.iter().all(|part| rest.any(|known| known == part))
    });
    match (meant.next(), meant.next()) {
        (Some(one), None) => Some(one.path.clone()),
        _ => None,
    }
}

/// Returns `qemu.arguments` for `qemu.arguments[1]`, because a list is a single value.
fn without_index(asked: &str) -> Option<&str> {
    let (list, index) = asked.trim().strip_suffix(']')?.split_once('[')?;
    let is_index = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
    (is_index && !list.is_empty()).then_some(list)
}

fn unknown(loaded: &[Loaded], asked: &str) -> Failure {
    let mut paths: Vec<String> = loaded
        .iter()
        .flat_map(|one| one.facts.iter().map(|fact| fact.path.clone()))
        .collect();
    paths.sort();
    paths.dedup();
    let who = match loaded {
        [one] => format!("the board `{}` has", one.board.name),
        _ => String::from("no board has"),
    };
    let no = if loaded.len() == 1 { " no" } else { " a" };
    let mut text = format!("{who}{no} key `{asked}`");
    let mut tables: Vec<String> = paths
        .iter()
        .filter_map(|path| path.split('.').next().map(str::to_owned))
        .collect();
    tables.dedup();
    let near = suggest::nearest(asked, &paths).map(str::to_owned);
    // Perhaps only the table's name is misspelt.
    let near = near.or_else(|| {
        let (table, rest) = asked.split_once('.')?;
        let near = suggest::nearest(table, &tables)?;
        (near != table).then(|| format!("{near}.{rest}"))
    });
    if let Some(near) = near {
        text += &format!("; did you mean `{near}`?");
    }
    let first = asked.split('.').next().unwrap_or_default();
    let beside: Vec<&str> = paths
        .iter()
        .map(String::as_str)
        .filter(|path| path.split('.').next() == Some(first))
        .collect();
    let tables = tables.iter().map(String::as_str).collect();
    let there_are = if beside.is_empty() { tables } else { beside };
    text += &format!("\n  known keys: {}", there_are.join(", "));
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_found_where_its_list_is() {
        assert_eq!(without_index("qemu.arguments[1]"), Some("qemu.arguments"));
        assert_eq!(without_index("[qemu]"), None);
        assert_eq!(without_index("qemu.arguments[x]"), None);
        assert_eq!(without_index("qemu.arguments"), None);
    }
}
