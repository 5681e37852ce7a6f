//! Measures how many errors in a description would be found. Every fact is changed, one at a time,
//! and each change must be reported at its line.

use std::collections::BTreeSet;

use super::verify;
use crate::description::Description;
use crate::diagnostic::{Diagnostics, Problems};
use crate::language::reader::Read as _;
use crate::language::schema::Kind;
use crate::language::tree::{Node, Value};
use crate::language::{Size, hexadecimal, scalar};
use crate::load_written;
use crate::machine::Facts;
use crate::source::{InMemory, Location, Sources};
use crate::written::Written;

/// The kind of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// The fact is an address.
    Address,
    /// A size, or the distance between devices or registers.
    Size,
    /// The fact is a port.
    Port,
    /// The fact is a count.
    Count,
    /// The fact is an interrupt.
    Interrupt,
    /// The fact is a frequency.
    Frequency,
}

/// Where a deliberate change to a board file was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// The checks of the description reported the change at its line.
    Checked,
    /// The comparison with the machine reported the change at its line.
    Verified,
    /// The change was reported at another line.
    Misplaced,
    /// The change was not reported.
    Survived,
}

/// A change with its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// The key path of the fact.
    pub path: String,
    /// The kind of the fact.
    pub fact: Fact,
    /// The file and the line of the value.
    pub place: (String, usize),
    /// The text of the value before the change.
    pub original: String,
    /// The text of the value after the change.
    pub changed: String,
    /// Where the change was reported, if it was.
    pub fate: Fate,
}

/// The mutants of a board.
#[derive(Clone, Debug, Default)]
pub struct Mutants {
    /// All changes of facts of the machine.
    pub list: Vec<Mutant>,
    /// The keys whose values the author chooses freely, so that they cannot be wrong.
    pub choices: Vec<String>,
}

impl Mutants {
    /// Returns the number of changes with this result.
    pub fn count(&self, fate: Fate) -> usize {
        self.list
            .iter()
            .filter(|mutant| mutant.fate == fate)
            .count()
    }

    /// Returns how many were reported at their line.
    pub fn caught(&self) -> usize {
        self.count(Fate::Checked) + self.count(Fate::Verified)
    }

    /// Returns the changes that were reported at another line, or not at all.
    pub fn missed(&self) -> impl Iterator<Item = &Mutant> {
        let missed = |mutant: &&Mutant| matches!(mutant.fate, Fate::Misplaced | Fate::Survived);
        self.list.iter().filter(missed)
    }
}

/// Changes every fact of the board `name`, including inherited ones.
///
/// # Errors
/// If the unchanged board has errors or differs from the machine, so that a change would prove
/// nothing.
pub fn mutate(sources: &dyn Sources, name: &str, facts: &Facts) -> Result<Mutants, Diagnostics> {
    verify(sources, name, facts)?;
    let (_, written) = load_written(sources, name)?;
    let choices = choices(sources, name);
    let mut mutants = Mutants::default();
    for value in values(&written) {
        if choices.contains(&value.path) {
            mutants.choices.push(value.path);
            continue;
        }
        for changed in value.changes() {
            mutants
                .list
                .push(try_out(&written, name, &value, changed, facts));
        }
    }
    Ok(mutants)
}

/// Returns the keys that cannot be compared with the machine.
fn choices(sources: &dyn Sources, name: &str) -> BTreeSet<String> {
    let mut choices = BTreeSet::from(
        [
            "memory.stack",
            "memory.fault-stack",
            "memory.heap",
            "memory.console-buffer",
            "qemu.memory",
        ]
        .map(str::to_owned),
    );
    let loaded = Description::load(sources, name, &mut Problems::default());
    for binding in loaded
        .iter()
        .flat_map(|(description, _)| description.bindings())
    {
        let path = &binding.place().path;
        choices.extend(binding.choices().iter().map(|key| format!("{path}.{key}")));
    }
    choices
}

