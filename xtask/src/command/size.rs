//! `cargo xtask size`: shows how large an image is, by section and by crate.

use core::fmt::Write as _;

use clap::Args;

use crate::boards;
use crate::failure::Failure;
use crate::footprint::{BUDGET, Footprint, Ram};
use crate::image;
use crate::install;
use crate::target;
use crate::workspace::{DEFAULT_APP, Workspace};

/// Show how many bytes of an image are loaded, by section and by crate, and how much RAM it takes
///
/// Builds the image first, with the release profile. Stacks and variables take RAM; those without
/// initial values are not loaded. For an image in flash, the RAM is shown by crate, otherwise by
/// section. Code counts for the crate that contains its source, even if it was inlined elsewhere;
/// inlined code of Rust's standard library counts for the crate that uses it. The exit status is 1 if
/// an image exceeds the budget.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask size
  cargo xtask size <BOARD> --largest 30
  cargo xtask size --summary --app demo")]
pub struct Arguments {
    /// Boards; default: all
    #[arg(value_name = "BOARD")]
    boards: Vec<String>,
    /// App: a folder in apps/
    #[arg(long, default_value = DEFAULT_APP)]
    app: String,
    /// Largest allowed number of loaded bytes
    #[arg(long, value_name = "BYTES", default_value_t = BUDGET)]
    budget: u64,
    /// Also show this many of the largest functions
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    largest: usize,
    /// Print only one line for each board
    #[arg(long)]
    summary: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let boards = boards::load_some(&workspace, &arguments.boards)?;
    let app = workspace.app(&arguments.app).map_err(Failure::usage)?;
    boards::bring_up_to_date(&workspace, &boards)?;
    let mut over = false;
    for board in &boards {
        install::target(target::triple(board.architecture))?;
        for image in image::build(&workspace, board, &[&app.name], None)? {
            let footprint = Footprint::of(&image.elf, &workspace.root)?;
            let name = format!("{}, {}", board.name, app.name);
            let ram = Ram::of(&image.elf, board)?;
            print!("{}", arguments.report(&name, &footprint, ram.as_ref()));
            over |= footprint.loadable > arguments.budget;
        }
    }
    if over {
        return Err(Failure::Status(1));
    }
    Ok(())
}

impl Arguments {
    fn report(&self, name: &str, footprint: &Footprint, ram: Option<&Ram>) -> String {
        let mut text = format!("{name}: {}", verdict(footprint.loadable, self.budget));
        if let Some(ram) = ram {
            let _ = write!(text, "; {} bytes of RAM", ram.total());
            if ram.heap_is_the_rest {
                text.push_str(" without the heap, which gets the rest");
            }
        }
        text.push('\n');
        if self.summary {
            return text;
        }
        let mut line = |columns: [&str; 4]| {
            let [name, code, data, total] = columns;
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {name:<28} {code:>8} {data:>8} {total:>8}");
        };
        line(["section", "", "", "bytes"]);
        for (section, size) in &footprint.sections {
            line([section, "", "", &size.to_string()]);
        }
        if footprint.padding() > 0 {
            line(["(between them)", "", "", &footprint.padding().to_string()]);
        }
        // The RAM of an image in flash is shown by crate instead.
        if ram.is_none() {
            let written: u64 = footprint.writable.iter().map(|(_, size)| size).sum();
            line(["writable in RAM", "", "", &written.to_string()]);
            for (section, size) in &footprint.writable {
                line([section, "", "", &size.to_string()]);
            }
        }
        line(["crate", "code", "data", "bytes"]);
        for share in &footprint.crates {
            let [code, data] = [share.code, share.data].map(|size| size.to_string());
            let total = (share.code + share.data).to_string();
            line([&share.name, &code, &data, &total]);
        }
        if let Some(ram) = ram {
            line(["RAM", "", "", "bytes"]);
            for (name, size) in &ram.shares {
                line([name, "", "", &size.to_string()]);
            }
        }
        if self.largest > 0 {
            let _ = writeln!(text, "  {:>8} function", "bytes");
        }
        for (function, size) in footprint.functions.iter().take(self.largest) {
            let _ = writeln!(text, "  {size:>8} {function}");
        }
        text
    }
}

