//! Formats the results as a table for the terminal.

use core::fmt::Write as _;

use super::sheet::{Column, Sheet};

/// Returns the table of a run. It compares the first program with each other one, and with itself
/// in the previous run.
#[must_use]
pub fn text(sheet: &Sheet, before: Option<&Sheet>) -> String {
    let Some((first, others)) = sheet.columns.split_first() else {
        return String::new();
    };
    let before = before.and_then(|sheet| sheet.columns.iter().find(|one| one.side == first.side));
    let mut head = vec![first.side.clone()];
    for Column { side, .. } in others {
        // The column `x linux` is the first side's value divided by Linux's.
        let name = side.split(' ').next().unwrap_or(side);
        head.extend([side.clone(), format!("x {name}")]);
    }
    if before.is_some() {
        head.extend(["last run", "x last run"].map(str::to_owned));
    }
    let title = format!(
        "{}, {}, QEMU {}",
        sheet.board, sheet.attachment, sheet.emulator
    );
    let mut rows = vec![(title, head)];
    for figure in sheet.figures() {
        let value = |column: &Column| column.value(figure.key);
        let this = value(first);
        let mut cells = vec![cell(this)];
        for other in others.iter().chain(before) {
            cells.extend([cell(value(other)), ratio(this, value(other))]);
        }
        rows.push((figure.title.to_owned(), cells));
    }
    let mut text = aligned(&rows);
    for note in &sheet.notes {
        let _ = writeln!(text, "{note}");
    }
    text
}

fn aligned(rows: &[(String, Vec<String>)]) -> String {
    let title = rows.iter().map(|(title, _)| title.chars().count()).max();
    let columns = rows.iter().map(|(_, cells)| cells.len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = rows.iter().filter_map(|(_, cells)| cells.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for (name, cells) in rows {
        let _ = write!(text, "{name:<0$}", title.unwrap_or(0));
        for (cell, width) in cells.iter().zip(&widths) {
            let _ = write!(text, "  {cell:>width$}");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

fn cell(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), number)
}

/// Returns the first value divided by the second.
fn ratio(this: Option<f64>, other: Option<f64>) -> String {
    match (this, other) {
        (Some(this), Some(other)) if other != 0.0 => match this / other {
            ratio if ratio != 0.0 && ratio < 0.1 => format!("× {ratio:.4}"),
            ratio => format!("× {}", number(ratio)),
        },
        _ => String::new(),
    }
}

/// Formats a number with three to four significant digits, and commas between thousands.
#[must_use]
pub fn number(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude < 10.0 {
        return format!("{value:.2}");
    }
    if magnitude < 1000.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{magnitude:.0}");
    let mut text = String::from(if value < 0.0 { "-" } else { "" });
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::sheet::tests::sheet;
    use super::*;

    #[test]
    fn thousands_have_commas_and_small_numbers_fractions() {
        let numbers = [0.0, 1.004, 12.34, 999.9, 1234.5, 1_234_567.0, -4321.0];
        let texts = numbers.map(number);
        assert_eq!(
            texts,
            [
                "0.00",
                "1.00",
                "12.3",
                "999.9",
                "1,234",
                "1,234,567",
                "-4,321"
            ]
        );
    }

    #[test]
    fn the_first_side_is_compared_with_the_others_and_with_the_run_before() {
        let now = sheet(&[("vmos", 100.0), ("floor", 50.0)]);
        let before = sheet(&[("vmos", 200.0)]);
        let text = text(&now, Some(&before));
        let mut lines = text.lines();
        let head = lines.next().unwrap();
        let words: Vec<_> = head.split_whitespace().collect();
        let expected = "some-board, mmio, QEMU 1.2.3 vmos floor x floor last run x last run";
        assert_eq!(words.join(" "), expected);
        let row = lines.next().unwrap();
        assert!(
            row.starts_with("UDP 64 B, one in flight: instructions"),
            "{row}"
        );
        let cells = row.split_once("instructions").unwrap().1;
        let cells: Vec<_> = cells.split_whitespace().collect();
        assert_eq!(cells.join(" "), "100.0 50.0 × 2.00 200.0 × 0.50");
    }

    #[test]
    fn a_small_ratio_has_significant_digits() {
        assert_eq!(ratio(Some(1.0), Some(300.0)), "× 0.0033");
        assert_eq!(ratio(Some(1.0), Some(0.0)), "");
    }

    #[test]
    fn notes_follow_the_table() {
        let mut sheet = sheet(&[("vmos", 100.0)]);
        sheet.notes.push("linux: no peer".to_owned());
        assert!(text(&sheet, None).ends_with("\nlinux: no peer\n"));
    }

    #[test]
    fn a_missing_value_is_a_dash_without_a_ratio() {
        let mut sheet = sheet(&[("vmos", 100.0)]);
        sheet.columns.push(Column::new("floor"));
        let text = text(&sheet, None);
        assert!(text.lines().nth(1).unwrap().ends_with(" -"), "{text}");
    }
}
