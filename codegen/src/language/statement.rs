//! Finds the statements of a TOML text without parsing it; only used after parsing has failed.

/// The kind of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A table header: `[table]`.
    Header,
    /// A key with its value: `key = value`.
    Key,
}

/// The position of a statement in its text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement {
    /// The position of the statement's first byte.
    pub(crate) start: usize,
    /// The position after the statement's last byte, before the line break.
    pub(crate) end: usize,
    /// The kind of the statement.
    pub(crate) kind: Kind,
    /// The bracket or quote that is not closed, if that is the error.
    pub(crate) unclosed: Option<usize>,
    /// Whether the statement continues to the end of the text because of an unclosed bracket or
    /// quote.
    pub(crate) swallows_rest: bool,
}

impl Statement {
    /// Returns the statement that contains `offset`; the text before it must be valid.
    pub(crate) fn around(text: &str, offset: usize) -> Self {
        let mut start = 0;
        loop {
            let scan = Scan::new(text, start);
            if offset <= scan.end || scan.end >= text.len() {
                return Self::cut(text, start, offset, scan);
            }
            start = scan.end + 1;
        }
    }

    /// Ends a statement where the next one starts, even if a bracket or quote is open.
    fn cut(text: &str, start: usize, offset: usize, scan: Scan) -> Self {
        let first_line = &text[start..line_end(text, start)];
        // A header may lack its opening bracket too.
        let is_header = begins_table(first_line)
            || (first_line.trim_end().ends_with(']') && equals(first_line).is_none());
        let kind = if is_header { Kind::Header } else { Kind::Key };
        let mut statement = Self {
            start,
            end: scan.end,
            kind,
            unclosed: None,
            swallows_rest: false,
        };
        let first_line_end = line_end(text, start);
        let offset = text.floor_char_boundary(offset);
        let offset_line = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
        let Some(open) = scan.open else {
            return statement;
        };
        if text[open..].starts_with(['"', '\'']) {
            statement.unclosed = Some(open);
            statement.swallows_rest = true;
        } else if offset_line > first_line_end
            && (begins_table(&text[offset_line..]) || begins_key(&text[offset_line..]))
        {
            statement.unclosed = Some(open);
            statement.end = offset_line - 1;
        } else if offset >= text.trim_end().len() {
            statement.unclosed = Some(open);
            statement.end = match offset_line > first_line_end {
                true => text.len(),
                false => first_line_end,
            };
        } else {
            statement.end = line_end(text, offset);
        }
        statement
    }

    /// Returns the position of the value's first byte, if there is a value.
    pub(crate) fn value(&self, text: &str) -> Option<usize> {
        let equals = self.start + equals(&text[self.start..self.end])?;
        let after = &text[equals + 1..self.end];
        let value = equals + 1 + (after.len() - after.trim_start().len());
        (value < self.end && text.as_bytes()[value].is_ascii()).then_some(value)
    }

    /// Returns whether the statement is valid alone: then its only error is that its key already
    /// exists.
    pub(crate) fn is_whole(&self, text: &str) -> bool {
        toml::de::DeTable::parse(&text[self.start..self.end])
            .is_ok_and(|table| !table.get_ref().is_empty())
    }

    /// Returns the position of the header of the statement's table.
    pub(crate) fn header(&self, text: &str) -> Option<usize> {
        headers(text)
            .take_while(|header| *header < self.start)
            .last()
    }

    /// Returns the end of the table under this header.
    pub(crate) fn body_end(&self, text: &str) -> usize {
        headers(text)
            .find(|header| *header > self.start + 1)
            .unwrap_or(text.len())
            .max(self.end)
    }

    /// Returns the full path of the statement's key, starting with the path of its table.
    pub(crate) fn path(&self, text: &str) -> Vec<String> {
        let own = &text[self.start..self.end];
        match self.kind {
            Kind::Header => header_path(own),
            Kind::Key => {
                let table = self.header(text).map(|at| &text[at..line_end(text, at)]);
                let mut path = table.map(header_path).unwrap_or_default();
                path.extend(split_key(&own[..equals(own).unwrap_or(0)]));
                path
            }
        }
    }
}

/// The end of a statement.
struct Scan {
    /// The position of the line break that ends the statement, or the end of the text.
    end: usize,
    /// The outermost bracket, or the quote, that is still open at the end.
    open: Option<usize>,
}

impl Scan {
    fn new(text: &str, start: usize) -> Self {
        let bytes = text.as_bytes();
        let is_header = begins_table(&text[start..]);
        let mut open: Vec<usize> = Vec::new();
        let mut at = start;
        while at < bytes.len() {
            match bytes[at] {
                b'\n' if open.is_empty() || is_header => {
                    return Self {
                        end: at,
                        open: None,
                    };
                }
                b'#' => {
                    at = line_end(text, at);
                    continue;
                }
                b'[' | b'{' => open.push(at),
                b']' | b'}' => {
                    open.pop();
                }
                quote @ (b'"' | b'\'') => match string_end(bytes, at, quote) {
                    Some(end) => {
                        at = end;
                        continue;
                    }
                    None => {
                        return Self {
                            end: bytes.len(),
                            open: Some(at),
                        };
                    }
                },
                _ => {}
            }
            at += 1;
        }
        Self {
            end: bytes.len(),
            open: open.first().copied(),
        }
    }
}

/// Returns the position after the end of the string that starts at `start`. A string of one line
/// ends with its line even without a closing quote; a string of several lines needs its closing
/// quotes.
fn string_end(bytes: &[u8], start: usize, quote: u8) -> Option<usize> {
    let long = bytes[start..].starts_with(&[quote; 3]);
    let mut at = start + if long { 3 } else { 1 };
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote == b'"' => at += 1,
            b'\n' if !long => return Some(at),
            byte if byte == quote && !long => return Some(at + 1),
            byte if byte == quote && bytes[at..].starts_with(&[quote; 3]) => return Some(at + 3),
            _ => {}
        }
        at += 1;
    }
    (!long).then_some(bytes.len())
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..]
        .find('\n')
        .map_or(text.len(), |length| at + length)
}

fn begins_table(text: &str) -> bool {
    text.trim_start_matches([' ', '\t']).starts_with('[')
}

fn begins_key(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default();
    equals(line).is_some_and(|equals| {
        let key = line[..equals].trim();
        !key.is_empty()
            && key
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.\"' ".contains(c))
    })
}

/// Returns the position of the equals sign in `key = value`, ignoring those in a quoted key.
fn equals(statement: &str) -> Option<usize> {
    let mut quoted = None;
    for (at, c) in statement.char_indices() {
        match (quoted, c) {
            (None, '=') => return Some(at),
            (None, '#' | '\n' | '{' | '[') => return None,
            (None, '"' | '\'') => quoted = Some(c),
            (Some(quote), c) if c == quote => quoted = None,
            _ => {}
        }
    }
    None
}

/// Returns the positions of all lines that start a table.
fn headers(text: &str) -> impl Iterator<Item = usize> {
    let mut start = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let at = start + (line.len() - line.trim_start_matches([' ', '\t']).len());
        start += line.len();
        begins_table(line).then_some(at)
    })
}

fn header_path(line: &str) -> Vec<String> {
    split_key(
        line.trim_start_matches([' ', '\t', '['])
            .split(']')
            .next()
            .unwrap_or_default(),
    )
}

fn split_key(key: &str) -> Vec<String> {
    key.split('.')
        .map(|part| part.trim().trim_matches(['"', '\'']).to_owned())
        .collect()
}
