//! Escapes text for SVG files.

/// Escapes text for an element or an attribute.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML cannot represent control characters.
            other if other.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Panics unless every element is closed in order and all text is escaped.
    pub(crate) fn is_well_formed(svg: &str) {
        let mut open: Vec<&str> = Vec::new();
        let mut rest = svg;
        while let Some((text, tag_and_rest)) = rest.split_once('<') {
            assert!(!text.contains('>'), "a bare > in {text:?}");
            let (tag, after) = tag_and_rest.split_once('>').expect("a tag ends");
            assert!(!tag.contains('<'), "a bare < in {tag:?}");
            assert_eq!(tag.matches('"').count() % 2, 0, "an open value in {tag:?}");
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name)),
                None if tag.ends_with('/') => {}
                None => open.push(tag.split(' ').next().expect("a name")),
            }
            rest = after;
        }
        assert!(open.is_empty(), "{open:?} not closed");
        for (at, _) in svg.match_indices('&') {
            let entity = svg[at..].split_inclusive(';').next().expect("an entity");
            assert!(
                ["&amp;", "&lt;", "&gt;", "&quot;"].contains(&entity),
                "{entity:?}"
            );
        }
    }

    #[test]
    fn characters_special_to_xml_are_escaped() {
        assert_eq!(escape("a<b>&\"c\"\u{7}"), "a&lt;b&gt;&amp;&quot;c&quot; ");
        is_well_formed(&format!("<a b=\"{0}\">{0}</a>", escape("<&>\"")));
    }

    #[test]
    #[should_panic(expected = "not closed")]
    fn an_unclosed_element_is_detected() {
        is_well_formed("<a><b></b>");
    }
}
