//! `cargo xtask why`: shows which line of a description sets a value, and what is generated from
//! it.

mod address;
mod board;
mod interrupt;
mod key;
mod place;
mod query;
mod source;
mod symbol;

use clap::Args;

use crate::boards;
use crate::failure::Failure;
use crate::workspace::Workspace;
use board::Loaded;
use query::Query;

/// Show the origin of an address, a port, a key, a symbol, an interrupt or a line
///
/// Shows the line of the description that sets it, the values that this overrides through
/// `extends`, and the generated lines that depend on it. The argument can be an address in any
/// notation (0x0900_0000), a port (`port 0x3F8`), a key (`<BOARD>:memory.stack`, or `memory.stack`
/// for every board), a symbol of the linker script or of an image (__stack_top), an interrupt (`spi
/// 1`, or the controller's own number), a line of a generated file
/// (`generated/<BOARD>/linker.ld:12`), a line of a description, or a line of source code of the
/// kernel, a driver or an app (`drivers/src/console/pl011.rs:40`).
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask why <BOARD>:memory.stack
  cargo xtask why __stack_top --board <BOARD>
  cargo xtask why generated/<BOARD>/linker.ld:12")]
pub struct Arguments {
    /// Address, port, key, symbol, interrupt or line to explain
    #[arg(value_name = "WHAT", required = true, num_args = 1..)]
    what: Vec<String>,
    /// Show only this board
    #[arg(long)]
    board: Option<String>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let names = boards::names(&workspace)?;
    let what = arguments.what.join(" ");
    let query = Query::read(&what, &names, &workspace.root)?;
    let only = match &query {
        // A file at the top of generated/ depends on all boards.
        Query::Generated { path, .. } if !path.contains('/') => None,
        _ => query.board().map(str::to_owned).or(arguments.board.clone()),
    };
    let loaded = Loaded::some(&workspace, only.as_slice())?;
    let answer = match &query {
        Query::Key { path, .. } => key::answer(&loaded, path)?,
        Query::Interrupt(interrupt) => interrupt::answer(&loaded, interrupt)?,
        Query::Address(address) => address::answer(&workspace, &loaded, *address)?,
        Query::Port(port) => address::port(&loaded, *port)?,
        Query::Source { path, line } => source::answer(&workspace, &loaded, path, *line)?,
        Query::Number(number) => number_answer(&workspace, &loaded, *number)?,
        Query::Generated { path, line } => place::generated(&workspace, &loaded, path, *line)?,
        Query::Description { path, line } => place::description(&workspace, &loaded, path, *line)?,
        Query::Word(word) => word_answer(&workspace, &loaded, word)?,
    };
    print!("{answer}");
    Ok(())
}

/// Answers a query for a plain number, taken as an interrupt if a board has that interrupt,
/// otherwise as an address.
fn number_answer(workspace: &Workspace, loaded: &[Loaded], number: u64) -> Result<String, Failure> {
    if let Ok(interrupt) = u32::try_from(number)
        && let Ok(answer) = interrupt::answer(loaded, &query::Interrupt::Controller(interrupt))
    {
        return Ok(answer);
    }
    address::answer(workspace, loaded, number).map_err(|_| {
        let neither =
            format!("no board has an interrupt {number} or a range with the address {number:#x}");
        neither.into()
    })
}

/// Answers a query for a word, taken as a key if a board has that key, otherwise as a symbol.
fn word_answer(workspace: &Workspace, loaded: &[Loaded], word: &str) -> Result<String, Failure> {
    let as_key = match key::answer(loaded, word) {
        Ok(answer) => return Ok(answer),
        Err(failure) => failure,
    };
    let (name, offset) = symbol::parts(word);
    match symbol::answer(workspace, loaded, name, offset)? {
        Some(answer) => Ok(answer),
        None if word.contains('.') => Err(as_key),
        None => Err(format!(
            "{as_key}\n  nor is there a symbol of this name in generated/ or in an image that is \
             built (cargo xtask build BOARD)"
        )
        .into()),
    }
}