/// A fact with its location.
struct Fixed {
    path: String,
    fact: Fact,
    number: u64,
    at: Location,
    /// Whether the fact is a key, which is written in quotes.
    is_key: bool,
}

impl Fixed {
    /// Returns wrong values that an author could plausibly write in place of the fact.
    fn changes(&self) -> Vec<String> {
        let number = self.number;
        let changes = match self.fact {
            Fact::Address => vec![
                number.checked_add(0x1000),
                number.checked_sub(0x1000),
                number.checked_add(alignment(number)),
                digits_swapped(number),
            ],
            Fact::Size => vec![
                number.checked_mul(2),
                Some(number / 2).filter(|half| *half > 0),
                number.checked_add(0x1000),
            ],
            Fact::Port => vec![
                number.checked_add(1),
                number.checked_sub(1),
                number.checked_add(0x10),
            ],
            Fact::Count => vec![
                number.checked_add(1),
                number.checked_sub(1),
                number.checked_mul(2),
            ],
            Fact::Interrupt => vec![
                number.checked_add(1),
                number.checked_sub(1),
                number.checked_add(16),
            ],
            Fact::Frequency => vec![
                number.checked_add(1),
                number.checked_mul(10),
                Some(number / 2).filter(|half| *half > 0),
            ],
        };
        let new: BTreeSet<u64> = changes
            .into_iter()
            .flatten()
            .filter(|changed| *changed != number)
            .collect();
        new.into_iter().map(|changed| self.text(changed)).collect()
    }

    fn text(&self, number: u64) -> String {
        match self.fact {
            Fact::Address if self.is_key => format!("\"{}\"", hexadecimal(number)),
            Fact::Address | Fact::Size => hexadecimal(number),
            Fact::Port => format!("{number:#x}"),
            Fact::Count | Fact::Interrupt => number.to_string(),
            Fact::Frequency => format!("\"{number} Hz\""),
        }
    }
}

/// Returns the alignment of an address, by its last hexadecimal digit that is not zero.
fn alignment(address: u64) -> u64 {
    match address {
        0 => 0x1000_0000,
        address => 1 << address.trailing_zeros(),
    }
}

/// Returns an address with its first two hexadecimal digits exchanged, a common typing error.
fn digits_swapped(address: u64) -> Option<u64> {
    let shift = (address.checked_ilog2()? / 4).checked_sub(1)? * 4;
    let (first, second) = (address >> (shift + 4) & 0xF, address >> shift & 0xF);
    let rest = address & !(0xFF << shift);
    Some(rest | (second << (shift + 4)) | (first << shift))
}

/// Returns every fact that the files state.
fn values(written: &Written) -> Vec<Fixed> {
    let mut values = Vec::new();
    for (path, entry) in written.values() {
        let (parent, last) = path.rsplit_once('.').unwrap_or(("", &path));
        let fixed = |fact, number, at, is_key| {
            Some(Fixed {
                path: path.clone(),
                fact,
                number,
                at,
                is_key,
            })
        };
        let at = entry.node.at;
        let integer = match &entry.node.value {
            Value::Integer(integer) => integer.value.and_then(|value| u64::try_from(value).ok()),
            _ => None,
        };
        let text = match &entry.node.value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        };
        if let (Some(Kind::List(Kind::Interrupt)), Value::List(list)) =
            (kind_of(&path), &entry.node.value)
        {
            values.extend(interrupts(&path, list));
        }
        let quantity = |read: fn(&str) -> Option<u64>| integer.or_else(|| text.and_then(read));
        let found = match (kind_of(parent), kind_of(&path)) {
            (Some(Kind::Addresses), _) => scalar::parse_hexadecimal(last)
                .and_then(|address| fixed(Fact::Address, address, entry.key_at, true)),
            (Some(Kind::Interrupt), _) => {
                integer.and_then(|number| fixed(Fact::Interrupt, number, at, false))
            }
            (_, Some(Kind::Address)) => {
                integer.and_then(|number| fixed(Fact::Address, number, at, false))
            }
            (_, Some(Kind::Port)) => {
                integer.and_then(|number| fixed(Fact::Port, number, at, false))
            }
            (_, Some(Kind::Number { .. })) => {
                integer.and_then(|number| fixed(Fact::Count, number, at, false))
            }
            (_, Some(Kind::Size)) => {
                quantity(scalar::parse_size).and_then(|number| fixed(Fact::Size, number, at, false))
            }
            (_, Some(Kind::Frequency)) => quantity(scalar::parse_frequency)
                .and_then(|number| fixed(Fact::Frequency, number, at, false)),
            _ => None,
        };
        values.extend(found);
    }
    values
}

