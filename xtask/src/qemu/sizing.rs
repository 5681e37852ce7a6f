//! The options of QEMU on which the possible size of a machine depends.

/// Returns those of the words for QEMU that decide which processors and how much memory a machine
/// can have, each option with its value.
pub(super) fn words_of(words: &[String]) -> impl Iterator<Item = &String> {
    let is_sizing = |option: &str, value: &str| match option {
        "smp" | "m" | "machine" | "M" | "cpu" | "accel" | "global" | "numa" => true,
        // Memory that `-machine` or `-numa` names.
        "object" => value.starts_with("memory-backend"),
        _ => false,
    };
    // QEMU accepts two dashes as well.
    let name = |word: &str| {
        Some(
            word.strip_prefix("--")
                .or(word.strip_prefix('-'))?
                .to_owned(),
        )
    };
    let pairs = words.windows(2).filter(move |pair| match pair {
        [option, value] => name(option).is_some_and(|option| is_sizing(&option, value)),
        _ => false,
    });
    pairs.flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_options_that_decide_the_size_are_kept() {
        let line = "-smp 16 -object filter-dump,id=pcap -gdb tcp::1234 -S -machine gic-version=3 \
                    -d int --cpu max -object memory-backend-ram,id=ram -monitor stdio -M";
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        let kept: Vec<_> = words_of(&words).cloned().collect();
        assert_eq!(
            kept.join(" "),
            "-smp 16 -machine gic-version=3 --cpu max -object memory-backend-ram,id=ram"
        );
    }
}
