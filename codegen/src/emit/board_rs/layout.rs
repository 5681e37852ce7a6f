//! Formats tokens so that rustfmt changes nothing.
//!
//! prettyplease chooses line breaks itself and never adds a blank line. Where rustfmt would break a
//! line, a filler too wide for any line is inserted, and where it would keep a blank line, a
//! marker; both are on separate lines in prettyplease's result and are removed from it.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::emit::Error;

/// rustfmt's `fn_call_width` and `array_width`, at their defaults.
const LIST_WIDTH: usize = 60;

/// The largest width of a line: `max_width` in rustfmt.toml.
const LINE_WIDTH: usize = 100;

const FILLER: &str = "__filler";
const SINGLE: &str = "__single";
const BLANK: &str = "blank line";

/// Returns the text of `items`.
///
/// # Errors
///
/// If they are not valid Rust, which is an error in this generator.
pub(super) fn format(items: TokenStream) -> Result<String, Error> {
    let file = syn::parse2(items).map_err(|error| Error::Rust {
        cause: error.to_string(),
    })?;
    let mut text = String::new();
    // The indentation of the line whose value is on separate lines and has not ended.
    let mut moved: Option<usize> = None;
    for line in joined(&prettyplease::unparse(&file)).lines() {
        let content = line.trim_start();
        let indent = line.len() - content.len();
        if content.starts_with(FILLER) {
            continue;
        }
        if is_field(content) && has_room(&text, content) {
            text.truncate(text.trim_end().len());
            text += &format!("{content}\n");
        } else if content.strip_prefix("///") == Some(BLANK) {
            text.push('\n');
        } else if let Some(begin) = moved {
            text += &format!("    {line}\n");
            moved = Some(begin).filter(|_| indent > begin);
        } else {
            let lines = wrapped(line);
            let is_moved = lines.lines().count() > 1 && lines.ends_with("{\n");
            moved = Some(indent).filter(|_| is_moved);
            text += &lines;
        }
    }
    Ok(text)
}

/// Returns whether a line is only the access to a field, such as `.identity,`.
fn is_field(content: &str) -> bool {
    let name = content.strip_prefix('.').unwrap_or_default();
    syn::parse_str::<Ident>(name.strip_suffix(',').unwrap_or(name)).is_ok()
}

/// Returns whether the last line has room for `rest`. prettyplease breaks a line before a field at a
/// smaller width.
fn has_room(text: &str, rest: &str) -> bool {
    let last = text.lines().next_back().unwrap_or_default();
    last.chars().count() + rest.chars().count() <= LINE_WIDTH
}

/// Returns the source with the brackets around a single element on the lines where the element
/// starts and ends.
fn joined(text: &str) -> String {
    let mut joined = String::new();
    // The indentation of the element being joined.
    let mut element: Option<usize> = None;
    for line in text.lines() {
        let content = line.trim_start();
        let indent = line.len() - content.len();
        match element {
            None if content.starts_with(SINGLE) => {
                element = Some(indent);
                joined.truncate(joined.trim_end().len());
            }
            None => joined += &format!("{line}\n"),
            Some(begin) if indent == begin => match content.strip_suffix(',') {
                Some(end) if content.starts_with(['}', ')', ']']) => {
                    joined += &format!("{}{end}", " ".repeat(indent - 4));
                }
                Some(whole) => joined += whole,
                None => joined += &format!("{content}\n"),
            },
            Some(begin) if indent < begin => {
                joined += &format!("{content}\n");
                element = None;
            }
            Some(_) => joined += &format!("{}\n", &line[4..]),
        }
    }
    joined
}

/// Returns the item of a constant with the value on a separate line if one line would be too long.
fn wrapped(line: &str) -> String {
    let wide = |text: &str| text.chars().count() > LINE_WIDTH;
    if wide(line)
        && let Some((start, value)) = line.split_once(" = ")
    {
        let indent = &line[..line.len() - line.trim_start().len()];
        let value = format!("{indent}    {value}");
        if !wide(&value) {
            return format!("{start} =\n{value}\n");
        }
    }
    format!("{line}\n")
}

/// Adds an empty line before the next item.
pub(super) fn blank_line() -> TokenStream {
    quote!(#[doc = #BLANK])
}

/// Returns an identifier so long that prettyplease breaks the line that contains it.
pub(super) fn filler() -> Ident {
    format_ident!("{FILLER}{}", "_".repeat(120))
}

/// Returns `const name: of = of::function(arguments);`, on one line if rustfmt would do so.
///
/// This is text from the start, because prettyplease breaks lines that are nearly full differently.
pub(super) fn constant(
    name: &Ident,
    of: &str,
    function: &str,
    arguments: &[TokenStream],
) -> String {
    let start = format!("const {name}: {of} =");
    let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    let call = format!("{of}::{function}({});", arguments.join(", "));
    if call.chars().count() > format!("{of}::{function}();").len() + LIST_WIDTH {
        return format!(
            "{start} {of}::{function}(\n    {},\n);\n",
            arguments.join(",\n    ")
        );
    }
    if start.chars().count() + 1 + call.chars().count() <= LINE_WIDTH {
        format!("{start} {call}\n")
    } else {
        format!("{start}\n    {call}\n")
    }
}

/// Returns `path { fields }` with one field per line.
pub(super) fn structure(path: &TokenStream, fields: &[(&str, TokenStream)]) -> TokenStream {
    if fields.is_empty() {
        return quote!(#path {});
    }
    let filler = filler();
    let names = fields.iter().map(|(name, _)| format_ident!("{name}"));
    let values = fields.iter().map(|(_, value)| value);
    quote!(#path { #filler: (), #(#names: #values,)* })
}

/// Returns `a, b, c` for an array, on one line if rustfmt would do so.
pub(super) fn list(elements: &[TokenStream]) -> TokenStream {
    let separators = 2 * elements.len().saturating_sub(1);
    let width = elements.iter().map(width).sum::<usize>() + separators;
    if width <= LIST_WIDTH {
        quote!(#(#elements),*)
    } else {
        let filler = filler();
        quote!(#filler, #(#elements,)*)
    }
}

/// Returns the elements of a tuple, one per line, as rustfmt formats pairs of structures.
pub(super) fn tuple(elements: &[TokenStream]) -> TokenStream {
    let filler = filler();
    quote!((#filler, #(#elements,)*))
}

/// Returns `a, b, c` for an array of structures or calls, one per line.
pub(super) fn rows(elements: &[TokenStream]) -> TokenStream {
    match elements {
        [one] => {
            let single = format_ident!("{SINGLE}{}", "_".repeat(120));
            quote!(#single, #one)
        }
        _ => {
            let filler = filler();
            quote!(#filler, #(#elements,)*)
        }
    }
}

/// Returns the type of a pair, one element per line if rustfmt would do so.
pub(super) fn pair_type(first: &TokenStream, second: &TokenStream) -> TokenStream {
    if width(first) + ", ".len() + width(second) <= LIST_WIDTH {
        quote!((#first, #second))
    } else {
        let filler = filler();
        quote!((#filler, #first, #second))
    }
}

/// Returns the width of a name, a literal or a path without spaces.
fn width(tokens: &TokenStream) -> usize {
    tokens
        .clone()
        .into_iter()
        .map(|token| token.to_string().chars().count())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_access_to_a_field_is_joined_with_the_line_before() {
        for line in [".external", ".external,"] {
            assert!(is_field(line), "{line}");
        }
        for line in ["..rest", ".call(1)", ".call(", ".0", ".a.b", ".", "a", ""] {
            assert!(!is_field(line), "{line}");
        }
    }
}