/// Returns the numbers of a list of interrupts.
fn interrupts(path: &str, list: &[Node]) -> Vec<Fixed> {
    let mut values = Vec::new();
    for (index, node) in list.iter().enumerate() {
        let Value::Table(table) = &node.value else {
            continue;
        };
        for entry in &table.entries {
            if let Value::Integer(integer) = &entry.node.value
                && let Some(number) = integer.value.and_then(|value| u64::try_from(value).ok())
            {
                values.push(Fixed {
                    path: format!("{path}[{index}].{}", entry.key),
                    fact: Fact::Interrupt,
                    number,
                    at: entry.node.at,
                    is_key: false,
                });
            }
        }
    }
    values
}

/// Returns the kind of the value at a path in the schema.
fn kind_of(path: &str) -> Option<&'static Kind> {
    const ROOT: &Kind = &Description::KIND;
    path.split('.').try_fold(ROOT, |kind, key| kind.inside(key))
}

fn try_out(written: &Written, name: &str, value: &Fixed, changed: String, facts: &Facts) -> Mutant {
    let mut sources = InMemory::new();
    let mut original = String::new();
    for (index, file) in written.files().iter().enumerate() {
        let mut text = file.text.clone();
        if index == value.at.file.0 {
            let span = value.at.start..value.at.end;
            text.get(span.clone())
                .unwrap_or_default()
                .clone_into(&mut original);
            text.replace_range(span, &changed);
        }
        let path = file.path.as_str();
        let file_name = path.strip_prefix("boards/").unwrap_or(path);
        let file_name = file_name.strip_suffix(".toml").unwrap_or(file_name);
        sources = sources.with(file_name, text);
    }
    let (file, line, _) = written.position(value.at);
    let fate = match verify(&sources, name, facts) {
        Ok(_) => Fate::Survived,
        Err(told) => fate(&told, file, line),
    };
    Mutant {
        path: value.path.clone(),
        fact: value.fact,
        place: (file.to_owned(), line),
        original,
        changed,
        fate,
    }
}

fn fate(told: &Diagnostics, file: &str, line: usize) -> Fate {
    let is_there = |at| {
        let (told_file, told_line, _) = told.position(at);
        (told_file, told_line) == (file, line)
    };
    let mut there = told.iter().filter(|one| is_there(one.subject())).peekable();
    if there.peek().is_none() {
        return Fate::Misplaced;
    }
    match there.any(|one| !one.code.is_of_the_machine()) {
        true => Fate::Checked,
        false => Fate::Verified,
    }
}

impl Mutant {
    /// Returns the change in one line.
    pub fn describe(&self) -> String {
        let (file, line) = &self.place;
        let fate = match self.fate {
            Fate::Misplaced => "reported at another line",
            Fate::Survived => "not reported",
            Fate::Checked | Fate::Verified => "told",
        };
        let changed = match self.fact {
            Fact::Size => self
                .changed
                .strip_prefix("0x")
                .and_then(|_| scalar::parse_hexadecimal(&self.changed))
                .map_or(self.changed.clone(), |size| Size(size).written()),
            _ => self.changed.clone(),
        };
        format!(
            "{file}:{line}: {}: {} -> {changed}: {fate}",
            self.path, self.original
        )
    }
}