/// Formats how a loaded size compares with the budget.
pub(crate) fn verdict(loadable: u64, budget: u64) -> String {
    match loadable.checked_sub(budget) {
        None | Some(0) => format!(
            "{loadable} bytes are loaded, {} fewer than the budget of {budget}",
            budget - loadable
        ),
        Some(excess) => {
            format!("{loadable} bytes are loaded, {excess} more than the budget of {budget}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::footprint::Share;

    fn arguments(summary: bool, largest: usize) -> Arguments {
        Arguments {
            boards: Vec::new(),
            app: DEFAULT_APP.to_owned(),
            budget: 100,
            largest,
            summary,
        }
    }

    fn footprint() -> Footprint {
        Footprint {
            loadable: 130,
            sections: vec![(".text".to_owned(), 100), (".rodata".to_owned(), 26)],
            writable: vec![(".stack".to_owned(), 3072), (".bss".to_owned(), 900)],
            crates: vec![Share {
                name: "kernel".to_owned(),
                code: 90,
                data: 6,
            }],
            functions: vec![("kernel::turn".to_owned(), 60), ("main".to_owned(), 20)],
        }
    }

    #[test]
    fn an_image_over_the_budget_shows_the_excess() {
        let text = arguments(true, 0).report("board, app", &footprint(), None);
        assert_eq!(
            text,
            "board, app: 130 bytes are loaded, 30 more than the budget of 100\n"
        );
    }

    #[test]
    fn the_ram_of_an_image_in_flash_is_listed() {
        let ram = Ram {
            shares: vec![("stack".to_owned(), 2048), ("kernel".to_owned(), 52)],
            heap_is_the_rest: true,
        };
        let text = arguments(false, 0).report("board, app", &footprint(), Some(&ram));
        let first = text.lines().next().unwrap();
        let end = "; 2100 bytes of RAM without the heap, which gets the rest";
        assert!(first.ends_with(end), "{text}");
        // The same bytes are not shown twice.
        assert!(!text.contains("writable"), "{text}");
        let (_, rows) = text.split_once("  RAM ").unwrap();
        let rows: Vec<Vec<&str>> = rows
            .lines()
            .skip(1)
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(rows, [["stack", "2048"], ["kernel", "52"]]);
        let ram = Ram {
            heap_is_the_rest: false,
            ..ram
        };
        let text = arguments(true, 0).report("board, app", &footprint(), Some(&ram));
        assert!(text.ends_with("; 2100 bytes of RAM\n"), "{text}");
    }

    #[test]
    fn an_image_within_the_budget_shows_what_is_left() {
        assert_eq!(
            verdict(98, 100),
            "98 bytes are loaded, 2 fewer than the budget of 100"
        );
        assert_eq!(
            verdict(100, 100),
            "100 bytes are loaded, 0 fewer than the budget of 100"
        );
    }

    #[test]
    fn sections_crates_and_what_lies_between_are_listed() {
        let text = arguments(false, 0).report("board, app", &footprint(), None);
        for row in [
            ("  .text", "100"),
            ("  (between them)", "4"),
            ("  kernel", "96"),
            ("  writable in RAM", "3972"),
            ("  .stack", "3072"),
        ] {
            let there = text
                .lines()
                .any(|line| line.starts_with(row.0) && line.ends_with(&format!(" {}", row.1)));
            assert!(there, "{row:?} in:\n{text}");
        }
    }

    #[test]
    fn as_many_functions_are_listed_as_were_asked_for() {
        let text = arguments(false, 1).report("board, app", &footprint(), None);
        assert!(text.contains("60 kernel::turn"), "{text}");
        assert!(!text.contains("main"), "{text}");
    }
}
