//! Other values for keys, to find out what depends on them.

use crate::Written;
use crate::description::ROOT;
use crate::facts::{Fact, Fixed};
use crate::language::schema::{Driver, Kind, Presence};
use crate::language::tree::{Entry, Integer, Node, Table, Value};
use crate::source::Location;

/// A change of a key.
pub(super) enum Change {
    /// The key gets this value.
    Set(Value),
    /// The key gets this value, and all interrupt numbers are moved to this space.
    SetInSpace(Value, &'static str),
    /// The key is removed.
    Remove,
}

impl Written {
    /// Returns the tree with the key at `path` changed; `None` if there is nothing to remove.
    pub(super) fn changed(&self, path: &str, change: &Change) -> Option<Node> {
        let mut root = self.root().clone();
        let mut table = match &mut root.value {
            Value::Table(table) => table,
            _ => return None,
        };
        let mut path = path;
        while let Some((key, inner)) = path.split_once('.') {
            table = match &mut table.get_mut(key)?.node.value {
                Value::Table(table) => table,
                _ => return None,
            };
            path = inner;
        }
        let before = table.entries.len();
        match change {
            Change::Remove => {
                table.entries.retain(|entry| entry.key != path);
                (table.entries.len() < before).then_some(root)
            }
            Change::Set(value) | Change::SetInSpace(value, _) => {
                match table.get_mut(path) {
                    Some(entry) => entry.node.value = value.clone(),
                    None => table.entries.push(entry(path, value.clone())),
                }
                if let (Change::SetInSpace(_, space), Value::Table(table)) =
                    (change, &mut root.value)
                {
                    put_in_space(table, space);
                }
                Some(root)
            }
        }
    }
}

fn entry(key: &str, value: Value) -> Entry {
    let at = Location::default();
    Entry {
        key: key.to_owned(),
        key_at: at,
        node: Node { at, value },
        overridden: Vec::new(),
    }
}

/// Returns other values for a key, in groups whose members show the same lines; in each group,
/// values that are likely valid come first.
pub(super) fn values(fact: &Fact, facts: &[Fact], written: &Written) -> Vec<Vec<Change>> {
    let one_group = |values: Vec<Value>| vec![values.into_iter().map(Change::Set).collect()];
    match (&fact.value, fact.kind) {
        (Fixed::Address(address), _) => one_group(addresses(*address)),
        (Fixed::Size(bytes), _) => one_group(sizes(*bytes)),
        (Fixed::Frequency(hertz), _) => one_group(vec![hertz_of(hertz.saturating_add(1_000_000))]),
        (Fixed::Interrupt(_), _) => one_group(interrupts(&fact.path, written)),
        (Fixed::Number(number), kind) => one_group(numbers(*number, kind)),
        (Fixed::Text(word), Kind::Choice(choices)) => choices
            .iter()
            .filter(|choice| choice.word != word)
            .map(|choice| vec![Change::Set(Value::Text(choice.word.to_owned()))])
            .collect(),
        (Fixed::Text(text), _) => one_group(vec![
            Value::Text(format!("{text}x")),
            Value::Text(String::from("x")),
            // Texts of digits, such as a hardware address.
            Value::Text(other_digit(text)),
        ]),
        (Fixed::List(_), Kind::List(inner)) => one_group(lists(&fact.path, inner, written)),
        (Fixed::Drivers(names), Kind::OneDriver(drivers)) => {
            other_drivers(&fact.path, names, drivers, facts, written)
        }
        (Fixed::Absent, kind) => one_group(samples(kind, facts, written)),
        _ => Vec::new(),
    }
}

/// Returns the text with another last character, a digit.
fn other_digit(text: &str) -> String {
    let mut other = text.to_owned();
    let digit = if other.pop() == Some('0') { '2' } else { '0' };
    other.push(digit);
    other
}

fn integer(value: i128, radix: u32) -> Value {
    Value::Integer(Integer {
        value: Some(value),
        radix,
    })
}

fn addresses(address: u64) -> Vec<Value> {
    let up = [0x1000, 0x1_0000, 0x10_0000, 0x100_0000, 0x1_0000_0000];
    let up = up.iter().filter_map(|by| address.checked_add(*by));
    let down = [0x1_0000, 0x1000, 8, 1].iter();
    let down = down.filter_map(|by| address.checked_sub(*by));
    let near = [1, 8].iter().filter_map(|by| address.checked_add(*by));
    up.chain(down)
        .chain(near)
        .map(|address| integer(address.into(), 16))
        .collect()
}

fn sizes(bytes: u64) -> Vec<Value> {
    [
        bytes.checked_mul(2),
        Some(bytes / 2),
        bytes.checked_add(0x1000),
        bytes.checked_add(1),
    ]
    .into_iter()
    .flatten()
    .map(|bytes| integer(bytes.into(), 16))
    .collect()
}

fn hertz_of(hertz: u64) -> Value {
    Value::Text(format!("{hertz} Hz"))
}

fn numbers(number: i128, kind: &Kind) -> Vec<Value> {
    let (least, greatest) = match kind {
        Kind::Number { least, greatest } => (i128::from(*least), i128::from(*greatest)),
        Kind::Port => (0, i128::from(u16::MAX)),
        _ => (0, i128::from(u32::MAX)),
    };
    let radix = if matches!(kind, Kind::Port) { 16 } else { 10 };
    [
        number + 1,
        number - 1,
        number * 2,
        number / 2,
        least,
        greatest,
    ]
    .into_iter()
    .filter(|other| *other != number && (least..=greatest).contains(other))
    .map(|number| integer(number, radix))
    .collect()
}

/// Returns the interrupt at `path` with another number or trigger.
fn interrupts(path: &str, written: &Written) -> Vec<Value> {
    match written.find(path).map(|entry| &entry.node.value) {
        Some(Value::Table(table)) => other_numbers(table),
        _ => Vec::new(),
    }
}

fn other_numbers(table: &Table) -> Vec<Value> {
    let by = |difference: i128| {
        let mut table = table.clone();
        for entry in &mut table.entries {
            if let Value::Integer(integer) = &mut entry.node.value {
                integer.value = integer.value.map(|number| number + difference);
            }
        }
        Value::Table(table)
    };
    vec![by(1), by(-1), by(64), by(-2)]
}

/// Returns the list with each item changed, with an added item, and the empty list.
fn lists(path: &str, inner: &Kind, written: &Written) -> Vec<Value> {
    let more = |node: &Node| match &node.value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    let mut items: Vec<Node> = match written.find(path).map(|entry| &entry.node.value) {
        Some(Value::List(items)) => items.clone(),
        _ => Vec::new(),
    };
    for node in &mut items {
        if let Some(text) = more(node) {
            // A version changes by a digit after it, any other text by any character.
            node.value = Value::Text(format!("{text}1"));
        }
    }
    let at = Location::default();
    let sample = match inner {
        Kind::Choice(choices) => choices.first().map_or("x", |choice| choice.word),
        _ => "1.1",
    };
    let mut longer = items.clone();
    longer.push(Node {
        at,
        value: Value::Text(sample.to_owned()),
    });
    vec![
        Value::List(longer),
        Value::List(items),
        Value::List(Vec::new()),
    ]
}

/// Returns every other driver of a class, with the keys that it shares with the replaced one; if
/// interrupt numbers depend on the driver, in each of the spaces.
fn other_drivers(
    path: &str,
    names: &[String],
    drivers: &[Driver],
    facts: &[Fact],
    written: &Written,
) -> Vec<Vec<Change>> {
    let now = names.first().map(|name| format!("{path}.{name}"));
    let now = now.and_then(|path| match &written.find(&path)?.node.value {
        Value::Table(table) => Some(table),
        _ => None,
    });
    let mut groups = Vec::new();
    for driver in drivers {
        if names.iter().any(|name| name == driver.name) {
            continue;
        }
        let Some(inner) = sample(driver.kind, now, facts, written) else {
            continue;
        };
        let value = table(vec![entry(driver.name, inner)]);
        let spaces = ROOT.spaces(None).into_iter();
        let in_spaces = spaces.map(|space| Change::SetInSpace(value.clone(), space.word));
        let mut group = vec![Change::Set(value.clone())];
        group.extend(in_spaces);
        groups.push(group);
    }
    groups
}

/// Returns a value of a kind; for a table, its required keys, with the values in `like` if present.
fn sample(kind: &Kind, like: Option<&Table>, facts: &[Fact], written: &Written) -> Option<Value> {
    let Kind::Table(schema) = kind else {
        return samples(kind, facts, written).into_iter().next();
    };
    let required = schema
        .keys
        .iter()
        .filter(|key| key.presence == Presence::Required);
    let entries: Option<Vec<Entry>> = required
        .map(|key| match like.and_then(|like| like.get(key.name)) {
            Some(known) => Some(known.clone()),
            None => Some(entry(key.name, sample(key.kind, None, facts, written)?)),
        })
        .collect();
    entries.map(table)
}

/// Gives every interrupt in a table a number in `space`.
fn put_in_space(table: &mut Table, space: &str) {
    let is_space = |key: &str| ROOT.spaces(None).iter().any(|known| known.word == key);
    for entry in &mut table.entries {
        match &mut entry.node.value {
            Value::Table(inner) => put_in_space(inner, space),
            Value::Integer(_) if is_space(&entry.key) => space.clone_into(&mut entry.key),
            _ => {}
        }
    }
}

fn table(entries: Vec<Entry>) -> Value {
    Value::Table(Table {
        entries,
        incomplete: false,
    })
}

/// Returns values for a key that is absent.
fn samples(kind: &Kind, facts: &[Fact], written: &Written) -> Vec<Value> {
    match kind {
        Kind::Address => addresses(0),
        Kind::Port => vec![integer(0x80, 16), integer(0, 16)],
        Kind::Size => sizes(0x1000),
        Kind::Frequency => vec![hertz_of(1_000_000)],
        Kind::Number { least, greatest } => {
            let common = 115_200.clamp(*least, *greatest);
            vec![
                integer(common.into(), 10),
                integer((*least).into(), 10),
                integer((*greatest).into(), 10),
            ]
        }
        Kind::Choice(choices) => choices
            .iter()
            .map(|choice| Value::Text(choice.word.to_owned()))
            .collect(),
        Kind::Text | Kind::Name => vec![Value::Text(String::from("x"))],
        Kind::Interrupt => {
            let known = facts
                .iter()
                .find(|fact| matches!(fact.value, Fixed::Interrupt(_)));
            known.map_or_else(Vec::new, |known| interrupts(&known.path, written))
        }
        _ => Vec::new(),
    }
}
