//! A line editor like that of common terminals (ECMA-48): processes each typed byte, and returns
//! what to print.

use alloc::collections::VecDeque;
use alloc::string::String;
use core::fmt::Write as _;

/// The longest command line that the shell accepts, in bytes.
const LINE: usize = 200;
/// The number of earlier command lines that the shell keeps.
const HISTORY: usize = 16;
/// The prompt at the start of a line.
const PROMPT: &str = "> ";

/// Keys that send a single byte, mostly Ctrl and a letter.
const CTRL_A: u8 = 1;
const CTRL_B: u8 = 2;
const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const CTRL_E: u8 = 5;
const CTRL_F: u8 = 6;
const BACKSPACE: u8 = 8;
const CTRL_K: u8 = 11;
const CTRL_N: u8 = 14;
const CTRL_P: u8 = 16;
const CTRL_U: u8 = 21;
const CTRL_W: u8 = 23;
const ESCAPE: u8 = 27;
const DELETE: u8 = 127;

/// The result of a typed byte.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The line is not complete yet.
    Nothing,
    /// The user has completed a line.
    Line(String),
    /// The user has ended the session.
    End,
}

/// The current line and the earlier ones.
#[derive(Default)]
pub(crate) struct Editor {
    line: String,
    /// The position of the cursor in the line.
    cursor: usize,
    history: VecDeque<String>,
    /// The earlier line being shown, counted from the newest; `None` for a new line.
    recalled: Option<usize>,
    keys: Keys,
    /// The output that has not been taken yet.
    shown: String,
}

/// The position within the byte sequence of a key.
#[derive(Clone, Copy, Default)]
enum Keys {
    #[default]
    Plain,
    Escape,
    /// The parameter of the sequence, as far as it was received.
    Sequence(u8),
    /// The previous byte was a carriage return; a line feed directly after it is ignored.
    Return,
}

impl Editor {
    /// Prints the prompt and starts an empty line.
    pub(crate) fn begin(&mut self) {
        self.shown.push_str(PROMPT);
    }

    /// Returns the output since the last call.
    pub(crate) fn take_shown(&mut self) -> String {
        core::mem::take(&mut self.shown)
    }

    /// Processes the next typed byte.
    pub(crate) fn feed(&mut self, byte: u8) -> Event {
        let keys = core::mem::take(&mut self.keys);
        match (keys, byte) {
            (Keys::Return, b'\n' | 0) => {}
            (Keys::Escape, b'[' | b'O') => self.keys = Keys::Sequence(0),
            (Keys::Escape, _) => {}
            (Keys::Sequence(number), b'0'..=b'9') => {
                let number = number.wrapping_mul(10).wrapping_add(byte - b'0');
                self.keys = Keys::Sequence(number);
            }
            // The second number of a key contains the modifier keys.
            (Keys::Sequence(_), b';') => self.keys = Keys::Sequence(0),
            (Keys::Sequence(number), _) => self.sequence(number, byte),
            (Keys::Plain | Keys::Return, byte) => return self.key(byte),
        }
        Event::Nothing
    }

    fn key(&mut self, byte: u8) -> Event {
        match byte {
            b'\r' | b'\n' => {
                if byte == b'\r' {
                    self.keys = Keys::Return;
                }
                return Event::Line(self.finish());
            }
            CTRL_C => {
                self.shown.push_str("^C\r\n");
                self.line.clear();
                self.restart();
                self.begin();
            }
            CTRL_D if self.line.is_empty() => return Event::End,
            CTRL_D => self.delete(self.cursor..self.cursor + 1),
            CTRL_A => self.move_to(0),
            CTRL_E => self.move_to(self.line.len()),
            CTRL_B => self.move_to(self.cursor.saturating_sub(1)),
            CTRL_F => self.move_to(self.cursor + 1),
            CTRL_K => self.delete(self.cursor..self.line.len()),
            CTRL_U => self.delete(0..self.cursor),
            CTRL_W => self.delete(self.word_start()..self.cursor),
            CTRL_P => self.recall(true),
            CTRL_N => self.recall(false),
            BACKSPACE | DELETE => self.delete(self.cursor.saturating_sub(1)..self.cursor),
            ESCAPE => self.keys = Keys::Escape,
            b' '..=b'~' if self.line.len() < LINE => self.insert(byte),
            _ => {}
        }
        Event::Nothing
    }

    /// Executes a key of several bytes, given by its number and its last byte.
    fn sequence(&mut self, number: u8, last: u8) {
        match (number, last) {
            (_, b'A') => self.recall(true),
            (_, b'B') => self.recall(false),
            (_, b'C') => self.move_to(self.cursor + 1),
            (_, b'D') => self.move_to(self.cursor.saturating_sub(1)),
            (_, b'H') | (1 | 7, b'~') => self.move_to(0),
            (_, b'F') | (4 | 8, b'~') => self.move_to(self.line.len()),
            (3, b'~') => self.delete(self.cursor..self.cursor + 1),
            _ => {}
        }
    }

    fn insert(&mut self, byte: u8) {
        let at_end = self.cursor == self.line.len();
        self.line.insert(self.cursor, char::from(byte));
        self.cursor += 1;
        if at_end {
            self.shown.push(char::from(byte));
        } else {
            self.draw();
        }
    }

