//! The table of a board's claims, which the image contains.

use proc_macro2::TokenStream;

use super::{Imports, layout};
use crate::Board;
use crate::board::{Claim, Interrupt, Trigger};
use crate::emit::Error;

/// rustfmt's `fn_call_width`, at its default.
const CALL_WIDTH: usize = 60;

/// rustfmt's `array_width`, at its default.
const ARRAY_WIDTH: usize = 60;

/// Returns the items `const MEMORY`, `const INTERRUPTS` and `static TABLE`.
///
/// # Errors
///
/// As for [`layout::format`].
pub(super) fn text(
    board: &Board,
    memory: TokenStream,
    imports: &mut Imports,
) -> Result<String, Error> {
    imports.add("vmos_drivers::board", "Line");
    imports.add("vmos_drivers::board", "Table");
    let mut text = layout::format(memory)?;
    text += &format!(
        "const INTERRUPTS: &[Line] = &[{}];\n",
        rows(&board.interrupts)
    );
    text += "\n// The kernel and `cargo xtask audit` read this table in the image.\n";
    text += "#[used]\n";
    text += "#[unsafe(export_name = \"__vmos_board_table\")]\n";
    text += "#[unsafe(link_section = \".rodata.board\")]\n";
    text += "static TABLE: Table = Table::new(MEMORY, INTERRUPTS);\n";
    Ok(text)
}

/// Returns the rows of the list, on one line if they fit.
fn rows(claims: &[Claim<Interrupt>]) -> String {
    let whole: Vec<String> = claims.iter().map(|claim| call(claim, ", ", "")).collect();
    let line = whole.join(", ");
    if line.chars().count() <= ARRAY_WIDTH {
        return line;
    }
    let rows: String = claims.iter().map(row).collect();
    format!("\n{rows}")
}

/// Returns a row; its arguments are on separate lines if they are too wide for one.
fn row(claim: &Claim<Interrupt>) -> String {
    let line = call(claim, ", ", "");
    let name = line.find('(').map_or(0, |at| at + "()".len());
    if line.chars().count() - name <= CALL_WIDTH {
        return format!("    {line},\n");
    }
    let call = call(claim, ",\n        ", ",\n    ");
    format!("    {},\n", call.replacen('(', "(\n        ", 1))
}

/// Returns the constructor call of an interrupt row, with `between` separating its arguments and
/// `after` following them.
fn call(claim: &Claim<Interrupt>, between: &str, after: &str) -> String {
    let constructor = match claim.what.trigger {
        Trigger::Level => "level",
        Trigger::Edge => "edge",
        Trigger::LevelLow => "level_low",
        Trigger::EdgeFalling => "edge_falling",
    };
    let key = format!("\"{}\"", claim.key);
    let (number, count) = (claim.what.number.to_string(), claim.what.count.to_string());
    let arguments = [key, number, count].join(between);
    format!("Line::{constructor}({arguments}{after})")
}
