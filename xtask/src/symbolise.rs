//! Adds functions, files and lines to the addresses of a backtrace while it is printed.
//!
//! A line of a backtrace ends in `#<n> 0x<address>`. Frame 0 is where the processor was; every
//! other frame is a return address. The description of the address is appended to the line. All
//! other bytes pass through immediately, without waiting for the end of a line.

use core::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use addr2line::Loader;

/// A function that contains an address, itself or because it was inlined there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The name of the function.
    pub function: Option<String>,
    /// The source file: relative to the workspace, to a crate's folder with name and version, or to
    /// the sources of Rust's own crates.
    pub file: Option<String>,
    /// The line in the source file, from 1.
    pub line: Option<u32>,
}

impl Frame {
    /// Returns file and line, if known.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        let file = self.file.as_ref()?;
        Some(match self.line {
            Some(line) => format!("{file}:{line}"),
            None => file.clone(),
        })
    }
}

/// The symbols and line tables of a program.
pub struct Symbols {
    loader: Loader,
    root: PathBuf,
}

impl Symbols {
    /// Reads an ELF file. Paths below `root` are shown relative to it.
    pub fn read(elf: &Path, root: &Path) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            loader: Loader::new(elf)?,
            root: root.to_owned(),
        })
    }

    /// Describes the functions, files and lines at an address, the innermost inlined function
    /// first.
    #[must_use]
    pub fn describe(&self, address: u64) -> Option<String> {
        let described: Vec<String> = self
            .frames(address)
            .into_iter()
            .filter_map(|frame| match (frame.function.clone(), frame.place()) {
                (Some(name), Some(place)) => Some(format!("{name} at {place}")),
                (Some(text), None) | (None, Some(text)) => Some(text),
                (None, None) => None,
            })
            .collect();
        (!described.is_empty()).then(|| described.join(", inlined into "))
    }

    /// Returns the addresses at which the code of a line starts. The file is named as in
    /// [`Frame::file`].
    #[must_use]
    pub fn places(&self, file: &str, line: u32) -> Vec<u64> {
        let Ok(ranges) = self.loader.find_location_range(0, u64::MAX) else {
            return Vec::new();
        };
        let is_it = |location: &addr2line::Location<'_>| {
            let known = location.file.map(|known| self.shorten(known));
            location.line == Some(line) && known.as_deref() == Some(file)
        };
        let found = ranges.filter(|(.., location)| is_it(location));
        found.map(|(address, ..)| address).collect()
    }

    /// Returns the function at an address and the functions inlined there, the innermost first;
    /// empty if none is known.
    #[must_use]
    pub fn frames(&self, address: u64) -> Vec<Frame> {
        let mut described = Vec::new();
        // If the line table is damaged, still show the rest of the panic report.
        if let Ok(mut frames) = self.loader.find_frames(address) {
            while let Ok(Some(frame)) = frames.next() {
                let name = frame
                    .function
                    .and_then(|name| name.demangle().ok().map(|n| n.into_owned()));
                let name = name.map(|name| without_hash(&name).to_owned());
                let location = frame.location;
                described.push(Frame {
                    function: name.or_else(|| self.symbol(address)),
                    file: location.as_ref().map(|location| {
                        let file = location.file.map(|file| self.shorten(file));
                        file.unwrap_or_default()
                    }),
                    line: location.and_then(|location| location.line),
                });
            }
        }
        if described.is_empty() {
            described.extend(self.symbol(address).map(|symbol| Frame {
                function: Some(symbol),
                file: None,
                line: None,
            }));
        }
        described
    }

    /// Returns the symbol that contains an address, for code without line tables (assembly).
    fn symbol(&self, address: u64) -> Option<String> {
        let symbol = self.loader.find_symbol(address)?;
        let name = addr2line::demangle_auto(symbol.into(), None);
        Some(without_hash(&name).to_owned())
    }

    /// Removes the folder of the workspace, of cargo's registry or of the compiler from a path.
    fn shorten(&self, file: &str) -> String {
        if let Ok(inside) = Path::new(file).strip_prefix(&self.root) {
            return inside.display().to_string();
        }
        if let Some((_, inside)) = file.split_once("/registry/src/") {
            return inside
                .split_once('/')
                .map_or(inside, |(_index, path)| path)
                .to_owned();
        }
        if let Some((_, inside)) = file.split_once("/library/") {
            return inside.to_owned();
        }
        file.to_owned()
    }
}

/// Removes the hash that legacy mangling appends to a name.
pub(crate) fn without_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            name
        }
        _ => name,
    }
}

/// Copies a machine's output and explains its backtraces.
pub struct Symboliser<W, D> {
    output: W,
    describe: D,
    line: Vec<u8>,
}

/// The longest line that can be part of a backtrace, in bytes.
const LONGEST: usize = 256;

