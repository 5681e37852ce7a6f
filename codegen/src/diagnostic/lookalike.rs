//! Characters that look like ASCII ones: a no-break space, a dash for a hyphen, a letter of another
//! alphabet.

use crate::source::{Location, SourceFile};

/// A character, its Unicode name, and the ASCII text that it looks like.
type Lookalike = (char, &'static str, &'static str);

#[rustfmt::skip]
const LOOKALIKES: &[Lookalike] = &[
    ('\u{00A0}', "NO-BREAK SPACE", " "),
    ('\u{00AD}', "SOFT HYPHEN", ""),
    ('\u{1680}', "OGHAM SPACE MARK", " "),
    ('\u{2000}', "EN QUAD", " "),
    ('\u{2001}', "EM QUAD", " "),
    ('\u{2002}', "EN SPACE", " "),
    ('\u{2003}', "EM SPACE", " "),
    ('\u{2004}', "THREE-PER-EM SPACE", " "),
    ('\u{2005}', "FOUR-PER-EM SPACE", " "),
    ('\u{2006}', "SIX-PER-EM SPACE", " "),
    ('\u{2007}', "FIGURE SPACE", " "),
    ('\u{2008}', "PUNCTUATION SPACE", " "),
    ('\u{2009}', "THIN SPACE", " "),
    ('\u{200A}', "HAIR SPACE", " "),
    ('\u{202F}', "NARROW NO-BREAK SPACE", " "),
    ('\u{205F}', "MEDIUM MATHEMATICAL SPACE", " "),
    ('\u{3000}', "IDEOGRAPHIC SPACE", " "),
    ('\u{200B}', "ZERO WIDTH SPACE", ""),
    ('\u{200C}', "ZERO WIDTH NON-JOINER", ""),
    ('\u{200D}', "ZERO WIDTH JOINER", ""),
    ('\u{200E}', "LEFT-TO-RIGHT MARK", ""),
    ('\u{200F}', "RIGHT-TO-LEFT MARK", ""),
    ('\u{202A}', "LEFT-TO-RIGHT EMBEDDING", ""),
    ('\u{202B}', "RIGHT-TO-LEFT EMBEDDING", ""),
    ('\u{202C}', "POP DIRECTIONAL FORMATTING", ""),
    ('\u{202D}', "LEFT-TO-RIGHT OVERRIDE", ""),
    ('\u{202E}', "RIGHT-TO-LEFT OVERRIDE", ""),
    ('\u{2060}', "WORD JOINER", ""),
    ('\u{2066}', "LEFT-TO-RIGHT ISOLATE", ""),
    ('\u{2067}', "RIGHT-TO-LEFT ISOLATE", ""),
    ('\u{2068}', "FIRST STRONG ISOLATE", ""),
    ('\u{2069}', "POP DIRECTIONAL ISOLATE", ""),
    ('\u{FEFF}', "ZERO WIDTH NO-BREAK SPACE", ""),
    ('\u{2028}', "LINE SEPARATOR", ""),
    ('\u{2029}', "PARAGRAPH SEPARATOR", ""),
    ('\u{2010}', "HYPHEN", "-"),
    ('\u{2011}', "NON-BREAKING HYPHEN", "-"),
    ('\u{2012}', "FIGURE DASH", "-"),
    ('\u{2013}', "EN DASH", "-"),
    ('\u{2014}', "EM DASH", "-"),
    ('\u{2015}', "HORIZONTAL BAR", "-"),
    ('\u{2212}', "MINUS SIGN", "-"),
    ('\u{FE63}', "SMALL HYPHEN-MINUS", "-"),
    ('\u{FF0D}', "FULLWIDTH HYPHEN-MINUS", "-"),
    ('\u{201C}', "LEFT DOUBLE QUOTATION MARK", "\""),
    ('\u{201D}', "RIGHT DOUBLE QUOTATION MARK", "\""),
    ('\u{201E}', "DOUBLE LOW-9 QUOTATION MARK", "\""),
    ('\u{201F}', "DOUBLE HIGH-REVERSED-9 QUOTATION MARK", "\""),
    ('\u{2033}', "DOUBLE PRIME", "\""),
    ('\u{00AB}', "LEFT-POINTING DOUBLE ANGLE QUOTATION MARK", "\""),
    ('\u{00BB}', "RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK", "\""),
    ('\u{FF02}', "FULLWIDTH QUOTATION MARK", "\""),
    ('\u{2018}', "LEFT SINGLE QUOTATION MARK", "'"),
    ('\u{2019}', "RIGHT SINGLE QUOTATION MARK", "'"),
    ('\u{201A}', "SINGLE LOW-9 QUOTATION MARK", "'"),
    ('\u{2032}', "PRIME", "'"),
    ('\u{00B4}', "ACUTE ACCENT", "'"),
    ('\u{FF1D}', "FULLWIDTH EQUALS SIGN", "="),
    ('\u{FF3B}', "FULLWIDTH LEFT SQUARE BRACKET", "["),
    ('\u{FF3D}', "FULLWIDTH RIGHT SQUARE BRACKET", "]"),
    ('\u{FF5B}', "FULLWIDTH LEFT CURLY BRACKET", "{"),
    ('\u{FF5D}', "FULLWIDTH RIGHT CURLY BRACKET", "}"),
    ('\u{FF0C}', "FULLWIDTH COMMA", ","),
    ('\u{FF0E}', "FULLWIDTH FULL STOP", "."),
    ('\u{FF3F}', "FULLWIDTH LOW LINE", "_"),
    ('\u{FF03}', "FULLWIDTH NUMBER SIGN", "#"),
    ('\u{00D7}', "MULTIPLICATION SIGN", "x"),
    ('\u{0430}', "CYRILLIC SMALL LETTER A", "a"),
    ('\u{0441}', "CYRILLIC SMALL LETTER ES", "c"),
    ('\u{0435}', "CYRILLIC SMALL LETTER IE", "e"),
    ('\u{0456}', "CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I", "i"),
    ('\u{0458}', "CYRILLIC SMALL LETTER JE", "j"),
    ('\u{043E}', "CYRILLIC SMALL LETTER O", "o"),
    ('\u{0440}', "CYRILLIC SMALL LETTER ER", "p"),
    ('\u{0455}', "CYRILLIC SMALL LETTER DZE", "s"),
    ('\u{0445}', "CYRILLIC SMALL LETTER HA", "x"),
    ('\u{0443}', "CYRILLIC SMALL LETTER U", "y"),
    ('\u{0410}', "CYRILLIC CAPITAL LETTER A", "A"),
    ('\u{0412}', "CYRILLIC CAPITAL LETTER VE", "B"),
    ('\u{0421}', "CYRILLIC CAPITAL LETTER ES", "C"),
    ('\u{0415}', "CYRILLIC CAPITAL LETTER IE", "E"),
    ('\u{041D}', "CYRILLIC CAPITAL LETTER EN", "H"),
    ('\u{0406}', "CYRILLIC CAPITAL LETTER BYELORUSSIAN-UKRAINIAN I", "I"),
    ('\u{041A}', "CYRILLIC CAPITAL LETTER KA", "K"),
    ('\u{041C}', "CYRILLIC CAPITAL LETTER EM", "M"),
    ('\u{041E}', "CYRILLIC CAPITAL LETTER O", "O"),
    ('\u{0420}', "CYRILLIC CAPITAL LETTER ER", "P"),
    ('\u{0422}', "CYRILLIC CAPITAL LETTER TE", "T"),
    ('\u{0425}', "CYRILLIC CAPITAL LETTER HA", "X"),
    ('\u{03BF}', "GREEK SMALL LETTER OMICRON", "o"),
    ('\u{03BD}', "GREEK SMALL LETTER NU", "v"),
    ('\u{039C}', "GREEK CAPITAL LETTER MU", "M"),
    ('\u{0131}', "LATIN SMALL LETTER DOTLESS I", "i"),
    ('\u{212A}', "KELVIN SIGN", "K"),
];

