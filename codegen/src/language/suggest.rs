//! "Did you mean": finds the known word that is most similar to an unknown one.

/// Words from other descriptions, such as device trees, each with the corresponding key of board
/// files.
const SYNONYMS: &[(&str, &str)] = &[
    ("addr", "base"),
    ("address", "base"),
    ("amd64", "x86_64"),
    ("arch", "architecture"),
    ("arm32", "arm"),
    ("arm64", "aarch64"),
    ("falling", "edge-falling"),
    ("freq", "frequency"),
    ("clock-frequency", "clock"),
    ("frequency", "clock"),
    ("irq", "interrupt"),
    ("irqs", "interrupt"),
    ("interrupts", "interrupt"),
    ("irqchip", "interrupt-controller"),
    ("high", "level"),
    ("len", "size"),
    ("length", "size"),
    ("low", "level-low"),
    ("method", "conduit"),
    ("parent", "extends"),
    ("reg", "base"),
    ("rising", "edge"),
    ("rv32", "riscv32"),
    ("rv64", "riscv64"),
    ("serial", "console"),
    ("slots", "count"),
    ("start", "base"),
    ("uart", "console"),
    ("why", "reason"),
    ("x64", "x86_64"),
    ("x86-64", "x86_64"),
];

/// Returns the known word that `given` most likely stands for, if one is similar enough.
pub(crate) fn nearest<'k>(given: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let plain = given.to_lowercase().replace('_', "-");
    let synonyms = |word: &str| {
        SYNONYMS
            .iter()
            .any(|(other, meant)| *other == plain && *meant == word)
    };
    known
        .filter_map(|word| {
            let distance = if synonyms(word) {
                0
            } else {
                distance(&plain, word)
            };
            let bound = (plain.chars().count().max(word.chars().count()) / 3).max(1);
            (distance <= bound).then_some((distance, word))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Returns the edit distance of two words: the number of characters that must be inserted, removed,
/// replaced or swapped with the next one to turn one word into the other.
fn distance(a: &str, b: &str) -> usize {
    // Only short words are keys; a long one is not near any of them.
    const LONGEST: usize = 64;
    let a: Vec<char> = a.chars().take(LONGEST).collect();
    let b: Vec<char> = b.chars().take(LONGEST).collect();
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggest(given: &str) -> Option<&'static str> {
        nearest(
            given,
            ["base", "size", "stride", "interrupt", "load-address"].into_iter(),
        )
    }

    #[test]
    fn swapped_letters_are_one_mistake() {
        assert_eq!(distance("bsae", "base"), 1);
        assert_eq!(suggest("bsae"), Some("base"));
    }

    #[test]
    fn underscores_and_capitals_do_not_count() {
        assert_eq!(suggest("load_address"), Some("load-address"));
        assert_eq!(suggest("Base"), Some("base"));
    }

    #[test]
    fn words_of_other_descriptions_are_recognised() {
        assert_eq!(suggest("irq"), Some("interrupt"));
        assert_eq!(suggest("reg"), Some("base"));
    }

    #[test]
    fn no_suggestion_is_made_for_a_dissimilar_word() {
        assert_eq!(suggest("colour"), None);
        assert_eq!(suggest(""), None);
    }
}
