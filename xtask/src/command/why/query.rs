//! Parses the argument of `why`.

use std::path::Path;

use vmos_codegen::description::spaces;

use crate::boards::{HOSTED, NoSuchBoard};
use crate::failure::Failure;

/// The subject of the query.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Query {
    /// A key of a board.
    Key {
        /// The name of the board.
        board: String,
        /// The path of the key.
        path: String,
    },
    /// An interrupt of a controller.
    Interrupt(Interrupt),
    /// A physical address.
    Address(u64),
    /// The number of an I/O port.
    Port(u64),
    /// A number that may be an interrupt or an address.
    Number(u64),
    /// A line of the sources of the kernel, of drivers or of an app.
    Source {
        /// The path of the file in the workspace.
        path: String,
        /// The number of the line, from 1.
        line: usize,
    },
    /// A line of a generated file.
    Generated {
        /// The path of the file in `generated/`.
        path: String,
        /// The number of the line, from 1.
        line: usize,
    },
    /// A line of a description.
    Description {
        /// The path of the file in the workspace.
        path: String,
        /// The number of the line, from 1.
        line: usize,
    },
    /// A key of any board, or a symbol.
    Word(String),
}

/// An interrupt, as written in the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Interrupt {
    /// The interrupt's number in the controller.
    Controller(u32),
    /// A number in an interrupt space, as in board files.
    Space {
        /// The name of the space, such as `spi`.
        space: &'static str,
        /// The interrupt's number in the space.
        number: u32,
        /// The name of the further controller that has the space; `None` for the first one.
        controller: Option<String>,
    },
}

/// The words that stand for the controller's own number of an interrupt, unless a board has an
/// interrupt space of this name.
const GENERAL: [&str; 5] = ["interrupt", "irq", "intid", "source", "vector"];

impl Interrupt {
    /// Returns the controller's own number that may be meant.
    pub(super) fn own_number(&self) -> Option<u32> {
        match self {
            Self::Controller(number) => Some(*number),
            Self::Space {
                space,
                number,
                controller,
            } => (controller.is_none() && GENERAL.contains(space)).then_some(*number),
        }
    }
}

impl Query {
    /// Parses the argument, given the names of all boards and the workspace's folder.
    pub(super) fn read(what: &str, boards: &[String], root: &Path) -> Result<Self, Failure> {
        let what = what.trim();
        if what == HOSTED {
            return Err(Failure::usage(NoSuchBoard {
                name: what.to_owned(),
                names: boards.to_vec(),
            }));
        }
        if let Some(place) = place(what, root) {
            return place;
        }
        if let Some((board, path)) = what.split_once(':') {
            let is_name = |text: &str| text.starts_with(|c: char| c.is_ascii_lowercase());
            if boards.iter().any(|name| name == board) && !path.trim().is_empty() {
                let (board, path) = (board.to_owned(), path.trim().to_owned());
                return Ok(Self::Key { board, path });
            }
            if is_name(board) && is_name(path) && space(board).is_none() {
                return Err(Failure::usage(NoSuchBoard {
                    name: board.to_owned(),
                    names: boards.to_vec(),
                }));
            }
        }
        if let Some(port) = port(what) {
            return port.map(Self::Port);
        }
        if let Some(interrupt) = interrupt(what) {
            return Ok(Self::Interrupt(interrupt));
        }
        if what.starts_with(|c: char| c.is_ascii_digit()) {
            return number(what).ok_or_else(|| {
                Failure::usage(format!(
                    "`{what}` is not a number of at most 64 bits: write an address as \
                     0x0900_0000, an interrupt as `spi 1` or 33"
                ))
            });
        }
        if what.contains(".jinja") {
            return Err(Failure::usage(format!(
                "{what} is a line of a template: ask about a generated line instead, such as \
                 generated/BOARD/linker.ld:12, which leads to the template too"
            )));
        }
        if what.is_empty() || what.contains(char::is_whitespace) {
            return Err(Failure::usage(format!(
                "`{what}` is not an address, key, symbol, interrupt or line of a file\n  \
                 cargo xtask why --help has an example of each"
            )));
        }
        Ok(Self::Word(what.to_owned()))
    }

    /// Returns the board, if one was named.
    pub(super) fn board(&self) -> Option<&str> {
        match self {
            Self::Key { board, .. } => Some(board),
            _ => None,
        }
    }
}

/// Parses a port, such as `port 0x3f8`.
fn port(what: &str) -> Option<Result<u64, Failure>> {
    let (word, number) = what.split_once(|c: char| !c.is_ascii_alphabetic())?;
    if !matches!(word.to_lowercase().as_str(), "port" | "ports" | "ioport") {
        return None;
    }
    let read = self::number(number.trim_matches([' ', '=', ':']));
    Some(match read {
        Some(Query::Address(port) | Query::Number(port)) if port <= 0xFFFF => Ok(port),
        _ => Err(Failure::usage(format!(
            "`{what}` names no port: ports go from 0x0 to 0xFFFF, as in `port 0x3F8`"
        ))),
    })
}

