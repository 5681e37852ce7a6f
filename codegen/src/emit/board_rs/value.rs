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

/// `0x0900_0000`
pub(super) fn address(value: u64) -> TokenStream {
    literal(&notation::address(value))
}

/// `0x1000`
pub(super) fn hexadecimal(value: u64) -> TokenStream {
    literal(&notation::hexadecimal(value))
}

/// `24_000_000`
pub(super) fn decimal(value: u64) -> TokenStream {
    literal(&notation::decimal(value))
}

/// `"text"`
pub(super) fn string(text: &str) -> TokenStream {
    let literal = Literal::string(text);
    quote!(#literal)
}

/// `/// text`
pub(super) fn doc(text: &str) -> TokenStream {
    let text = format!(" {text}");
    quote!(#[doc = #text])
}

/// `Interrupt::level(33)`, for the first line of a row.
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

/// `Some(value)` or `None`
pub(super) fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(Some(#value)),
        None => quote!(None),
    }
}
