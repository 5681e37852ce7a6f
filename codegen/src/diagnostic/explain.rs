//! The pages of `explain`: one for each code, with an example of the error and its fix.
//!
//! A page is Markdown. Its first TOML block is the error, its second one the fix; a test checks
//! both. A block that starts with `# boards/NAME.toml` contains whole files, the first of which is
//! the board; any other block is added to [`BASE`]. `<E4>` in a block stands for that byte. An
//! error that a board file alone does not show is marked with the command that finds it: `toml
//! verify`.

use super::{Code, Diagnostics};
use crate::load_from;
use crate::source::InMemory;

/// The board to which examples are added.
const BASE: &str = include_str!("explain/base.toml");

const FENCE: &str = "```";

/// The page of a code.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    code: Code,
    page: &'static str,
}

/// A part of a page.
enum Piece<'a> {
    Text(&'a str),
    Block { word: &'a str, text: &'a str },
}

impl Code {
    /// Parses a code, in upper or lower case and with or without leading zeros: `E0012`, `e12`,
    /// `12`.
    pub fn parse(written: &str) -> Option<Self> {
        let number = |text: &str| text.trim_start_matches(['E', 'e']).parse::<u16>().ok();
        let wanted = number(written.trim())?;
        let found = Self::ALL
            .iter()
            .find(|code| number(code.written()) == Some(wanted));
        found.copied()
    }

    /// Returns the page of the code.
    pub fn explain(self) -> Explanation {
        Explanation {
            code: self,
            page: self.explanation(),
        }
    }
}

impl Explanation {
    /// Formats the page for a terminal: the meaning, the example with its diagnostic, and the fix.
    pub fn render(&self, colour: bool) -> String {
        let mut text = format!("{}: {}\n", self.code, self.code.meaning());
        let mut blocks = 0;
        let mut introduced = false;
        for piece in self.pieces() {
            text.push('\n');
            match piece {
                Piece::Text(prose) => text += &format!("{}\n", prose.trim()),
                Piece::Block { text: block, .. } => {
                    if !introduced {
                        text += "The fix:\n\n";
                    }
                    text += &indented(block);
                    blocks += 1;
                    if let Some(told) = self.told().filter(|_| blocks == 1) {
                        text += "\nThe diagnostic:\n\n";
                        text += &indented(&told.render(colour));
                    }
                }
            }
            introduced = matches!(piece, Piece::Text(_));
        }
        text
    }

    /// Returns the diagnostics of the example; `None` if a board file alone does not show the
    /// error.
    pub fn told(&self) -> Option<Diagnostics> {
        let wrong = self.examples().into_iter().next()?;
        load_example(wrong).err()
    }

    /// Returns the examples, the error first.
    fn examples(&self) -> Vec<&'static str> {
        let blocks = self.pieces().into_iter().filter_map(|piece| match piece {
            Piece::Block { word, text } if word.starts_with("toml") => Some(text),
            _ => None,
        });
        blocks.collect()
    }

    fn pieces(&self) -> Vec<Piece<'static>> {
        let mut pieces = Vec::new();
        for (index, part) in self.page.split(FENCE).enumerate() {
            if index % 2 == 1 {
                let (word, text) = part.split_once('\n').unwrap_or((part, ""));
                pieces.push(Piece::Block { word, text });
            } else if !part.trim().is_empty() {
                pieces.push(Piece::Text(part));
            }
        }
        pieces
    }
}

fn indented(text: &str) -> String {
    let lines = text.lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("    {line}\n"),
    });
    lines.collect()
}

fn load_example(example: &str) -> Result<crate::Board, Diagnostics> {
    const FILE: &str = "# boards/";
    let mut sources = InMemory::new().with("base", BASE);
    if !example.starts_with(FILE) {
        let board = match example.contains("[board]") {
            true => "",
            false => "\n[board]\nname = \"example\"\n",
        };
        let text = format!("schema = 1\nextends = \"base\"\n\n{example}{board}");
        return load_from(&sources.with("example", bytes(&text)), "example");
    }
    let mut first = None;
    for file in example.split(FILE).skip(1) {
        let (name, text) = file.split_once(".toml\n").unwrap_or((file, ""));
        first = first.or(Some(name));
        sources = sources.with(name, bytes(text));
    }
    load_from(&sources, first.unwrap_or_default())
}

fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, part) in text.split("<E4>").enumerate() {
        if index > 0 {
            bytes.push(0xE4);
        }
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests;
