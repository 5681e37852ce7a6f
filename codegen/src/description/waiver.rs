//! `[waiver.NAME]`: an intended overlap.

use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::reader::{Given, Located, Read};
use crate::language::scalar::Text;
use crate::language::schema::Kind;
use crate::language::table::table;

table! {
    /// An intended overlap: two ranges that share addresses, or two devices that share an
    /// interrupt.
    pub struct Waiver {
        /// The paths of the two keys, as in the diagnostic.
        between: Pair => required,
        /// Why the overlap is correct.
        reason: Text => required,
    }
}

/// A list of exactly two key paths.
#[derive(Clone, Debug)]
pub struct Pair(pub Located<Text>, pub Located<Text>);

impl Read for Pair {
    const KIND: Kind = Kind::List(&Text::KIND);

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let list = Vec::<Located<Text>>::read(given, problems)?;
        match list.as_slice() {
            [one, other] if one.value != other.value => Some(Self(one.clone(), other.clone())),
            _ => {
                let title = format!("`{}` must contain two different paths", given.path);
                problems.report(
                    Diagnostic::new(Code::WaiverUnknownKey, given.node.at, title)
                        .label("expected two different paths, such as [\"a.b\", \"c.d\"]"),
                );
                None
            }
        }
    }
}