/// Full-width letters, digits and signs, whose code points have the order of ASCII.
const FULL_WIDTH: core::ops::RangeInclusive<char> = '\u{FF01}'..='\u{FF5E}';
const FULL_WIDTH_OFFSET: u32 = 0xFEE0;

/// Returns the ASCII text that a character looks like, and the character's name.
fn find(c: char) -> Option<(String, String)> {
    if let Some((_, name, plain)) = LOOKALIKES.iter().find(|(known, ..)| *known == c) {
        return Some(((*name).to_owned(), (*plain).to_owned()));
    }
    let plain = char::from_u32(u32::from(c).checked_sub(FULL_WIDTH_OFFSET)?)?;
    FULL_WIDTH
        .contains(&c)
        .then(|| (format!("FULLWIDTH {plain}"), plain.to_string()))
}

/// Returns a text with ASCII characters in place of those that look like them; `None` if there are
/// none.
pub(crate) fn plain(text: &str) -> Option<String> {
    text.chars().any(|c| find(c).is_some()).then(|| {
        let plain = |c: char| find(c).map_or_else(|| c.to_string(), |(_, plain)| plain);
        text.chars().map(plain).collect()
    })
}

/// Returns a sentence about the first character of `text` that looks like an ASCII one.
pub(crate) fn describe(text: &str) -> Option<String> {
    let (at, c, (name, plain)) = text
        .char_indices()
        .find_map(|(at, c)| Some((at, c, find(c)?)))?;
    let code = format!("U+{:04X} {name}", u32::from(c));
    let before = text[..at].chars().rev().take(8).collect::<Vec<_>>();
    let before: String = before.into_iter().rev().collect();
    let place = match before.trim_start() {
        "" => "at the beginning".to_owned(),
        before => format!("after `{before}`"),
    };
    let plain = match plain.as_str() {
        "" => "which cannot be seen: delete it".to_owned(),
        " " => "which looks like a space: type a plain one".to_owned(),
        plain => format!("which looks like `{plain}`: type that instead"),
    };
    Some(format!("{place} there is {code}, {plain}"))
}

