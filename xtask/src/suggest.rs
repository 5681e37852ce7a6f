//! Suggests the closest known name for an unknown one.

use core::fmt;

/// Writes that no `kind` is called `name`, with the closest of `names` and the whole list.
pub fn unknown(
    formatter: &mut fmt::Formatter<'_>,
    kind: &str,
    name: &str,
    names: &[String],
) -> fmt::Result {
    write!(formatter, "no {kind} is called `{name}`")?;
    if let Some(nearest) = nearest(name, names) {
        write!(formatter, "; did you mean `{nearest}`?")?;
    }
    if names.is_empty() {
        return write!(formatter, "\n  there is no {kind} yet");
    }
    write!(formatter, "\n  known names: {}", names.join(", "))
}

/// Returns the closest name, if it differs in at most a third of the letters.
#[must_use]
pub fn nearest<'a>(name: &str, names: &'a [String]) -> Option<&'a str> {
    names
        .iter()
        .map(|candidate| (distance(name, candidate), candidate.as_str()))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(name.len()) / 3)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Returns the edit distance: the number of letters inserted, dropped, changed or swapped with
/// their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before_last = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = changed.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                let before_last: &[usize] = &before_last;
                least = least.min(before_last[j - 2] + 1);
            }
            row.push(least);
        }
        before_last = core::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_counts_once() {
        assert_eq!(distance("arm46", "arm64"), 1);
    }

    #[test]
    fn a_dropped_and_a_changed_letter_count_two() {
        assert_eq!(distance("vrt-arm65", "virt-arm64"), 2);
    }

    #[test]
    fn nothing_is_suggested_for_a_name_that_resembles_none() {
        assert_eq!(nearest("nosuch", &["virt-arm64".to_owned()]), None);
    }
}
