//! Interrupts, written as the machine's manual writes them: `{ spi = 1 }`.

use super::super::reader::{Given, Read, list};
use super::super::schema::{self, Kind};
use super::super::suggest;
use super::super::tree::{Entry, Value};
use super::choices;
use crate::board::{Architecture, Trigger};
use crate::diagnostic::{Code, Diagnostic, Problems};

macro_rules! spaces {
    ($($Name:ident $word:literal [$($Architecture:ident)*] $doc:literal,)*) => {
        /// The interrupt space that a number belongs to. The controller's binding defines the
        /// spaces and their numbers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Space {
            $(#[doc = $doc] $Name,)*
        }

        impl Space {
            /// Every space, as the schema tells it.
            pub const ALL: &'static [schema::Choice] =
                &[$(schema::Choice { word: $word, doc: $doc },)*];

            /// The key that stands for it.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$Name => $word,)*
                }
            }

            /// Whether an interrupt of this architecture can be counted so.
            fn is_of(self, architecture: Architecture) -> bool {
                match self {
                    $(Self::$Name => [$(Architecture::$Architecture,)*].contains(&architecture),)*
                }
            }

            fn named(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$Name),)*
                    _ => None,
                }
            }
        }
    };
}

spaces! {
    Spi "spi" [Aarch64 Arm] "A shared peripheral interrupt of a GIC: 0 is INTID 32.",
    Ppi "ppi" [Aarch64 Arm] "A private peripheral interrupt of a GIC, one for each processor: 0 is INTID 16.",
    Gsi "gsi" [X86_64] "A global system interrupt of a PC: an input of an I/O APIC, counted over all of them.",
    Plic "plic" [Riscv64 Riscv32] "A source of a PLIC, counted from 1.",
}

impl Space {
    /// The keys of the spaces that an architecture's interrupts can be of, or of all.
    fn words(architecture: Option<Architecture>) -> Vec<&'static str> {
        let spaces = Self::ALL.iter().map(|choice| choice.word);
        let is_of = |word: &&str| match (architecture, Self::named(word)) {
            (Some(architecture), Some(space)) => space.is_of(architecture),
            _ => true,
        };
        spaces.filter(is_of).collect()
    }
}

/// An interrupt of which only a number is known, as a board of an architecture may write it.
pub(crate) fn example(architecture: Option<Architecture>, number: &str) -> String {
    let words = Space::words(architecture);
    let word = words.first().copied().unwrap_or("spi");
    format!("{{ {word} = {number} }}")
}

/// What a number without its space may mean: on Arm, that of the controller or that of the shared
/// peripheral interrupts (Arm IHI 0048, 2.2.1).
fn meant(architecture: Option<Architecture>, number: i128) -> Vec<String> {
    let words = Space::words(architecture);
    if !words.contains(&"spi") {
        return vec![format!(
            "write {}",
            example(architecture, &number.to_string())
        )];
    }
    let own = match number {
        16..32 => Some(format!("{{ ppi = {} }}", number - 16)),
        32..1020 => Some(format!("{{ spi = {} }}", number - 32)),
        _ => None,
    };
    let own = own.map(|own| format!("if {number} is the INTID, the GIC's own number, write {own}"));
    let spi =
        format!("if the manual counts shared peripheral interrupts, write {{ spi = {number} }}");
    own.into_iter().chain([spi]).collect()
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
    /// Whose numbering it follows.
    pub space: Space,
    /// Its number in that space.
    pub number: u32,
    /// How the line is wired; what is usual for the device where absent.
    pub trigger: Option<Trigger>,
}

impl Read for Interrupt {
    const KIND: Kind = Kind::Interrupt;

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let bad = |title: String| Diagnostic::new(Code::BadInterrupt, given.node.at, title);
        let architecture = problems.architecture();
        let words = Space::words(architecture);
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
                    .helps(meant(architecture, number))
                    .help(format!("spaces: {}", list(&words))),
                );
                return None;
            }
            _ => {
                let title = format!(
                    "`{}` must be an interrupt, such as {}",
                    given.path,
                    example(architecture, "1")
                );
                if let Some(diagnostic) = given.type_mismatch(&Self::KIND) {
                    problems.report(Diagnostic {
                        title,
                        ..diagnostic
                    });
                }
                return None;
            }
        };
        let mut inputs = Vec::new();
        let mut trigger = Some(None);
        let mut whole = true;
        for entry in &table.entries {
            if entry.key == "trigger" {
                let path = given.inside("trigger");
                let given = Given {
                    path: &path,
                    key_at: entry.key_at,
                    node: &entry.node,
                };
                trigger = Trigger::read(&given, problems).map(Some);
            } else if let Some(space) = Space::named(&entry.key) {
                inputs.push((space, entry));
            } else {
                whole = false;
                problems.report(unknown_key(given, entry, &words, architecture));
            }
        }
        match inputs.as_slice() {
            [(space, entry)] => {
                let number = number(given, entry, problems)?;
                Some(Self {
                    space: *space,
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
                            example(architecture, "n"),
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

fn number(given: &Given<'_>, entry: &Entry, problems: &mut Problems) -> Option<u32> {
    let path = given.inside(&entry.key);
    let inner = Given {
        path: &path,
        key_at: entry.key_at,
        node: &entry.node,
    };
    // The controller knows how many there are; this is only what the type can hold.
    super::Number::<0, { u32::MAX }>::read(&inner, problems).map(|number| number.0)
}

fn unknown_key(
    given: &Given<'_>,
    entry: &Entry,
    words: &[&str],
    architecture: Option<Architecture>,
) -> Diagnostic {
    let title = format!(
        "unknown key `{}` in the interrupt `{}`",
        entry.key, given.path
    );
    let known = words.iter().copied().chain(["trigger"]);
    let near = suggest::nearest(&entry.key, known.clone());
    let label = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "not a known key".to_owned(),
    };
    let number = match &entry.node.value {
        Value::Integer(integer) if near.is_none() && architecture.is_some() => integer.value,
        _ => None,
    };
    let meant = number.map(|number| meant(architecture, number));
    Diagnostic::new(Code::UnknownKey, entry.key_at, title)
        .label(label)
        .helps(meant.unwrap_or_default())
        .help(format!("known keys: {}", list(&known.collect::<Vec<_>>())))
}
