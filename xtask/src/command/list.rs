//! `cargo xtask list`: lists the boards and the apps.

use clap::Args;
use vmos_codegen::board::Architecture;

use crate::boards::{self, HOSTED};
use crate::failure::Failure;
use crate::output;
use crate::transport;
use crate::workspace::Workspace;

/// List the boards and the apps
#[derive(Args, Debug)]
#[command(after_help = "Example:
  cargo xtask list")]
pub struct Arguments {}

/// Runs the command.
pub fn run(_arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let mut boards = Table::new([
        "BOARD",
        "ARCHITECTURE",
        "TRANSPORTS",
        "MEMORY",
        "DESCRIPTION",
    ]);
    let sound = boards::Sound::of(&workspace)?;
    sound.say_broken();
    for board in sound.boards {
        let transports: Vec<_> = transport::transports(&board)
            .iter()
            .map(ToString::to_string)
            .collect();
        let memory = format!("{} MiB", board.qemu.memory >> 20);
        let architecture = architecture(board.architecture).to_owned();
        boards.add([
            board.name,
            architecture,
            match transports.is_empty() {
                true => "console only".to_owned(),
                false => transports.join(", "),
            },
            memory,
            board.title,
        ]);
    }
    let mut apps = Table::new(["APP", "DESCRIPTION"]);
    for app in workspace.apps {
        apps.add([app.name, app.description]);
    }
    let width = output::width();
    print!("{}\n{}", boards.text(width), apps.text(width));
    println!("\n`cargo xtask run {HOSTED}` runs an app as a process of this host.");
    Ok(())
}

fn architecture(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Aarch64 => "aarch64",
        Architecture::Arm => "arm",
        Architecture::ArmV6M => "armv6-m",
        Architecture::ArmV7M => "armv7-m",
        Architecture::ArmV8M => "armv8-m",
        Architecture::X86_64 => "x86_64",
        Architecture::Riscv64 => "riscv64",
        Architecture::Riscv32 => "riscv32",
    }
}

/// The width below which a last column is not wrapped, because it would have too many lines.
const LEAST_WIDTH: usize = 16;

/// A text table whose columns are as wide as their widest cell, but for the last one, which is
/// wrapped.
struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    fn new(head: [&str; N]) -> Self {
        Self {
            rows: vec![head.map(str::to_owned)],
        }
    }

    fn add(&mut self, row: [String; N]) {
        self.rows.push(row);
    }

    /// Returns the table as text, with lines of at most `most` characters if there is a limit.
    fn text(&self, most: Option<usize>) -> String {
        let width = |column: usize| {
            self.rows
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<_> = (0..N).map(width).collect();
        let indent = widths.iter().rev().skip(1).map(|width| width + 2).sum();
        let mut text = String::new();
        for row in &self.rows {
            let cells = row
                .iter()
                .zip(&widths)
                .map(|(cell, &width)| format!("{cell:width$}"));
            let line = cells.collect::<Vec<_>>().join("  ");
            for line in wrapped(line.trim_end(), indent, most) {
                text += &line;
                text.push('\n');
            }
        }
        text
    }
}

/// Splits a line at blanks into lines of at most `most` characters, as far as words allow. The
/// second line and all others begin with `indent` blanks.
fn wrapped(line: &str, indent: usize, most: Option<usize>) -> Vec<String> {
    let Some(most) = most.filter(|most| *most >= indent + LEAST_WIDTH) else {
        return vec![line.to_owned()];
    };
    let mut lines = Vec::new();
    let mut rest: Vec<char> = line.chars().collect();
    while rest.len() > most {
        let is_blank = |index: &usize| rest[*index] == ' ';
        let Some(end) = (indent + 1..=most).rev().find(is_blank) else {
            break;
        };
        let behind = rest.split_off(end);
        lines.push(rest.iter().collect::<String>().trim_end().to_owned());
        let words = behind.into_iter().skip_while(|letter| *letter == ' ');
        rest = core::iter::repeat_n(' ', indent).chain(words).collect();
    }
    lines.push(rest.into_iter().collect());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_no_line_ends_in_blanks() {
        let mut table = Table::new(["A", "B"]);
        table.add(["long".to_owned(), String::new()]);
        table.add(["x".to_owned(), "y".to_owned()]);
        assert_eq!(table.text(None), "A     B\nlong\nx     y\n");
    }

    #[test]
    fn the_last_column_is_wrapped_at_the_width_of_the_terminal() {
        let mut table = Table::new(["A", "B"]);
        table.add(["long".to_owned(), "one two three four five".to_owned()]);
        table.add(["x".to_owned(), "1234567890123456789012 y".to_owned()]);
        let narrow = "A     B\nlong  one two three\n      four five\nx     \
            1234567890123456789012 y\n";
        assert_eq!(table.text(Some(22)), narrow);
        // Columns without room for the last one are left as they are.
        assert_eq!(table.text(Some(21)), table.text(None));
        assert!(table.text(Some(80)).lines().all(|line| line.len() <= 30));
    }
}
