//! The kernel's command line: words separated by white space, most of them `name=value`.
//!
//! The kernel uses `log=`, `ip=`, `nic=` and, for [`Kernel::disk_by_name`](crate::Kernel::disk_by_name),
//! `disk.NAME=`, with the feature `ipv6` also `ip6=`, and with `networks`
//! also `nic.NAME=`, `ip.NAME=`, `ip6.NAME=` and `metric.NAME=`; the app can read all words by name.

/// The command line of the machine.
///
/// ```
/// use vmos::command_line::CommandLine;
///
/// let line = CommandLine::new("log=debug name=one name=two quiet");
/// assert_eq!(line.value("name"), Some("two"));
/// assert_eq!(line.value("log").unwrap_or("info"), "debug");
/// assert!(line.has("quiet") && !line.has("name"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommandLine<'a>(&'a str);

impl<'a> CommandLine<'a> {
    /// Parses the command line in `text`.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// Returns the whole text.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.0
    }

    /// Returns the words of the command line, in order.
    pub fn words(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.split_ascii_whitespace()
    }

    /// Returns the value after `name=` in the last word with this name: later words override
    /// earlier ones.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.words()
            .filter_map(|word| word.strip_prefix(name)?.strip_prefix('='))
            .last()
    }

    /// Returns whether `word` is a word of the command line.
    #[must_use]
    pub fn has(&self, word: &str) -> bool {
        self.words().any(|candidate| candidate == word)
    }
}

#[cfg(test)]
mod tests {
    use super::CommandLine;

    const LINE: CommandLine<'static> =
        CommandLine::new(" log=info quiet  ip=10.0.2.15/24 log=debug ");

    #[test]
    fn the_last_value_of_a_name_counts() {
        assert_eq!(LINE.value("log"), Some("debug"));
    }

    #[test]
    fn a_value_is_found_by_its_whole_name() {
        assert_eq!(LINE.value("i"), None);
        assert_eq!(LINE.value("ip"), Some("10.0.2.15/24"));
    }

    #[test]
    fn a_bare_word_has_no_value() {
        assert_eq!(LINE.value("quiet"), None);
        assert!(LINE.has("quiet"));
    }

    #[test]
    fn an_empty_value_is_a_value() {
        assert_eq!(CommandLine::new("ip=").value("ip"), Some(""));
    }
}
