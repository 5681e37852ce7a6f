//! Traces the lines of a rendered text to those of its template.
//!
//! Before rendering, the end of each of the template's lines is marked with the line's number. The
//! marks pass through loops and conditions like other text, and are removed from the result.
//! Templates need not support this.

use super::{Artefact, Maker};

/// Starts a mark; a private-use character that no template contains.
const OPEN: char = '\u{F8F0}';
/// Ends a mark.
const CLOSE: char = '\u{F8F1}';

/// The characters that start and end a tag in a template.
const TAGS: [(&str, &str); 3] = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];

/// Marks the end of each line of a template, except where a tag removes the end of the line.
pub(in crate::emit) fn mark(template: &str) -> String {
    let mut marked = String::with_capacity(template.len() + template.len() / 4);
    let mut rest = template;
    let mut number = 1;
    // Whether the last copied text is a tag that removes the white space after it.
    let mut trims = false;
    while let Some(character) = rest.chars().next() {
        if let Some((_, close)) = TAGS.iter().find(|(open, _)| rest.starts_with(open)) {
            let length = rest.find(close).map_or(rest.len(), |at| at + close.len());
            let (tag, after) = rest.split_at(length);
            number += tag.matches('\n').count();
            marked += tag;
            trims = *close != "}}" || tag.ends_with("-}}");
            rest = after;
            continue;
        }
        rest = &rest[character.len_utf8()..];
        if character == '\n' {
            let next = rest.trim_start();
            if !trims
                && !TAGS
                    .iter()
                    .any(|(open, _)| next.starts_with(&format!("{open}-")))
            {
                marked += &format!("{OPEN}{number}{CLOSE}");
            }
            number += 1;
        }
        trims &= character == ' ';
        marked.push(character);
    }
    marked
}

/// Removes the marks from the rendered text, and returns the line of the template for each line.
pub(in crate::emit) fn artefact(template: &str, marked: &str) -> Artefact {
    let mut text = String::with_capacity(marked.len());
    let mut lines = Vec::new();
    let mut unmarked = 0;
    for line in marked.split_inclusive('\n') {
        let mut number: Option<usize> = None;
        let mut pieces = line.split(OPEN);
        text += pieces.next().unwrap_or_default();
        for piece in pieces {
            let (mark, piece) = piece.split_once(CLOSE).unwrap_or(("", piece));
            number = mark.parse().ok().or(number);
            text += piece;
        }
        // A line without a mark ends within a value; the next mark is that of the value's last
        // line.
        match number {
            Some(number) => {
                lines.extend(std::iter::repeat_n(number, unmarked + 1));
                unmarked = 0;
            }
            None => unmarked += 1,
        }
    }
    let last = lines.last().copied().unwrap_or(1);
    lines.extend(std::iter::repeat_n(last, unmarked));
    let path = format!("templates/{template}");
    Artefact {
        text,
        maker: Maker::Template { path, lines },
    }
}

#[cfg(test)]
mod tests {
    use minijinja::syntax::SyntaxConfig;
    use minijinja::{Environment, context};

    use super::*;

    /// Renders `template` for fixed `items` and `on`, checks that the marks change nothing, and
    /// returns each line with its line in the template.
    fn traced(template: &str) -> Vec<(String, usize)> {
        let mut environment = Environment::new();
        let mut syntax = SyntaxConfig::builder();
        syntax
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true);
        environment.set_syntax(syntax.build().unwrap());
        let render = |text: &str| {
            let context = context! { items => ["one", "two"], on => true, long => "a\nb" };
            environment.render_str(text, context).unwrap()
        };
        let artefact = artefact("t", &render(&mark(template)));
        assert_eq!(artefact.text, render(template));
        let Maker::Template { lines, .. } = artefact.maker else {
            panic!("it was a template");
        };
        let text = artefact.text.lines().map(str::to_owned);
        assert_eq!(text.clone().count(), lines.len());
        text.zip(lines).collect()
    }

    fn numbers(template: &str) -> Vec<usize> {
        traced(template).into_iter().map(|(_, line)| line).collect()
    }

    #[test]
    fn each_plain_line_is_its_own_origin() {
        assert_eq!(numbers("a\nb\n\nc\n"), [1, 2, 3, 4]);
    }

    #[test]
    fn a_comment_leaves_no_line_but_counts_in_the_template() {
        assert_eq!(numbers("{#-\none\n-#}\na\n"), [4]);
    }

    #[test]
    fn a_loop_repeats_its_lines_in_each_iteration() {
        let template = "a\n{% for item in items %}\n{{ item }}\n-\n{% endfor %}\nb\n";
        assert_eq!(numbers(template), [1, 3, 4, 3, 4, 6]);
    }

    #[test]
    fn an_omitted_line_counts_in_the_template() {
        let template = "{% if on %}\na\n{% else %}\nb\n{% endif %}\nc\n";
        assert_eq!(numbers(template), [2, 6]);
    }

    #[test]
    fn a_tag_that_trims_keeps_trimming() {
        assert_eq!(
            numbers("x\na\n  {%- if on %}\nb\n{%- endif %}\nc\n"),
            [1, 6]
        );
    }

    #[test]
    fn a_value_of_several_lines_has_the_line_of_its_tag() {
        assert_eq!(numbers("x\n{{ long }}\n"), [1, 2, 2]);
    }

    #[test]
    fn a_condition_within_a_line_has_that_line() {
        assert_eq!(numbers("x\na {% if on %}b{% endif %} c\n"), [1, 2]);
    }
}
