//! From tokens to text that rustfmt leaves as it is.
//!
//! prettyplease decides by itself where lines break, and never sets a blank line. Where rustfmt
//! would break, a filler too wide for any line goes in, and where it would keep a blank line, a
//! marker; both are on lines of their own in what prettyplease gives, and go out again.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::emit::Error;

/// What rustfmt calls `fn_call_width` and `array_width`, at their defaults.
const LIST_WIDTH: usize = 60;

/// What rustfmt.toml calls `max_width`.
const LINE_WIDTH: usize = 100;

const FILLER: &str = "__filler";
const SINGLE: &str = "__single";
const BLANK: &str = "blank line";

/// The text of `items`.
///
/// # Errors
///
/// Where they are not Rust, which is a mistake in this generator.
pub(super) fn format(items: TokenStream) -> Result<String, Error> {
    let file = syn::parse2(items).map_err(|error| Error::Rust {
        cause: error.to_string(),
    })?;
    let mut text = String::new();
    // how far the line is indented whose value is on a line of its own, and has not ended
    let mut moved: Option<usize> = None;
    for line in joined(&prettyplease::unparse(&file)).lines() {
        let content = line.trim_start();
        let indent = line.len() - content.len();
        if content.starts_with(FILLER) {
            continue;
        }
        if content.strip_prefix("///") == Some(BLANK) {
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

/// `text`, with the brackets around a single element on the lines where that begins and ends.
fn joined(text: &str) -> String {
    let mut joined = String::new();
    // how far the element is indented that is being joined
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

/// `line`, with the value of a constant on a line of its own where it does not fit otherwise.
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

/// Leaves a line empty before the item that follows.
pub(super) fn blank_line() -> TokenStream {
    quote!(#[doc = #BLANK])
}

/// What breaks the line that it is in.
pub(super) fn filler() -> Ident {
    format_ident!("{FILLER}{}", "_".repeat(120))
}

/// `const name: of = of::function(arguments);`, on one line where rustfmt would set it so.
///
/// This is text from the start: prettyplease has its own mind about lines that nearly fill up.
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

/// `path { fields }`, one field a line.
pub(super) fn structure(path: &TokenStream, fields: &[(&str, TokenStream)]) -> TokenStream {
    if fields.is_empty() {
        return quote!(#path {});
    }
    let filler = filler();
    let names = fields.iter().map(|(name, _)| format_ident!("{name}"));
    let values = fields.iter().map(|(_, value)| value);
    quote!(#path { #filler: (), #(#names: #values,)* })
}

/// `a, b, c` for an array, on one line where rustfmt would set it so.
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

/// The elements of a tuple, one a line: what a pair of structures comes to.
pub(super) fn tuple(elements: &[TokenStream]) -> TokenStream {
    let filler = filler();
    quote!((#filler, #(#elements,)*))
}

/// `a, b, c` for an array of structures or calls, one on each line.
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

/// The type of a pair, one to a line where rustfmt would set it so.
pub(super) fn pair_type(first: &TokenStream, second: &TokenStream) -> TokenStream {
    if width(first) + ", ".len() + width(second) <= LIST_WIDTH {
        quote!((#first, #second))
    } else {
        let filler = filler();
        quote!((#filler, #first, #second))
    }
}

/// How wide the tokens of a name, a literal or a path are when set without spaces.
fn width(tokens: &TokenStream) -> usize {
    tokens
        .clone()
        .into_iter()
        .map(|token| token.to_string().chars().count())
        .sum()
}
