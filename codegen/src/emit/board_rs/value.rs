//! Values in Rust notation: numbers with digit groups, interrupts, options.

use proc_macro2::{Literal, Span, TokenStream};
use quote::quote;
use syn::LitInt;

use super::Imports;
use crate::board::{Interrupt, Trigger};
use crate::notation;

// Literals of `proc_macro2` are decimal and without groups; those made from text are kept.
fn literal(text: &str) -> TokenStream {
    let literal = LitInt::new(text, Span::call_site());
    quote!(#literal)
}

/// Formats an address as Rust source, as in `0x0900_0000`.
pub(super) fn address(value: u64) -> TokenStream {
    literal(&notation::address(value))
}

/// Formats a size as Rust source, as in `0x1000`.
pub(super) fn hexadecimal(value: u64) -> TokenStream {
    literal(&notation::hexadecimal(value))
}

/// Formats a decimal number as Rust source, as in `24_000_000`.
pub(super) fn decimal(value: u64) -> TokenStream {
    literal(&notation::decimal(value))
}

/// Formats a string literal of Rust, as in `"text"`.
pub(super) fn string(text: &str) -> TokenStream {
    let literal = Literal::string(text);
    quote!(#literal)
}

/// Formats a doc comment of Rust, as in `/// text`.
pub(super) fn doc(text: &str) -> TokenStream {
    let text = format!(" {text}");
    quote!(#[doc = #text])
}

/// Formats an interrupt as Rust source, as in `Interrupt::level(33)`; of several consecutive ones,
/// the first.
pub(super) fn interrupt(interrupt: Interrupt, imports: &mut Imports) -> TokenStream {
    imports.add("vmos_drivers::interrupt", "Interrupt");
    // Manuals write interrupt numbers without digit groups.
    let number = literal(&interrupt.number.to_string());
    match interrupt.trigger {
        Trigger::Level => quote!(Interrupt::level(#number)),
        Trigger::Edge => quote!(Interrupt::edge(#number)),
        Trigger::LevelLow => quote!(Interrupt::level_low(#number)),
        Trigger::EdgeFalling => quote!(Interrupt::edge_falling(#number)),
    }
}

/// Formats an optional value as Rust source: `Some(value)` or `None`.
pub(super) fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(Some(#value)),
        None => quote!(None),
    }
}
