//! The templates, which are part of the generator: what they give does not depend on where it runs.

use std::cell::RefCell;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use super::Error;
use super::artefact::{Artefact, lines};
use crate::Board;
use crate::board::Architecture;

/// A template under `templates/`.
#[derive(Clone, Copy)]
pub(super) struct Template {
    path: &'static str,
    text: &'static str,
}

macro_rules! template {
    ($path:literal) => {
        Template {
            path: $path,
            text: include_str!(concat!("../../../templates/", $path)),
        }
    };
}

pub(super) const LINKER: Template = template!("linker.ld.jinja");

/// The assembly of one processor architecture.
pub(super) struct Assembly {
    pub(super) entry: Template,
    pub(super) vectors: Template,
}

const AARCH64: Assembly = Assembly {
    entry: template!("aarch64/entry.S.jinja"),
    vectors: template!("aarch64/vectors.S.jinja"),
};

const X86_64: Assembly = Assembly {
    entry: template!("x86_64/entry.S.jinja"),
    vectors: template!("x86_64/vectors.S.jinja"),
};

const ARM: Assembly = Assembly {
    entry: template!("arm/entry.S.jinja"),
    vectors: template!("arm/vectors.S.jinja"),
};

const RISCV: Assembly = Assembly {
    entry: template!("riscv/entry.S.jinja"),
    vectors: template!("riscv/vectors.S.jinja"),
};

/// The assembly for the processor of `board`.
///
/// # Errors
///
/// Where there is none yet.
pub(super) fn assembly(board: &Board) -> Result<Assembly, Error> {
    match board.architecture {
        Architecture::Aarch64 => Ok(AARCH64),
        Architecture::Arm => Ok(ARM),
        Architecture::X86_64 => Ok(X86_64),
        Architecture::Riscv64 | Architecture::Riscv32 => Ok(RISCV),
    }
}

thread_local! {
    /// The templates that have been used, which are parsed once.
    static PARSED: RefCell<Environment<'static>> = RefCell::new(environment());
}

/// What the templates share.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    // A line that holds nothing but a tag leaves nothing behind.
    let mut syntax = SyntaxConfig::builder();
    syntax
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true);
    // The tags are the usual ones, which are sound.
    if let Ok(syntax) = syntax.build() {
        environment.set_syntax(syntax);
    }
    environment
}

impl Template {
    /// Its path under `templates/`.
    pub(super) const fn path(self) -> &'static str {
        self.path
    }

    /// The text with `context` filled in, which knows the template's line of each of its lines; a
    /// name that `context` lacks is an error.
    ///
    /// # Errors
    ///
    /// Where the template is wrong or asks for what is not there.
    pub(super) fn render(self, context: Value) -> Result<Artefact, Error> {
        let rendered = PARSED.with_borrow_mut(|environment| {
            if environment.get_template(self.path).is_err() {
                environment.add_template_owned(self.path, lines::mark(self.text))?;
            }
            environment.get_template(self.path)?.render(context)
        });
        match rendered {
            Ok(marked) => Ok(lines::artefact(self.path, &marked)),
            Err(error) => Err(Error::Template {
                template: self.path,
                cause: error.to_string(),
            }),
        }
    }
}
