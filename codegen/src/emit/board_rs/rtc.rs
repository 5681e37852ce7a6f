//! The clock that tells the time of day, where the board has one.

use proc_macro2::TokenStream;
use quote::quote;

use super::memory::Names;
use super::{Imports, value};
use crate::Board;
use crate::board::Rtc;

/// `const RTC`, or nothing.
pub(super) fn constant(board: &Board, names: &Names, imports: &mut Imports) -> Option<TokenStream> {
    let (variant, key, registers) = match board.rtc? {
        Rtc::Pl031 { registers } => (quote!(Pl031), "pl031", registers),
        Rtc::Goldfish { registers } => (quote!(Goldfish), "goldfish", registers),
    };
    imports.add("vmos_drivers::rtc", "Rtc");
    let registers = names.range(registers, imports);
    let doc = value::doc(&format!("From `rtc.{key}`."));
    Some(quote!(#doc const RTC: Option<Rtc> = Some(Rtc::#variant(#registers));))
}
