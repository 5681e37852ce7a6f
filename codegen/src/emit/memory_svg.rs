//! `memory.svg`: the memory map as a picture.
//!
//! On the left are strips to scale, one for addresses below 4 GiB and one for those above; on the
//! right, a row of text for each range, spaced for reading, with a line between both. The
//! background follows the reader's light or dark theme. Each range is one line of the file, and a
//! new one moves no other.

use super::header;
use crate::Board;
use crate::notation::{about, address, size};

/// The size of the address space that one strip of the picture shows: 4 GiB.
const FOUR_GIB: u128 = 1 << 32;

/// The widths and heights of the picture, in pixels.
const ROW: u64 = 20;
const STRIP: u64 = 24;
const STRIP_WIDTH: u64 = 44;
const TEXT: u64 = 118;
const SIZE_END: u64 = 348;
const KEY: u64 = 364;
const LETTER: u64 = 8;
const LEAST_WIDTH: u64 = 760;
const LEAST_STRIP: u64 = 120;
const HEAD: u64 = 44;
const FOOT: u64 = 40;

/// The largest length of a reason in characters; board.md contains all of it.
const REASON: usize = 44;

/// The kind of a range, which is its class in the style sheet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ram,
    Flash,
    Reserved,
    Window,
    Device,
    LeftOut,
}

const LEGEND: [(Kind, &str); 5] = [
    (Kind::Ram, "RAM"),
    (Kind::Reserved, "reserved RAM"),
    (Kind::Device, "registers"),
    (Kind::Window, "PCI window"),
    (Kind::LeftOut, "left out on purpose"),
];

impl Kind {
    fn of(key: &str) -> Self {
        if key.starts_with("memory.ram.") {
            Self::Ram
        } else if key.starts_with("memory.flash.") {
            Self::Flash
        } else if key.starts_with("memory.reserved.") {
            Self::Reserved
        } else if key.contains(".windows.") {
            Self::Window
        } else {
            Self::Device
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Ram => "ram",
            Self::Flash => "flash",
            Self::Reserved => "reserved",
            Self::Window => "window",
            Self::Device => "device",
            Self::LeftOut => "left-out",
        }
    }
}

/// A row of the picture.
struct Row {
    kind: Kind,
    base: u64,
    /// `None` for a device that is left out, of which only the address is known.
    size: Option<u64>,
    text: String,
}

impl Row {
    fn end(&self) -> u128 {
        u128::from(self.base) + u128::from(self.size.unwrap_or(1))
    }
}

