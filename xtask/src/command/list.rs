//! `cargo xtask list`: lists the boards and the apps.

use clap::Args;
use vmos_codegen::board::Architecture;

use crate::boards;
use crate::failure::Failure;
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
    print!("{}\n{}", boards.text(), apps.text());
    Ok(())
}

fn architecture(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Aarch64 => "aarch64",
        Architecture::Arm => "arm",
        Architecture::X86_64 => "x86_64",
        Architecture::Riscv64 => "riscv64",
        Architecture::Riscv32 => "riscv32",
    }
}

/// A text table whose columns are as wide as their widest cell.
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

    fn text(&self) -> String {
        let width = |column: usize| {
            self.rows
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<_> = (0..N).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let cells = row
                .iter()
                .zip(&widths)
                .map(|(cell, &width)| format!("{cell:width$}"));
            let line = cells.collect::<Vec<_>>().join("  ");
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_no_line_ends_in_blanks() {
        let mut table = Table::new(["A", "B"]);
        table.add(["long".to_owned(), String::new()]);
        table.add(["x".to_owned(), "y".to_owned()]);
        assert_eq!(table.text(), "A     B\nlong\nx     y\n");
    }
}
