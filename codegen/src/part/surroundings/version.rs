//! The versions of QEMU that a board was tested with.

use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::reader::{Given, Located, Read};
use crate::language::scalar::Text;
use crate::language::schema::Kind;

/// A version of QEMU: numbers separated by dots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(pub String);

impl Read for Version {
    const KIND: Kind = Kind::Text;

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let Text(text) = Text::read(given, problems)?;
        let is_number = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
        if text.contains('.') && text.split('.').all(is_number) {
            return Some(Self(text));
        }
        let title = format!("`{}` is not a version of QEMU", given.path);
        let diagnostic = Diagnostic::new(Code::BadText, given.node.at, title);
        problems.report(match is_number(&text) {
            true => diagnostic
                .label("needs the second number too")
                .write(format!("\"{text}.0\"")),
            false => diagnostic.label("write it as \"7.2\""),
        });
        None
    }
}

/// At least one version, and none twice.
#[derive(Clone, Debug)]
pub struct Versions(pub Vec<Located<Version>>);

impl Read for Versions {
    const KIND: Kind = Kind::List(&Version::KIND);

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let versions = Vec::<Located<Version>>::read(given, problems)?;
        if versions.is_empty() {
            let title = format!("`{}` lists no version", given.path);
            problems.report(
                Diagnostic::new(Code::BadText, given.node.at, title)
                    .label("this is empty")
                    .note("without this key, the board counts as not yet tested")
                    .remove(),
            );
            return None;
        }
        let mut is_sound = true;
        for (nth, version) in versions.iter().enumerate() {
            let same = versions[..nth]
                .iter()
                .find(|one| one.value == version.value);
            if let Some(first) = same {
                let title = format!("`{}` lists version {} twice", given.path, version.value.0);
                problems.report(
                    Diagnostic::new(Code::DuplicateKey, version.at, title)
                        .label("given again here")
                        .also(first.at, "given here first")
                        .help("remove one of the two"),
                );
                is_sound = false;
            }
        }
        is_sound.then_some(Self(versions))
    }
}
