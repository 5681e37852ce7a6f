//! The text of a generated file, and what made each line of it.

pub(super) mod lines;

/// The text of a generated file and what made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artefact {
    /// The text.
    pub text: String,
    /// What made it.
    pub maker: Maker,
}

/// What made a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Maker {
    /// A template.
    Template {
        /// Its path in the workspace.
        path: String,
        /// For each line of the text, the line of the template that it comes from, from 1.
        lines: Vec<usize>,
    },
    /// A module of the generator.
    Emitter {
        /// Its path in the workspace.
        path: String,
    },
}

impl Artefact {
    /// What the module `emit::<module>` made.
    pub(super) fn by(module: &str, text: String) -> Self {
        let path = format!("codegen/src/emit/{module}.rs");
        Self {
            text,
            maker: Maker::Emitter { path },
        }
    }
}
