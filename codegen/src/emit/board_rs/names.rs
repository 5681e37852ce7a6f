//! The names of virtio devices.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{Imports, layout, value};
use crate::Board;
use crate::board::NamedDevice;

/// Returns the items `const DISKS` and `const NICS`; nothing for those without names, because the trait
/// has defaults.
pub(super) fn names(board: &Board, imports: &mut Imports) -> TokenStream {
    let disks = table(&quote!(DISKS), "From `disk`.", &board.disks, imports);
    let nics = table(&quote!(NICS), "From `nic`.", &board.nics, imports);
    quote!(#disks #nics)
}

fn table(
    constant: &TokenStream,
    from: &str,
    all: &[NamedDevice],
    imports: &mut Imports,
) -> TokenStream {
    if all.is_empty() {
        return TokenStream::new();
    }
    imports.add("vmos_drivers::board", "NamedDevice");
    let rows: Vec<_> = all.iter().map(row).collect();
    let rows = layout::rows(&rows);
    let doc = value::doc(from);
    quote!(#doc const #constant: &'static [NamedDevice] = &[#rows];)
}

fn row(named: &NamedDevice) -> TokenStream {
    let text = |text: &Option<String>| value::option(text.as_deref().map(value::string));
    let slot = named.slot.map(|slot| {
        let slot = Literal::u32_unsuffixed(slot);
        quote!(#slot)
    });
    let fields = [
        ("name", value::string(&named.name)),
        ("identity", text(&named.identity)),
        ("slot", value::option(slot)),
        ("function", text(&named.function)),
    ];
    layout::structure(&quote!(NamedDevice), &fields)
}
