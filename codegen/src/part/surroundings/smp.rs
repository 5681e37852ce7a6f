//! The number of processors that QEMU starts, from its option `-smp`.

use super::Qemu;
use super::command_line::Argument;
use crate::language::Located;

impl Qemu {
    /// Returns the number of processors that `-smp` starts, with the last such option; `None` without
    /// the option, because the default depends on the machine, or if the number is not understood.
    pub(crate) fn processors(&self) -> Option<(u32, &Located<Argument>)> {
        let given = self.arguments.value()?;
        let is_smp = |pair: &&[Located<Argument>]| {
            pair[0].value.0.trim_start_matches('-') == "smp" && pair[0].value.0.starts_with('-')
        };
        let pairs: Vec<_> = given.windows(2).filter(is_smp).collect();
        let last = &pairs.last()?[1];
        // QEMU merges the values of several options.
        let all = pairs.iter().map(|pair| pair[1].value.0.as_str());
        Some((count(all)?, last))
    }
}

/// Returns the number of processors of `-smp` values: `[cpus=]N`, or else the greatest possible
/// number, `maxcpus=N`, or else the product of the sockets, cores and so on.
fn count<'a>(values: impl Iterator<Item = &'a str>) -> Option<u32> {
    let (mut stated, mut most, mut product) = (None, None, 1_u32);
    for value in values {
        for (nth, word) in value.split(',').enumerate() {
            let (name, number) = match word.split_once('=') {
                None if nth == 0 => ("cpus", word),
                None => return None,
                Some(pair) => pair,
            };
            let number: u32 = number.parse().ok()?;
            match name {
                "cpus" => stated = Some(number),
                "maxcpus" => most = Some(number),
                _ => product = product.checked_mul(number)?,
            }
        }
    }
    Some(stated.or(most).unwrap_or(product)).filter(|count| *count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_option_is_counted() {
        let counted = |values: &[&str]| count(values.iter().copied());
        assert_eq!(counted(&["2"]), Some(2));
        assert_eq!(counted(&["2,sockets=2"]), Some(2));
        assert_eq!(counted(&["cpus=4,maxcpus=8"]), Some(4));
        assert_eq!(counted(&["sockets=2,cores=3"]), Some(6));
        assert_eq!(counted(&["maxcpus=8"]), Some(8));
        assert_eq!(counted(&["4", "sockets=2"]), Some(4));
    }

    #[test]
    fn a_number_that_is_not_understood_counts_nothing() {
        for value in [
            "",
            "two",
            "2,two",
            "cpus=",
            "0",
            "sockets=70000,cores=70000",
        ] {
            assert_eq!(count([value].into_iter()), None, "{value:?}");
        }
    }
}
