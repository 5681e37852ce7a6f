//! Interrupts, in the notation of the machine's manual: `{ spi = 1 }`.

use super::super::interned::interned;
use super::super::reader::{Given, Read, list};
use super::super::schema::{Kind, Root};
use super::super::suggest;
use super::super::tree::{Entry, Node, Value};
use super::{Name, choices};
use crate::board::{Architecture, Trigger};
use crate::diagnostic::{Code, Diagnostic, Problems};

/// The interrupt space that a number belongs to: its key, and the controller if the board has
/// several of a kind. The controllers' bindings define the spaces and their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Space {
    word: &'static str,
    controller: Option<&'static str>,
}

/// The key of an interrupt that names one of several controllers of a kind.
pub(crate) const CONTROLLER: &str = "controller";

impl Space {
    /// Returns the space of the only controller of its kind, or of the first one.
    pub const fn new(word: &'static str) -> Self {
        Self {
            word,
            controller: None,
        }
    }

    /// Returns the same space of the further controller with this name.
    pub(crate) fn of(self, controller: &str) -> Self {
        Self {
            controller: Some(interned(controller)),
            ..self
        }
    }

    /// The key that stands for the space in board files.
    pub const fn word(self) -> &'static str {
        self.word
    }

    /// Returns the name of the further controller whose space it is; `None` for the first one.
    pub const fn controller(self) -> Option<&'static str> {
        self.controller
    }

    /// Formats a number in the space as in a board file: `{ spi = 1 }`.
    pub(crate) fn written(self, number: u32) -> String {
        format!("{{ {} }}", self.said(number.into()))
    }

    /// Formats a number in the space as in a board file, without braces: `spi = 1`.
    pub(crate) fn said(self, number: u64) -> String {
        let word = self.word;
        match self.controller {
            None => format!("{word} = {number}"),
            Some(name) => format!("{word} = {number}, {CONTROLLER} = \"{name}\""),
        }
    }
}

/// Returns the keys of the interrupt spaces of an architecture, or of all architectures.
fn words(root: &Root, architecture: Option<Architecture>) -> Vec<&'static str> {
    let spaces = root.spaces(architecture).into_iter();
    spaces.map(|space| space.word).collect()
}

/// Returns the interrupt space that a key names, on any architecture. A space of another
/// architecture is reported later, by the checks.
fn named(root: &Root, word: &str) -> Option<Space> {
    let mut spaces = root.spaces(None).into_iter();
    let found = spaces.find(|space| space.word == word)?;
    Some(Space::new(found.word))
}

/// Returns an interrupt with this number as a board of an architecture may write it.
pub(crate) fn example(root: &Root, architecture: Option<Architecture>, number: &str) -> String {
    let words = words(root, architecture);
    let word = words.first().copied().unwrap_or("spi");
    format!("{{ {word} = {number} }}")
}

/// Describes what a number without its space may mean: the controller's own number of an input, or
/// that of one of its spaces.
fn meant(root: &Root, architecture: Option<Architecture>, number: i128) -> Vec<String> {
    let spaces = root.spaces(architecture);
    let own = spaces.iter().find_map(|space| {
        let offset = number.checked_sub(space.first.into())?;
        let is_in = space.first > 0 && (0..i128::from(space.count)).contains(&offset);
        let word = space.word;
        is_in.then(|| {
            format!("if {number} is the controller's own number, write {{ {word} = {offset} }}")
        })
    });
    let Some(own) = own else {
        let example = example(root, architecture, &number.to_string());
        return vec![format!("write {example}")];
    };
    let example = example(root, architecture, &number.to_string());
    let word = spaces.first().map_or("", |space| space.word);
    vec![
        own,
        format!("if the manual counts by `{word}`, write {example}"),
    ]
}

choices! { Trigger {
    Level = "level": "Level-triggered, active high.",
    Edge = "edge": "Edge-triggered, rising edge.",
    LevelLow = "level-low": "Level-triggered, active low.",
    EdgeFalling = "edge-falling": "Edge-triggered, falling edge.",
} }

/// One input of the interrupt controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupt {
    /// The interrupt space in which the input is numbered.
    pub space: Space,
    /// The number in that space.
    pub number: u32,
    /// The trigger of the line; `None` selects the usual trigger of the device.
    pub trigger: Option<Trigger>,
}