impl<W: Write, D: Fn(u64) -> Option<String>> Symboliser<W, D> {
    /// Creates a writer to `output`; `describe` returns the description of an address.
    pub fn new(output: W, describe: D) -> Self {
        Self {
            output,
            describe,
            line: Vec::new(),
        }
    }

    /// Writes output of the machine.
    pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some(end) = bytes
            .iter()
            .position(|&byte| byte == b'\r' || byte == b'\n')
        {
            self.remember(&bytes[..end]);
            self.output.write_all(&bytes[..end])?;
            if let Some(address) = address_of_frame(&self.line)
                && let Some(description) = (self.describe)(address)
            {
                write!(self.output, "  {description}")?;
            }
            self.line.clear();
            self.output.write_all(&bytes[end..=end])?;
            bytes = &bytes[end + 1..];
        }
        self.remember(bytes);
        self.output.write_all(bytes)?;
        self.output.flush()
    }

    fn remember(&mut self, bytes: &[u8]) {
        let room = LONGEST.saturating_sub(self.line.len());
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// Returns the address to look up for a line that ends in `#<n> 0x<address>`.
fn address_of_frame(line: &[u8]) -> Option<u64> {
    let line = core::str::from_utf8(line).ok()?.trim_end();
    let mut words = line.rsplit(' ').filter(|word| !word.is_empty());
    let address = u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?;
    let frame: u32 = words.next()?.strip_prefix('#')?.parse().ok()?;
    // A call that does not return may be the last instruction of its function, so the return
    // address may belong to the next function. Look up the call itself.
    if frame == 0 {
        Some(address)
    } else {
        address.checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(pieces: &[&[u8]]) -> String {
        let mut output = Vec::new();
        let describe = |address| (address != 0).then(|| format!("<{address:x}>"));
        let mut symboliser = Symboliser::new(&mut output, describe);
        for piece in pieces {
            symboliser.write(piece).unwrap();
        }
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn frame_0_is_looked_up_unchanged() {
        assert_eq!(
            explained(&[b"#0 0x40080010\r\n"]),
            "#0 0x40080010  <40080010>\r\n"
        );
    }

    #[test]
    fn a_return_address_is_looked_up_at_the_call_before_it() {
        assert_eq!(
            explained(&[b"  #12 0x40080010\n"]),
            "  #12 0x40080010  <4008000f>\n"
        );
    }

    #[test]
    fn a_frame_may_follow_other_words() {
        assert_eq!(
            explained(&[b"[ 1.0] panic  #1  0x11\n"]),
            "[ 1.0] panic  #1  0x11  <10>\n"
        );
    }

    #[test]
    fn a_line_written_in_pieces_is_recognised() {
        assert_eq!(explained(&[b"#1 0x", b"4", b"1", b"\n"]), "#1 0x41  <40>\n");
    }

    #[test]
    fn bytes_are_written_before_their_line_ends() {
        assert_eq!(explained(&[b"login: "]), "login: ");
    }

    #[test]
    fn other_lines_are_unchanged() {
        let text = "x0 0x10\n#a 0x10\n#1 10\n# 0x10\n#1 0xzz\n\n\r\n#1 0x11 more\n";
        assert_eq!(explained(&[text.as_bytes()]), text);
    }

    #[test]
    fn an_unknown_address_is_left_unchanged() {
        assert_eq!(explained(&[b"#0 0x0\n"]), "#0 0x0\n");
    }

    #[test]
    fn bytes_that_are_not_text_pass_through() {
        let mut output = Vec::new();
        let mut symboliser = Symboliser::new(&mut output, |_| Some(String::new()));
        symboliser.write(b"\xff\x00#1 0x11\n\xfe").unwrap();
        assert_eq!(output, b"\xff\x00#1 0x11\n\xfe");
    }

    #[test]
    fn a_hash_at_the_end_of_a_name_is_dropped() {
        assert_eq!(
            without_hash("core::panic::h0123456789abcdef"),
            "core::panic"
        );
    }

    #[test]
    fn a_name_that_only_looks_like_a_hash_is_kept() {
        assert_eq!(without_hash("app::hello"), "app::hello");
    }

    #[test]
    fn the_symbols_of_this_test_name_its_functions() {
        let elf = std::env::current_exe().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let symbols = Symbols::read(&elf, root).unwrap();
        // To avoid unsafe code and fixed addresses, the test tries every function symbol until it
        // finds one of this crate with its file.
        let bytes = std::fs::read(&elf).unwrap();
        let file = object::File::parse(&*bytes).unwrap();
        let described = object::Object::symbols(&file)
            .map(|symbol| object::ObjectSymbol::address(&symbol))
            .filter(|&address| address != 0)
            .filter_map(|address| symbols.describe(address))
            .find(|text| text.contains("xtask::symbolise::without_hash"));
        let described = described.expect("a function of this crate");
        assert!(
            described.contains("at xtask/src/symbolise.rs:"),
            "{described}"
        );
    }
}
