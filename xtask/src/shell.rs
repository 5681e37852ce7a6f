//! Formats commands for a shell.

/// Joins words so that a POSIX shell splits them into the same words.
#[must_use]
pub fn quote<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> String {
    let words: Vec<_> = words
        .into_iter()
        .map(|word| quote_word(word.as_ref()))
        .collect();
    words.join(" ")
}

fn quote_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_stay_as_they_are() {
        assert_eq!(quote(["-m", "64M", "a=b,c=d/e.f"]), "-m 64M a=b,c=d/e.f");
    }

    #[test]
    fn blanks_quotes_and_nothing_are_quoted() {
        assert_eq!(quote(["a b", "it's", ""]), r"'a b' 'it'\''s' ''");
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        let words = ["ip=1 log=debug", "$HOME", "`x`", "a\\b", "*", "'"];
        let script = format!("printf '%s\\n' {}", quote(words));
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        assert_eq!(lines.lines().collect::<Vec<_>>(), words);
    }
}