/// Parses a line of a file: `path:12` or `path:12:5`.
fn place(what: &str, root: &Path) -> Option<Result<Query, Failure>> {
    let mut parts = what.split(':');
    let path = parts.next()?.replace('\\', "/");
    let root = root.to_string_lossy().replace('\\', "/");
    let inside = path
        .strip_prefix(&root)
        .map_or(path.as_str(), |inside| inside.trim_start_matches('/'));
    // The path may start in a folder above or below the workspace's root.
    let of = |folder: &str| {
        let at = inside
            .find(folder)
            .filter(|at| *at == 0 || matches!(inside.as_bytes().get(at - 1), Some(b'/')))?;
        Some(inside[at..].to_owned())
    };
    let generated = of("generated/");
    let description = of("boards/").filter(|path| path.ends_with(".toml"));
    let is_source = |path: &String| path.ends_with(".rs") || path.ends_with(".S");
    let sources = ["kernel/", "drivers/", "apps/"].iter();
    let source = sources.filter_map(|folder| of(folder)).find(is_source);
    if generated.is_none() && description.is_none() && source.is_none() {
        return None;
    }
    let line = parts.next().map(str::parse::<usize>);
    let Some(Ok(line @ 1..)) = line else {
        return Some(Err(Failure::usage(format!(
            "add the number of a line, from 1: {path}:12"
        ))));
    };
    if let (None, None, Some(path)) = (&generated, &description, source) {
        return Some(Ok(Query::Source { path, line }));
    }
    Some(Ok(match (generated, description) {
        (Some(path), _) => Query::Generated {
            path: path["generated/".len()..].to_owned(),
            line,
        },
        (None, path) => Query::Description {
            path: path.unwrap_or_default(),
            line,
        },
    }))
}

/// Parses an interrupt, as `spi 1`, `spi1`, `{ spi = 1 }`, `plic 1 of socket1`, `{ plic = 1,
/// controller = "socket1" }` or `interrupt 33`, each also with its trigger.
fn interrupt(what: &str) -> Option<Interrupt> {
    let what = what.trim_matches(['{', '}', ' ']);
    let mut parts = what.split(',').map(str::trim);
    let first = parts.next()?;
    let (first, mut controller) = match first.split_once(" of ") {
        Some((first, name)) => (first, Some(name.trim().to_owned())),
        None => (first, None),
    };
    for part in parts {
        match part.split_once('=').map(|(key, value)| (key.trim(), value)) {
            Some(("controller", name)) => {
                controller = Some(name.trim_matches([' ', '"', '\'']).to_owned());
            }
            Some(("trigger", _)) => {}
            None if is_trigger(part) => {}
            _ => return None,
        }
    }
    let what = first.trim().to_lowercase();
    let letters = what.find(|c: char| !c.is_ascii_alphabetic())?;
    let (word, rest) = what.split_at(letters);
    let rest = rest.trim_matches([' ', '=', ':', '#', '-', '_']);
    let number = match rest.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => rest.parse().ok()?,
    };
    match space(word) {
        Some(space) => Some(Interrupt::Space {
            space,
            number,
            controller,
        }),
        None => (controller.is_none() && GENERAL.contains(&word))
            .then_some(Interrupt::Controller(number)),
    }
}

/// Returns whether a word is the trigger of an interrupt, as in a board file or as shown.
fn is_trigger(word: &str) -> bool {
    ["level", "edge", "rising", "falling"]
        .iter()
        .any(|start| word.starts_with(start))
}

fn space(word: &str) -> Option<&'static str> {
    let spaces = spaces().into_iter().map(|space| space.word);
    spaces.into_iter().find(|space| *space == word)
}

/// Parses a number in any notation; anything but plain decimal is an address.
fn number(what: &str) -> Option<Query> {
    let text = what.to_lowercase().replace(['_', '\'', ','], "");
    let radix = |prefix: &str, radix: u32| {
        let digits = text.strip_prefix(prefix)?;
        u64::from_str_radix(digits, radix).ok()
    };
    let address = radix("0x", 16)
        .or_else(|| radix("0b", 2))
        .or_else(|| radix("0o", 8));
    if let Some(address) = address {
        return Some(Query::Address(address));
    }
    if let Ok(number) = text.parse() {
        return Some(Query::Number(number));
    }
    if let Some(address) = text
        .strip_suffix('h')
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
    {
        return Some(Query::Address(address));
    }
    let units = [("kib", 10), ("mib", 20), ("gib", 30), ("tib", 40)];
    if let Some((count, shift)) = units.iter().find_map(|(unit, shift)| {
        let count = text.strip_suffix(unit)?.trim().parse::<u64>().ok()?;
        Some((count, *shift))
    }) {
        return count.checked_mul(1 << shift).map(Query::Address);
    }
    // Many tools print addresses in hexadecimal without a prefix.
    let looks_hexadecimal = text.len() >= 8 && text.bytes().any(|byte| byte.is_ascii_lowercase());
    let address = u64::from_str_radix(&text, 16).ok();
    address.filter(|_| looks_hexadecimal).map(Query::Address)
}

#[cfg(test)]
mod tests;