const STYLE: &str = "\
text { font: 13px ui-monospace, 'SF Mono', Menlo, Consolas, monospace; fill: #1f2328 }
.paper { fill: #ffffff; stroke: #d0d7de }
.strip { fill: #f0f2f5; stroke: #8c959f }
.lead { fill: none; stroke: #8c959f }
.quiet { fill: #59636e }
.ram { fill: #2da44e } .reserved { fill: #bf8700 } .device { fill: #0969da }
.window { fill: #8250df } .left-out { fill: #8c959f }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .paper { fill: #0d1117; stroke: #3d444d }
  .strip { fill: #161b22; stroke: #656c76 }
  .lead { stroke: #656c76 }
  .quiet { fill: #9198a1 }
  .ram { fill: #3fb950 } .reserved { fill: #d29922 } .device { fill: #4493f8 }
  .window { fill: #ab7df8 } .left-out { fill: #656c76 }
}
";

/// The style of flash, on boards that have some.
const FLASH_STYLE: &str = ".flash { fill: #1b7c83 }\n";

/// Returns the picture.
#[must_use]
pub fn emit(board: &Board) -> String {
    let (low, high): (Vec<Row>, Vec<Row>) = rows(board)
        .into_iter()
        .partition(|row| u128::from(row.base) < FOUR_GIB);
    let widest = low.iter().chain(&high).map(|row| row.text.chars().count());
    let widest = u64::try_from(widest.max().unwrap_or(0)).unwrap_or(0);
    let width = LEAST_WIDTH.max(KEY + widest * LETTER + STRIP);
    let mut body = String::new();
    let mut top = STRIP;
    for (title, rows) in [("below 4 GiB", low), ("from 4 GiB on", high)] {
        if !rows.is_empty() {
            top = part(title, &rows, top, &mut body);
        }
    }
    let has_flash = !board.memory.flash.is_empty();
    body += &legend(top, has_flash);
    let flash_style = if has_flash { FLASH_STYLE } else { "" };
    let height = top + FOOT;
    let head = header::of_board(board).join(" ");
    format!(
        "<!-- {head} -->\n\
         <svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n\
         <title>The memory map of {}</title>\n\
         <style>\n{STYLE}{flash_style}</style>\n\
         <rect class=\"paper\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"6\"/>\n\
         {body}</svg>\n",
        board.name,
        width - 1,
        height - 1,
    )
}

fn rows(board: &Board) -> Vec<Row> {
    let claimed = board.ranges.iter().map(|claim| Row {
        kind: Kind::of(&claim.key),
        base: claim.what.base,
        size: Some(claim.what.size),
        text: escaped(&claim.key),
    });
    let left_out = board.undescribed.iter().map(|(address, reason)| Row {
        kind: Kind::LeftOut,
        base: *address,
        size: None,
        text: escaped(&cut(reason)),
    });
    let mut rows: Vec<Row> = claimed.chain(left_out).collect();
    rows.sort_by_key(|row| row.base);
    rows
}

/// Draws a strip with its rows from `top` on, and returns where the next one starts.
fn part(title: &str, rows: &[Row], top: u64, body: &mut String) -> u64 {
    let first = rows.iter().map(|row| row.base).min().unwrap_or(0);
    let end = rows.iter().map(Row::end).max().unwrap_or(1);
    let span = (end - u128::from(first)).max(1);
    let count = u64::try_from(rows.len()).unwrap_or(0);
    let strip = LEAST_STRIP.max(count * ROW);
    let begin = top + HEAD;
    *body += &format!(
        "<text x=\"{STRIP}\" y=\"{}\">{title} <tspan class=\"quiet\">(strip to scale: a pixel is \
         {})</tspan></text>\n",
        top + 18,
        about(span.div_ceil(u128::from(strip)))
    );
    *body += &format!(
        "<rect class=\"strip\" x=\"{STRIP}\" y=\"{begin}\" width=\"{STRIP_WIDTH}\" \
         height=\"{strip}\"/>\n"
    );
    // In tenths of a pixel from the top of the strip.
    let scaled = |bytes: u128| u64::try_from(bytes * u128::from(strip) * 10 / span).unwrap_or(0);
    let mut y = begin + 14 + (strip - count * ROW) / 2;
    for row in rows {
        let from = scaled(u128::from(row.base) - u128::from(first));
        let tall = scaled(u128::from(row.size.unwrap_or(0))).max(20);
        // A range at the very end is drawn completely too.
        let from = (begin * 10 + from).min((begin + strip) * 10 - tall.min(strip * 10));
        *body += &line(row, from, tall, y);
        y += ROW;
    }
    begin + strip + STRIP
}

/// Returns a range: its place on the strip, the line to its row, and the row.
fn line(row: &Row, from: u64, tall: u64, y: u64) -> String {
    let class = row.kind.class();
    // A range within another is drawn narrower, on top of it.
    let (inset, of) = match row.kind {
        Kind::Reserved => (8, "from"),
        Kind::LeftOut => (STRIP_WIDTH / 2, "quiet"),
        _ => (0, ""),
    };
    let quiet = if of == "quiet" {
        " class=\"quiet\""
    } else {
        ""
    };
    let size = row.size.map(size).unwrap_or_default();
    format!(
        "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>\
         <path class=\"lead\" d=\"M{} {}h6L{} {}h6\"/>\
         <text{quiet} y=\"{y}\"><tspan x=\"{TEXT}\">{}</tspan>\
         <tspan x=\"{SIZE_END}\" text-anchor=\"end\">{size}</tspan>\
         <tspan x=\"{KEY}\">{}</tspan></text>\n",
        STRIP + inset,
        tenths(from),
        STRIP_WIDTH - inset,
        tenths(tall),
        STRIP + STRIP_WIDTH,
        tenths(from + tall / 2),
        TEXT - 12,
        y - 4,
        address(row.base),
        row.text,
    )
}

fn legend(top: u64, has_flash: bool) -> String {
    let mut x = STRIP;
    let mut text = String::new();
    let flash = has_flash.then_some((Kind::Flash, "flash"));
    for (kind, name) in LEGEND.into_iter().chain(flash) {
        let length = u64::try_from(name.len()).unwrap_or(0);
        text += &format!(
            "<rect class=\"{}\" x=\"{x}\" y=\"{top}\" width=\"12\" height=\"12\"/>\
             <text class=\"quiet\" x=\"{}\" y=\"{}\">{name}</text>\n",
            kind.class(),
            x + 18,
            top + 11
        );
        x += 18 + (length + 2) * LETTER;
    }
    text
}

fn tenths(value: u64) -> String {
    match value % 10 {
        0 => (value / 10).to_string(),
        tenth => format!("{}.{tenth}", value / 10),
    }
}

/// Shortens a reason that is too long for the picture.
fn cut(reason: &str) -> String {
    if reason.chars().count() <= REASON {
        return reason.to_owned();
    }
    let start: String = reason.chars().take(REASON - 1).collect();
    format!("{}…", start.trim_end())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_a_picture_cannot_end_an_element() {
        assert_eq!(escaped("a<b>&c"), "a&lt;b&gt;&amp;c");
    }

    #[test]
    fn a_long_reason_is_cut_and_a_short_one_is_not() {
        assert_eq!(
            cut("flash: nothing is stored in it"),
            "flash: nothing is stored in it"
        );
        let long = cut(&"word ".repeat(20));
        assert!(
            long.ends_with('…') && long.chars().count() <= REASON,
            "{long}"
        );
    }

    #[test]
    fn a_tenth_of_a_pixel_is_written_if_there_is_one() {
        assert_eq!(tenths(120), "12");
        assert_eq!(tenths(123), "12.3");
    }
}
