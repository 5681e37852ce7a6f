//! The memory map: a constant for each range, and the map that lists them.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::{Imports, layout, value};
use crate::Board;
use crate::board::{Claim, Range};
use crate::emit::Error;
use crate::notation;

/// The names of a board's ranges.
pub(super) struct Names {
    /// Returns the names of the ranges, each with whether the description states the size.
    ram: Vec<(Named, bool)>,
    reserved: Vec<Named>,
    mmio: Vec<Named>,
}

struct Named {
    name: Ident,
    key: String,
    range: Range,
    /// The range at which the processor sees configuration space, and its size there, if it does
    /// not see all of it at its bus address.
    view: Option<Range>,
}

impl Names {
    pub(super) fn of(board: &Board) -> Self {
        let mut taken = BTreeSet::new();
        let mut named = |key: String, range: Range| {
            let name = constant(&key, &mut taken);
            // Configuration space is the one range that may have a view.
            let pci = board.pci.as_ref().filter(|pci| pci.part.key == key);
            Named {
                name,
                key,
                range,
                view: pci.and_then(|pci| pci.view()),
            }
        };
        let memory = &board.memory;
        Self {
            ram: memory
                .ram
                .iter()
                .map(|ram| {
                    let range = Range {
                        base: ram.base,
                        size: ram.expected_size,
                    };
                    let named = named(format!("memory.ram.{}", ram.name), range);
                    (named, ram.size_is_stated)
                })
                .collect(),
            reserved: memory
                .reserved
                .iter()
                .map(|range| named(format!("memory.reserved.{}", range.name), range.range))
                .collect(),
            mmio: claimed_by_devices(board)
                .map(|claim| named(claim.key.clone(), claim.what))
                .collect(),
        }
    }

    /// Returns `NAME.range`, or the range itself if no key claims exactly this one.
    pub(super) fn range(&self, range: Range, imports: &mut Imports) -> TokenStream {
        match self.mmio.iter().find(|named| named.range == range) {
            Some(Named { name, .. }) => quote!(#name.range),
            None => {
                imports.add("vmos_drivers::address", "Range");
                let base = address(range.base, imports);
                let size = value::hexadecimal(range.size);
                layout::structure(&quote!(Range), &[("base", base), ("size", size)])
            }
        }
    }

    /// Returns `NAME`, or an unnamed region if no key claims exactly this range.
    pub(super) fn region(&self, range: Range) -> String {
        match self.mmio.iter().find(|named| named.range == range) {
            Some(Named { name, .. }) => name.to_string(),
            None => nameless(range),
        }
    }

    /// Returns the region that starts at `base`.
    pub(super) fn region_from(&self, base: u64) -> String {
        match self.mmio.iter().find(|named| named.range.base == base) {
            Some(Named { name, .. }) => name.to_string(),
            None => nameless(Range { base, size: 1 }),
        }
    }

    /// Returns `NAME.range.base`, or the address itself if no key claims exactly this range.
    pub(super) fn base(&self, range: Range, imports: &mut Imports) -> TokenStream {
        match self.mmio.iter().find(|named| named.range == range) {
            Some(Named { name, .. }) => quote!(#name.range.base),
            None => address(range.base, imports),
        }
    }
}

/// Returns the claimed ranges except RAM, ascending.
fn claimed_by_devices(board: &Board) -> impl Iterator<Item = &Claim<Range>> {
    board
        .ranges
        .iter()
        .filter(|claim| !claim.key.starts_with("memory."))
}

fn nameless(range: Range) -> String {
    let base = notation::address(range.base);
    let size = notation::hexadecimal(range.size);
    format!("Region::at(\"\", {base}, {size})")
}

fn address(base: u64, imports: &mut Imports) -> TokenStream {
    imports.add("vmos_drivers::address", "PhysicalAddress");
    let base = value::address(base);
    quote!(PhysicalAddress(#base))
}

/// Returns `CONSOLE_PL011` for `console.pl011`, with a number appended if that is taken.
fn constant(key: &str, taken: &mut BTreeSet<String>) -> Ident {
    let mut name: String = key
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect();
    if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        name.insert_str(0, "RANGE_");
    }
    let mut unique = name.clone();
    let mut number = 2;
    while !taken.insert(unique.clone()) {
        unique = format!("{name}_{number}");
        number += 1;
    }
    format_ident!("{unique}")
}

/// Returns the constants, in the order of the map's lists.
///
/// # Errors
///
/// As for [`layout::format`].
pub(super) fn constants(names: &Names, imports: &mut Imports) -> Result<String, Error> {
    let mut ram = TokenStream::new();
    for (
        Named {
            name, key, range, ..
        },
        size_is_stated,
    ) in &names.ram
    {
        imports.add("vmos_drivers::board", "Ram");
        let fields = [
            ("key", value::string(key)),
            ("base", address(range.base, imports)),
            ("expected_size", value::hexadecimal(range.size)),
            ("size_is_stated", quote!(#size_is_stated)),
        ];
        let value = layout::structure(&quote!(Ram), &fields);
        ram.extend(quote!(const #name: Ram = #value;));
    }
    let mut text = layout::format(ram)?;
    for Named {
        name,
        key,
        range,
        view,
    } in names.reserved.iter().chain(&names.mmio)
    {
        imports.add("vmos_drivers::board", "Region");
        let size = view.map_or(range.size, |view| view.size);
        let mut arguments = vec![
            value::string(key),
            value::address(range.base),
            value::hexadecimal(size),
        ];
        arguments.extend(view.map(|view| value::address(view.base)));
        let function = if view.is_some() { "seen_at" } else { "at" };
        text += &layout::constant(name, "Region", function, &arguments);
    }
    Ok(text)
}

/// Returns the item `const MEMORY`.
pub(super) fn map(names: &Names, imports: &mut Imports) -> TokenStream {
    imports.add("vmos_drivers::board", "MemoryMap");
    let list = |named: &mut dyn Iterator<Item = &Named>| {
        let names: Vec<TokenStream> = named.map(|Named { name, .. }| quote!(#name)).collect();
        let names = layout::list(&names);
        quote!(&[#names])
    };
    let map = layout::structure(
        &quote!(MemoryMap),
        &[
            ("ram", list(&mut names.ram.iter().map(|(named, _)| named))),
            ("reserved", list(&mut names.reserved.iter())),
            ("mmio", list(&mut names.mmio.iter())),
        ],
    );
    quote!(const MEMORY: MemoryMap = #map;)
}
