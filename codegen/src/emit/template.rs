//! The templates. They are compiled in, so their results do not depend on where the generator runs.

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

/// The linker script of a board whose image runs in flash.
pub(super) const FLASH_LINKER: Template = template!("flash.ld.jinja");

/// The templates of one processor architecture.
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

const ARM_V6M: Assembly = Assembly {
    entry: template!("arm-m/entry.S.jinja"),
    vectors: template!("arm-v6m/vectors.S.jinja"),
};

const ARM_V7M: Assembly = Assembly {
    entry: template!("arm-m/entry.S.jinja"),
    vectors: template!("arm-m/vectors.S.jinja"),
};

const RISCV: Assembly = Assembly {
    entry: template!("riscv/entry.S.jinja"),
    vectors: template!("riscv/vectors.S.jinja"),
};

/// Returns the templates for the processor of `board`.
///
/// # Errors
///
/// If there are none.
pub(super) fn assembly(board: &Board) -> Result<Assembly, Error> {
    match board.architecture {
        Architecture::Aarch64 => Ok(AARCH64),
        Architecture::Arm => Ok(ARM),
        Architecture::ArmV6M => Ok(ARM_V6M),
        Architecture::ArmV7M | Architecture::ArmV8M => Ok(ARM_V7M),
        Architecture::X86_64 => Ok(X86_64),
        Architecture::Riscv64 | Architecture::Riscv32 => Ok(RISCV),
    }
}

thread_local! {
    /// The templates used so far, parsed once.
    static PARSED: RefCell<Environment<'static>> = RefCell::new(environment());
}

/// Returns the settings shared by all templates.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    // A line with only a tag leaves nothing in the text.
    let mut syntax = SyntaxConfig::builder();
    syntax
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true);
    // The default tags are always valid.
    if let Ok(syntax) = syntax.build() {
        environment.set_syntax(syntax);
    }
    environment
}

impl Template {
    /// Returns the template's path under `templates/`.
    pub(super) const fn path(self) -> &'static str {
        self.path
    }

    /// Renders the template with `context`, and records the template's line for each line. A name
    /// that `context` lacks is an error.
    ///
    /// # Errors
    ///
    /// If the template is invalid or uses an unknown name.
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