    fn delete(&mut self, range: core::ops::Range<usize>) {
        let end = range.end.min(self.line.len());
        if range.start >= end {
            return;
        }
        self.line.replace_range(range.start..end, "");
        self.cursor = range.start;
        self.draw();
    }

    fn move_to(&mut self, place: usize) {
        self.cursor = place.min(self.line.len());
        self.draw();
    }

    /// Returns the start of the word before the cursor.
    fn word_start(&self) -> usize {
        let before = self.line[..self.cursor].trim_end();
        before.rfind(' ').map_or(0, |space| space + 1)
    }

    /// Shows an older or a newer line.
    fn recall(&mut self, older: bool) {
        let wanted = match (self.recalled, older) {
            (None, true) => Some(0),
            (Some(shown), true) => Some(shown + 1),
            (Some(shown), false) => shown.checked_sub(1),
            (None, false) => return,
        };
        match wanted.map(|wanted| self.history.get(wanted)) {
            Some(None) => return,
            Some(Some(line)) => self.line.clone_from(line),
            None => self.line.clear(),
        }
        self.recalled = wanted;
        self.cursor = self.line.len();
        self.draw();
    }

    fn finish(&mut self) -> String {
        self.shown.push_str("\r\n");
        let line = core::mem::take(&mut self.line);
        self.restart();
        if !line.trim().is_empty() && self.history.front() != Some(&line) {
            self.history.truncate(HISTORY - 1);
            self.history.push_front(line.clone());
        }
        line
    }

    fn restart(&mut self) {
        self.cursor = 0;
        self.recalled = None;
    }

    /// Prints the whole line again, with the cursor at its position.
    fn draw(&mut self) {
        let behind = self.line.len() - self.cursor;
        // Writing to a string cannot fail.
        let _ = write!(self.shown, "\r{PROMPT}{}\x1b[K", self.line);
        if behind > 0 {
            let _ = write!(self.shown, "\x1b[{behind}D");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the lines that typed keys produce.
    fn typed(keys: &str) -> Vec<String> {
        let mut editor = Editor::default();
        let events = keys.bytes().map(|byte| editor.feed(byte));
        events
            .filter_map(|event| match event {
                Event::Line(line) => Some(line),
                Event::Nothing | Event::End => None,
            })
            .collect()
    }

    #[test]
    fn a_line_ends_with_cr_lf_or_both() {
        assert_eq!(
            typed("one\rtwo\nthree\r\nfour\r\0"),
            ["one", "two", "three", "four"]
        );
    }

    #[test]
    fn keys_edit_where_the_cursor_is() {
        assert_eq!(typed("hexlo\x7f\x7f\x7fllo\r"), ["hello"]);
        assert_eq!(typed("ac\x1b[Db\r"), ["abc"]);
        assert_eq!(typed("bc\x01a\x05d\r"), ["abcd"]);
        assert_eq!(typed("abXc\x1b[D\x08\r"), ["abc"]);
        assert_eq!(typed("Xabc\x1b[H\x1b[3~\r"), ["abc"]);
        assert_eq!(typed("abc def\x17ghi\r"), ["abc ghi"]);
        assert_eq!(typed("abc\x15x\r"), ["x"]);
        assert_eq!(typed("abcd\x1b[D\x1b[D\x0b\r"), ["ab"]);
        assert_eq!(typed("abc\x03x\r"), ["x"]);
    }

    #[test]
    fn older_lines_come_back() {
        assert_eq!(typed("one\rtwo\r\x1b[A\x1b[A\r")[2..], ["one"]);
        assert_eq!(typed("one\rtwo\r\x1b[A\x1b[A\x1b[B\r")[2..], ["two"]);
        assert_eq!(typed("one\r\x1b[A\x1b[A\x1b[A!\r")[1..], ["one!"]);
        assert_eq!(typed("one\r\x1b[A\x1b[Bx\r")[1..], ["x"]);
    }

    #[test]
    fn typed_text_is_echoed_and_changes_are_redrawn() {
        let mut editor = Editor::default();
        editor.begin();
        for byte in b"ac\x1b[Db" {
            editor.feed(*byte);
        }
        assert_eq!(
            editor.take_shown(),
            "> ac\r> ac\x1b[K\x1b[1D\r> abc\x1b[K\x1b[1D"
        );
    }

    #[test]
    fn ctrl_d_ends_only_an_empty_line() {
        let mut editor = Editor::default();
        assert_eq!(editor.feed(CTRL_D), Event::End);
        editor.feed(b'x');
        assert_eq!(editor.feed(CTRL_D), Event::Nothing);
    }

    #[test]
    fn the_length_of_a_line_is_limited() {
        let long = "x".repeat(1000) + "\r";
        assert_eq!(typed(&long)[0].len(), LINE);
    }

    #[test]
    fn any_bytes_are_handled() {
        let mut editor = Editor::default();
        let mut random = 1_u32;
        for _ in 0..100_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let bytes = b"ab \x1b[3~ABCDHF;O\r\n\x01\x05\x08\x7f\x0b\x10\x0e\x15\x17\xff\xc3";
            editor.feed(bytes[(random >> 16) as usize % bytes.len()]);
            assert!(editor.cursor <= editor.line.len() && editor.line.len() <= LINE);
            editor.shown.clear();
        }
    }
}
