//! The parts that apps of the workspace drive.

use proc_macro2::TokenStream;
use quote::quote;

use super::memory::Names;
use super::{Imports, layout, value};
use crate::Board;
use crate::board::OwnPart;

/// Returns the item `const PARTS`; nothing if the board has no such parts, because the trait has a
/// default.
pub(super) fn parts(board: &Board, names: &Names, imports: &mut Imports) -> TokenStream {
    if board.parts.is_empty() {
        return TokenStream::new();
    }
    imports.add("vmos_drivers::board", "Part");
    let parts = board.parts.iter().map(|of| part(of, names, imports));
    let parts = layout::rows(&parts.collect::<Vec<_>>());
    let doc = value::doc("From `part`.");
    quote!(#doc const PARTS: &'static [Part] = &[#parts];)
}

fn part(part: &OwnPart, names: &Names, imports: &mut Imports) -> TokenStream {
    let named = |name: &str, of: TokenStream| {
        let name = value::string(name);
        quote!((#name, #of))
    };
    let registers = part.registers.iter();
    let registers = registers.map(|(name, range)| named(name, names.range(*range, imports)));
    let registers = layout::list(&registers.collect::<Vec<_>>());
    let interrupts = part.interrupts.iter();
    let interrupts = interrupts.map(|(name, line)| named(name, value::interrupt(*line, imports)));
    let interrupts = layout::list(&interrupts.collect::<Vec<_>>());
    let values = part.values.iter();
    let values = values.map(|(name, number)| named(name, value::decimal((*number).into())));
    let values = layout::list(&values.collect::<Vec<_>>());
    let fields = [
        ("key", value::string(&part.key)),
        ("name", value::string(&part.name)),
        ("kind", value::string(&part.kind)),
        ("registers", quote!(&[#registers])),
        ("interrupts", quote!(&[#interrupts])),
        ("values", quote!(&[#values])),
    ];
    layout::structure(&quote!(Part), &fields)
}
