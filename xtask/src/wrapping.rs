//! Wraps text at the width of the terminal.

/// The width of a last column below which it is written on lines of its own.
const LEAST_WIDTH: usize = 16;
/// The indent of these lines.
const INDENT: usize = 4;

/// A text table whose columns are as wide as their widest cell, but for the last one, which is
/// wrapped.
pub(crate) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(crate) const fn new() -> Self {
        Self { rows: Vec::new() }
    }

    pub(crate) fn add(&mut self, row: [String; N]) {
        self.rows.push(row);
    }

    /// Returns the table as text, with lines of at most `most` characters if there is a limit. If the
    /// last column has too little room, its cells are on lines below those of the others.
    pub(crate) fn text(&self, most: Option<usize>) -> String {
        let width = |column: usize| {
            self.rows
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<_> = (0..N).map(width).collect();
        let indent: usize = widths.iter().rev().skip(1).map(|width| width + 2).sum();
        let is_beside = most.is_none_or(|most| most >= indent + LEAST_WIDTH);
        let mut text = String::new();
        for row in &self.rows {
            let cells = row
                .iter()
                .zip(&widths)
                .map(|(cell, &width)| format!("{cell:width$}"));
            let cells: Vec<_> = cells.collect();
            let (last, others) = match &*cells {
                [others @ .., last] if !is_beside && N > 1 => (Some(last), others),
                all => (None, all),
            };
            let below = last.map(|last| format!("{:INDENT$}{}", "", last.trim_end()));
            let lines = wrapped(others.join("  ").trim_end(), indent, most);
            let below = below.map(|below| wrapped(&below, INDENT, most));
            for line in lines.into_iter().chain(below.into_iter().flatten()) {
                text += &line;
                text.push('\n');
            }
        }
        text
    }
}

/// Wraps the paragraphs of a text at `most` characters. Lines that begin with a blank, such as those of
/// an example, are left as they are.
pub(crate) fn paragraphs(text: &str, most: Option<usize>) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut is_open = false;
    for line in text.lines() {
        let is_prose = !line.is_empty() && !line.starts_with(char::is_whitespace);
        match lines.last_mut().filter(|_| is_open && is_prose) {
            Some(last) if most.is_some() => *last += &format!(" {line}"),
            _ => lines.push(line.to_owned()),
        }
        is_open = is_prose;
    }
    let wrapped = lines.iter().flat_map(|line| {
        let is_prose = !line.starts_with(char::is_whitespace);
        wrapped(line, 0, most.filter(|_| is_prose))
    });
    wrapped.map(|line| line + "\n").collect()
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

    fn table<const N: usize>(rows: &[[&str; N]]) -> Table<N> {
        let mut table = Table::new();
        rows.iter()
            .for_each(|row| table.add(row.map(str::to_owned)));
        table
    }

    #[test]
    fn columns_are_aligned_and_no_line_ends_in_blanks() {
        let table = table(&[["A", "B"], ["long", ""], ["x", "y"]]);
        assert_eq!(table.text(None), "A     B\nlong\nx     y\n");
    }

    #[test]
    fn the_last_column_is_wrapped_at_the_width_of_the_terminal() {
        let table = table(&[
            ["A", "B"],
            ["long", "one two three four five"],
            ["x", "1234567890123456789012 y"],
        ]);
        let narrow = "A     B\nlong  one two three\n      four five\nx     \
            1234567890123456789012 y\n";
        assert_eq!(table.text(Some(22)), narrow);
        assert!(table.text(Some(80)).lines().all(|line| line.len() <= 30));
    }

    #[test]
    fn a_last_column_without_room_is_below_the_others() {
        let table = table(&[
            ["A", "B", "C"],
            ["short", "and long", "one two three four five"],
        ]);
        let narrow = "A      B\n    C\nshort  and long\n    one two three four\n    five\n";
        assert_eq!(table.text(Some(22)), narrow);
    }

    #[test]
    fn paragraphs_are_wrapped_and_examples_are_not() {
        let text = "One paragraph of\nthree lines, not\none.\n\n    an example that is long\n    x\n\nEnd.\n";
        assert_eq!(paragraphs(text, None), text);
        let narrow = "One paragraph of three\nlines, not one.\n\n    an example that is long\n    x\n\nEnd.\n";
        assert_eq!(paragraphs(text, Some(22)), narrow);
    }
}