impl Read for Interrupt {
    const KIND: Kind = Kind::Interrupt;

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let bad = |title: String| Diagnostic::new(Code::BadInterrupt, given.node.at, title);
        let architecture = problems.architecture();
        let words = words(given.root, architecture);
        let table = match &given.node.value {
            Value::Table(table) => table,
            Value::Integer(integer) => {
                let number = integer.value.unwrap_or_default();
                problems.report(
                    bad(format!(
                        "`{}` has a number without an interrupt space",
                        given.path
                    ))
                    .label("no interrupt space")
                    .helps(meant(given.root, architecture, number))
                    .help(format!("spaces: {}", list(&words))),
                );
                return None;
            }
            _ => {
                let title = format!(
                    "`{}` must be an interrupt, such as {}",
                    given.path,
                    example(given.root, architecture, "1")
                );
                if let Some(diagnostic) = given.type_mismatch(&Self::KIND) {
                    let cells = cells(given.node, given.root, architecture);
                    let diagnostic = Diagnostic {
                        title,
                        ..diagnostic
                    };
                    problems.report(diagnostic.helps(cells));
                }
                return None;
            }
        };
        let mut inputs = Vec::new();
        let mut trigger = Some(None);
        let mut controller = None;
        let mut whole = true;
        for entry in &table.entries {
            if entry.key == "trigger" {
                let path = given.inside("trigger");
                let given = given.entry(&path, entry);
                trigger = Trigger::read(&given, problems).map(Some);
            } else if entry.key == CONTROLLER {
                let path = given.inside(CONTROLLER);
                controller = Name::read(&given.entry(&path, entry), problems);
                whole &= controller.is_some();
            } else if let Some(space) = named(given.root, &entry.key) {
                inputs.push((space, entry));
            } else {
                whole = false;
                let is_numbered = |entry: &Entry| named(given.root, &entry.key).is_some();
                let is_lone = !table.entries.iter().any(is_numbered);
                let meant = is_lone.then(|| lone_number(given, entry, architecture));
                let diagnostic = unknown_key(given, entry, &words);
                problems.report(diagnostic.helps(meant.unwrap_or_default()));
            }
        }
        match inputs.as_slice() {
            [(space, entry)] => {
                let number = number(given, entry, problems)?;
                let space = controller.map_or(*space, |name| space.of(&name.0));
                Some(Self {
                    space,
                    number,
                    trigger: trigger?,
                })
                .filter(|_| whole)
            }
            [] if !whole || table.incomplete => None,
            [] => {
                problems.report(
                    bad(format!("`{}` names no interrupt", given.path))
                        .label("no number")
                        .help(format!(
                            "write {}; spaces: {}",
                            example(given.root, architecture, "n"),
                            list(&words)
                        )),
                );
                None
            }
            [(first, first_entry), (second, second_entry), ..] => {
                let title = format!("`{}` names more than one interrupt", given.path);
                problems.report(
                    Diagnostic::new(Code::BadInterrupt, second_entry.key_at, title)
                        .label(format!("a number of `{}`", second.word()))
                        .also(
                            first_entry.key_at,
                            format!("a number of `{}`", first.word()),
                        )
                        .help("keep the one that the manual of the machine gives"),
                );
                None
            }
        }
    }
}

/// Describes a list as the cells of a device tree: of three cells, the first selects shared (0) or
/// private (1) interrupts of a GIC, and the second is the number; one or two cells start with the
/// number.
fn cells(node: &Node, root: &Root, architecture: Option<Architecture>) -> Option<String> {
    let Value::List(list) = &node.value else {
        return None;
    };
    let numbers = list.iter().map(|one| match &one.value {
        Value::Integer(integer) => u32::try_from(integer.value?).ok(),
        _ => None,
    });
    let numbers: Vec<u32> = numbers.collect::<Option<_>>()?;
    let words = words(root, architecture);
    let (word, number) = match (numbers.as_slice(), words.as_slice()) {
        ([0, number, _], _) if words.contains(&"spi") => ("spi", *number),
        ([1, number, _], _) if words.contains(&"ppi") => ("ppi", *number),
        ([number] | [number, _], [word, ..]) if !words.contains(&"spi") => (*word, *number),
        _ => return None,
    };
    Some(format!(
        "if these are the cells of a device tree, write {{ {word} = {number} }}"
    ))
}

fn number(given: &Given<'_>, entry: &Entry, problems: &mut Problems) -> Option<u32> {
    let path = given.inside(&entry.key);
    let inner = given.entry(&path, entry);
    // The controller's range is checked later; this is the limit of the type.
    super::Number::<0, { u32::MAX }>::read(&inner, problems).map(|number| number.0)
}

/// Describes what the number of an unknown key may mean, if it is the only one of the interrupt.
fn lone_number(
    given: &Given<'_>,
    entry: &Entry,
    architecture: Option<Architecture>,
) -> Vec<String> {
    let words = words(given.root, architecture);
    match (&entry.node.value, near(entry, &words), architecture) {
        (Value::Integer(integer), None, Some(_)) => integer
            .value
            .map_or(Vec::new(), |number| meant(given.root, architecture, number)),
        _ => Vec::new(),
    }
}

/// Returns the known key of an interrupt that a key may be a misspelling of.
fn near<'w>(entry: &Entry, words: &[&'w str]) -> Option<&'w str> {
    suggest::nearest(&entry.key, known(words))
}

/// Returns the keys of an interrupt.
fn known<'w>(words: &[&'w str]) -> impl Iterator<Item = &'w str> {
    words.iter().copied().chain(["trigger", CONTROLLER])
}

fn unknown_key(given: &Given<'_>, entry: &Entry, words: &[&str]) -> Diagnostic {
    let title = format!(
        "unknown key `{}` in the interrupt `{}`",
        entry.key, given.path
    );
    let label = match near(entry, words) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "not a known key".to_owned(),
    };
    let keys: Vec<&str> = known(words).collect();
    Diagnostic::new(Code::UnknownKey, entry.key_at, title)
        .label(label)
        .help(format!("known keys: {}", list(&keys)))
}