/// Returns a note on the text at a location if it contains such a character. If the text is not
/// TOML, the cause may be anywhere on the line outside quotes.
pub(super) fn note(file: &SourceFile, at: Location, whole_line: bool) -> Option<String> {
    let span = file.span(at);
    if !whole_line {
        return describe(&file.text[span]);
    }
    let start = file.text[..span.start]
        .rfind('\n')
        .map_or(0, |newline| newline + 1);
    let line = file.text[start..].lines().next()?;
    describe(&outside_quotes(line))
}

/// Returns a line without its comment and without quoted text.
fn outside_quotes(line: &str) -> String {
    let mut quoted = None;
    let mut text = String::new();
    for c in line.chars() {
        match (quoted, c) {
            (None, '#') => break,
            (None, '"' | '\'') => quoted = Some(c),
            (Some(quote), c) if c == quote => quoted = None,
            (None, c) => text.push(c),
            (Some(_), _) => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_looks_plain_is_named() {
        assert_eq!(
            describe("64\u{a0}KiB").as_deref(),
            Some(
                "after `64` there is U+00A0 NO-BREAK SPACE, which looks like a space: type a plain one"
            )
        );
        assert_eq!(
            describe("\u{200b}x").as_deref(),
            Some(
                "at the beginning there is U+200B ZERO WIDTH SPACE, which cannot be seen: delete it"
            )
        );
        assert_eq!(
            describe("gic\u{2011}v3").as_deref(),
            Some(
                "after `gic` there is U+2011 NON-BREAKING HYPHEN, which looks like `-`: type that instead"
            )
        );
        assert_eq!(
            describe("\u{ff11}").as_deref(),
            Some(
                "at the beginning there is U+FF11 FULLWIDTH 1, which looks like `1`: type that instead"
            )
        );
        assert_eq!(describe("plain \"text\" \u{e9}"), None);
    }

    #[test]
    fn no_character_is_listed_twice() {
        let mut known: Vec<char> = LOOKALIKES.iter().map(|(c, ..)| *c).collect();
        known.sort_unstable();
        known.dedup();
        assert_eq!(known.len(), LOOKALIKES.len());
    }

    #[test]
    fn quoted_text_and_comments_are_ignored() {
        assert_eq!(outside_quotes("a = \"x\u{2013}y\" # \u{2013}"), "a =  ");
    }
}
