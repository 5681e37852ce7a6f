//! Values and arguments of QEMU's command line.

use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::reader::{Given, Read};
use crate::language::scalar::Words;
use crate::language::schema::Kind;

/// The value of an option of QEMU, without the option itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionValue(pub String);

impl Read for OptionValue {
    const KIND: Kind = Kind::Text;

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let Words(text) = Words::read(given, problems)?;
        if !text.starts_with('-') {
            let close: Vec<&str> = text.split(',').map(str::trim).collect();
            let close = close.join(",");
            if close == text {
                return Some(Self(text));
            }
            let title = format!("`{}` has a space between its options", given.path);
            problems.report(
                Diagnostic::new(Code::BadText, given.node.at, title)
                    .label("QEMU would take the space as part of a name")
                    .write(format!("\"{close}\"")),
            );
            return None;
        }
        let title = format!("`{}` is the value of an option, not the option", given.path);
        let diagnostic = Diagnostic::new(Code::BadText, given.node.at, title)
            .label("QEMU would take this for another option");
        let value = text.split_once(' ').map(|(_, value)| value.trim());
        problems.report(match value.filter(|value| !value.is_empty()) {
            Some(value) => diagnostic.write(format!("\"{value}\"")),
            None => diagnostic.help("write what follows the option"),
        });
        None
    }
}

/// Options whose value is a key of `[qemu]`.
const KEYS: [(&str, &str); 4] = [
    ("-m", "memory"),
    ("-cpu", "cpu"),
    ("-machine", "machine"),
    ("-M", "machine"),
];

/// Options that `run` writes itself, each with its purpose.
const OWN: [(&str, &str); 3] = [
    ("-kernel", "the image"),
    ("-append", "the kernel's command line"),
    ("-nographic", "the connection of the console"),
];

/// One argument of QEMU: an option, or its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument(pub String);

impl Read for Argument {
    const KIND: Kind = Kind::Text;

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let Words(text) = Words::read(given, problems)?;
        let error = |title: String| Diagnostic::new(Code::BadText, given.node.at, title);
        if let Some((option, value)) = text.split_once(' ')
            && option.starts_with('-')
        {
            problems.report(
                error(format!("`{}` has two words in one string", given.path))
                    .label("QEMU would take both for the name of an option")
                    .help(format!("write \"{option}\", \"{}\"", value.trim())),
            );
            return None;
        }
        // QEMU accepts two dashes, too.
        let single = match text.strip_prefix('-') {
            Some(option) if option.starts_with('-') => option,
            _ => &text,
        };
        if let Some((option, purpose)) = OWN.iter().find(|(option, _)| *option == single) {
            problems.report(
                error(format!("`{}` is an option of `run`", given.path))
                    .label(format!("`run` writes {option} itself, for {purpose}"))
                    .help("remove it, with its value if it has one"),
            );
            return None;
        }
        if let Some((option, key)) = KEYS.iter().find(|(option, _)| *option == single) {
            problems.report(
                error(format!("`{}` contradicts `qemu.{key}`", given.path))
                    .label(format!(
                        "`run` writes {option} with the value of `qemu.{key}`"
                    ))
                    .help(format!(
                        "write the value as `{key}` in [qemu], and remove it here"
                    )),
            );
            return None;
        }
        Some(Self(text))
    }
}
