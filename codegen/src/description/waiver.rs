//! `[waiver.NAME]`: an overlap that is meant.

use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::reader::{Given, Located, Read};
use crate::language::scalar::Text;
use crate::language::schema::Kind;
use crate::language::table::table;

table! {
    /// An overlap that is meant: of two ranges, or of two devices on one interrupt.
    pub struct Waiver {
        /// The paths of the two, as diagnostics name them.
        between: Pair => required,
        /// Why they may.
        reason: Text => required,
    }
}

/// Two paths.
#[derive(Clone, Debug)]
pub struct Pair(pub Located<Text>, pub Located<Text>);

impl Read for Pair {
    const KIND: Kind = Kind::List(&Text::KIND);

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let list = Vec::<Located<Text>>::read(given, problems)?;
        match list.as_slice() {
            [one, other] if one.value != other.value => Some(Self(one.clone(), other.clone())),
            _ => {
                let title = format!("`{}` must name two different things", given.path);
                problems.report(
                    Diagnostic::new(Code::WaiverUnknownKey, given.node.at, title)
                        .label("not two paths, as [\"a.b\", \"c.d\"]"),
                );
                None
            }
        }
    }
}
