//! Markdown tables that are readable as plain text.

/// A column: its title and its smallest width in characters.
///
/// The widths do not depend on the cells, so that one changed cell changes one line.
pub(super) struct Column<'t> {
    pub(super) title: &'t str,
    pub(super) width: usize,
    pub(super) align: Align,
}

/// The alignment of a column.
#[derive(Clone, Copy)]
pub(super) enum Align {
    Left,
    Right,
}

/// A left-aligned column.
pub(super) const fn left(title: &str, width: usize) -> Column<'_> {
    Column {
        title,
        width,
        align: Align::Left,
    }
}

/// A right-aligned column.
pub(super) const fn right(title: &str, width: usize) -> Column<'_> {
    Column {
        title,
        width,
        align: Align::Right,
    }
}

/// Returns the table with a final line break.
pub(super) fn render<const N: usize>(columns: &[Column<'_>; N], rows: &[[String; N]]) -> String {
    let mut text = line(
        columns,
        &columns.each_ref().map(|column| column.title.to_owned()),
    );
    for Column { width, align, .. } in columns {
        text += &match align {
            Align::Left => format!("|{}", "-".repeat(width + 2)),
            Align::Right => format!("|{}:", "-".repeat(width + 1)),
        };
    }
    text += "|\n";
    for row in rows {
        text += &line(columns, row);
    }
    text
}

fn line<const N: usize>(columns: &[Column<'_>; N], cells: &[String; N]) -> String {
    let mut text = String::new();
    for (&Column { width, align, .. }, cell) in columns.iter().zip(cells) {
        let cell = cell.replace('|', "\\|");
        text += &match align {
            Align::Left => format!("| {cell:width$} "),
            Align::Right => format!("| {cell:>width$} "),
        };
    }
    text + "|\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column<'static>; 2] = [left("who", 5), right("how much", 8)];

    #[test]
    fn cells_are_set_to_their_column() {
        let rows = [["a", "12"].map(String::from)];
        assert_eq!(
            render(&COLUMNS, &rows),
            "| who   | how much |\n|-------|---------:|\n| a     |       12 |\n"
        );
    }

    #[test]
    fn a_bar_in_a_cell_does_not_end_it() {
        assert_eq!(
            line(&COLUMNS, &["a|b", ""].map(String::from)),
            "| a\\|b  |          |\n"
        );
    }

    #[test]
    fn a_wide_cell_changes_no_other_line() {
        let wide = render(
            &COLUMNS,
            &[["abcdefgh", "1"], ["b", "2"]].map(|row| row.map(String::from)),
        );
        let narrow = render(
            &COLUMNS,
            &[["a", "1"], ["b", "2"]].map(|row| row.map(String::from)),
        );
        let differing = wide
            .lines()
            .zip(narrow.lines())
            .filter(|(a, b)| a != b)
            .count();
        assert_eq!(differing, 1);
    }
}
