//! `cargo xtask explain`: explains a diagnostic, with an example and the fix.

use std::io;

use clap::Args;
use vmos_codegen::diagnostic::Code;

use crate::diagnostics::coloured;
use crate::failure::Failure;
use crate::output;
use crate::suggest;
use crate::wrapping::{self, Table};

/// The width at which the pages are written, in characters.
const WIDTH: usize = 80;

/// Explain diagnostics: the error, an example, and the fix
///
/// Every diagnostic for a board file has a stable code, such as `error[E0012]`. Without a code, the
/// command lists all of them.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask explain
  cargo xtask explain E0012
  cargo xtask explain 12 33")]
pub struct Arguments {
    /// Codes, such as `E0012` or `12`; without one, all are listed
    #[arg(value_name = "CODE")]
    codes: Vec<String>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.codes.is_empty() {
        print!("{}", list().text(output::width()));
        return Ok(());
    }
    let codes: Result<Vec<Code>, Failure> =
        arguments.codes.iter().map(|code| parse(code)).collect();
    let colour = coloured(&io::stdout());
    let width = output::width();
    let pages = codes?.into_iter().map(|code| {
        let page = code.explain().render(colour);
        wrapping::paragraphs(&page, width.filter(|width| *width < WIDTH))
    });
    print!("{}", pages.collect::<Vec<_>>().join("\n"));
    Ok(())
}

/// Returns all codes with their meanings.
fn list() -> Table<2> {
    let mut table = Table::new();
    for code in Code::ALL {
        table.add([code.to_string(), code.meaning().to_owned()]);
    }
    table
}

fn parse(written: &str) -> Result<Code, Failure> {
    Code::parse(written).ok_or_else(|| Failure::usage(no_such_code(written)))
}

fn no_such_code(written: &str) -> String {
    let codes: Vec<String> = Code::ALL.iter().map(ToString::to_string).collect();
    let near = suggest::nearest(&written.to_uppercase(), &codes);
    let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    format!("no diagnostic has the code `{written}`{near}\n  `cargo xtask explain` lists all codes")
}
